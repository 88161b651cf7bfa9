/** Pairs of rows in blocks: memory stays bounded even for 10 000 rows, which have 50 million pairs. */

import type {Matrix} from '../../core/contracts/data.ts';
import {squaredLengths} from '../../core/linalg/matrix.ts';
import {forEachProductBlock} from '../../core/linalg/products.ts';

/** Values of a block of products, at most: 16 MiB. */
const blockValues = 4 * 2 ** 20;

/** Squared Euclidean distances between the rows of a (n, d) and those of b (m, d): `visit(row of a, its m distances)`. */
export function forEachDistanceRow(a: Matrix, b: Matrix, visit: (row: number, squared: Float64Array) => void): void {
  const [lengths, others] = [squaredLengths(a), squaredLengths(b)];
  const squared = new Float64Array(b.rows);
  forEachProductBlock(
    a,
    b,
    (first, rows, products) => {
      for (let i = 0; i < rows; i++) {
        const length = lengths[first + i]!;
        // Products are float32: equal rows may come out a little below 0.
        for (let j = 0; j < b.rows; j++) squared[j] = Math.max(0, length + others[j]! - 2 * products[i * b.rows + j]!);
        visit(first + i, squared);
      }
    },
    {blockValues},
  );
}

/** Mean of f(‖x - y‖²) over all pairs of two different rows of one matrix. NaN for fewer than two. */
export function meanOverOwnPairs(x: Matrix, f: (squared: number) => number): number {
  let sum = 0;
  forEachDistanceRow(x, x, (row, squared) => {
    for (let j = row + 1; j < squared.length; j++) sum += f(squared[j]!);
  });
  return sum / ((x.rows * (x.rows - 1)) / 2);
}

/** Mean of f(‖x - y‖²) over all pairs of a row of x and one of y. */
export function meanOverPairs(x: Matrix, y: Matrix, f: (squared: number) => number): number {
  let sum = 0;
  forEachDistanceRow(x, y, (_, squared) => {
    for (const value of squared) sum += f(value);
  });
  return sum / (x.rows * y.rows);
}

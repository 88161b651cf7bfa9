/**
 * A greedy coreset (Roth et al. 2022, PatchCore, algorithm 1; Gonzalez 1985): rows such that every row is near one of them. The furthest
 * row comes next, again and again, so that no choice of as many rows has less than half the largest distance.
 */
import type {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {type Factor, openFactor} from '../../core/linalg/products.ts';

/**
 * `count` rows (n, d), in the order in which they are chosen, beginning with row `first`. Distances are in doubles. Time: for each chosen
 * row, one distance to every chosen row, and to the rows that may have become nearer: by the triangle inequality, those less than
 * twice as far from their nearest chosen row as this row is from the new one.
 */
export function kCentres(rows: Matrix, count: number, first: number): Int32Array {
  const {rows: n, columns: d, data} = rows;
  const chosen = new Int32Array(Math.min(count, n));
  /** Of every row: the place in `chosen` of the nearest, and the squared distance to it; -1 of a chosen row, so that each is chosen once. */
  const nearest = new Int32Array(n);
  const squares = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const between = new Float64Array(chosen.length);
  let next = first;
  for (let k = 0; k < chosen.length; k++) {
    chosen[k] = next;
    squares[next] = -1;
    for (let j = 0; j < k; j++) between[j] = squaredDistance(data, chosen[j]! * d, next * d, d);
    let furthest = next;
    for (let row = 0; row < n; row++) {
      if (between[nearest[row]!]! < 4 * squares[row]!) {
        const square = squaredDistance(data, row * d, next * d, d);
        if (square < squares[row]!) {
          squares[row] = square;
          nearest[row] = k;
        }
      }
      if (squares[row]! > squares[furthest]!) furthest = row;
    }
    next = furthest;
  }
  return chosen;
}

/** Four sums at a time, as one alone would wait for each addition. */
function squaredDistance(data: Float32Array, a: number, b: number, length: number): number {
  let [s, t, u, v] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    const p = data[a + k]! - data[b + k]!;
    const q = data[a + k + 1]! - data[b + k + 1]!;
    const r = data[a + k + 2]! - data[b + k + 2]!;
    const w = data[a + k + 3]! - data[b + k + 3]!;
    s += p * p;
    t += q * q;
    u += r * r;
    v += w * w;
  }
  for (; k < length; k++) s += (data[a + k]! - data[b + k]!) ** 2;
  return s + t + (u + v);
}

/**
 * A random projection (Johnson & Lindenstrauss 1984): rows (n, d) → (n, columns), whose distances are those of the rows but for a few
 * per cent; one block of rows after the other. To be disposed of.
 */
export class Projection {
  readonly columns: number;
  readonly #factor: Factor;

  constructor(from: number, columns: number, rng: Rng) {
    this.columns = columns;
    const scale = 1 / Math.sqrt(columns);
    const data = Float32Array.from({length: columns * from}, () => scale * rng.normal());
    this.#factor = openFactor({rows: columns, columns: from, data});
  }

  /** Writes the projected rows into `into` from row `at` on. */
  project(rows: Matrix, into: Float32Array, at: number): void {
    this.#factor.times(rows, (first, _, block) => into.set(block, (at + first) * this.columns));
  }

  dispose(): void {
    this.#factor.dispose();
  }
}

/** Triangular factors in float64, for the one matrix of each Gaussian, which is too close to singular for the engine's float32. */

import type {Matrix} from '../../core/contracts/data.ts';
import {doubleProduct, hasDoubleProduct} from '../../core/linalg/doubles.ts';
import {dotInFours} from '../../core/linalg/vectors.ts';

/** Row-major lower triangle L with L·Lᵀ = matrix (n × n, symmetric); undefined when it is not positive definite. */
export function cholesky(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = matrix[i * n + j]! - dotInFours(lower, i * n, lower, j * n, j);
      if (i > j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return lower;
}

/**
 * x ↦ ‖L⁻¹(v − mean)‖² of every row v of x. A row's result does not depend on its neighbours: on an engine with products in doubles
 * every block has the same number of rows.
 */
export function whitener(mean: Float64Array, lower: Float64Array): (x: Matrix) => Float64Array {
  let whitening: Float64Array | undefined;
  return (x) => {
    if (!hasDoubleProduct()) return whitenedSquares(x, mean, lower);
    whitening ??= transposed(inverse(lower, mean.length), mean.length);
    return whitenedByProducts(x, mean, whitening);
  };
}

const rowsOfProduct = 256;

/** `whitening`: L⁻ᵀ. */
function whitenedByProducts({rows, columns: d, data}: Matrix, mean: Float64Array, whitening: Float64Array) {
  const squares = new Float64Array(rows);
  const block = new Float64Array(rowsOfProduct * d);
  const right = {rows: d, columns: d, data: whitening};
  for (let from = 0; from < rows; from += rowsOfProduct) {
    const count = Math.min(rowsOfProduct, rows - from);
    for (let row = 0, at = 0; row < count; row++)
      for (let i = 0; i < d; i++, at++) block[at] = data[from * d + at]! - mean[i]!;
    const white = doubleProduct({rows: rowsOfProduct, columns: d, data: block}, right);
    for (let row = 0; row < count; row++) squares[from + row] = dotInFours(white, row * d, white, row * d, d);
  }
  return squares;
}

/** Rows (n, d) → (d, n). */
export function transposed(rows: Float64Array, d: number): Float64Array {
  const n = rows.length / d;
  const turned = new Float64Array(rows.length);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) turned[j * n + i] = rows[i * d + j]!;
  return turned;
}

function whitenedSquares({rows, columns: d, data}: Matrix, mean: Float64Array, lower: Float64Array): Float64Array {
  const squares = new Float64Array(rows);
  const block = new Float64Array(d * together);
  for (let from = 0; from < rows; from += together) {
    const count = Math.min(together, rows - from);
    for (let row = 0; row < count; row++)
      for (let i = 0; i < d; i++) block[i * together + row] = data[(from + row) * d + i]! - mean[i]!;
    solveLower(lower, block);
    for (let row = 0; row < count; row++)
      for (let at = row; at < block.length; at += together) squares[from + row]! += block[at]! * block[at]!;
  }
  return squares;
}

/** Replaces v by (L·Lᵀ)⁻¹ v, for a row-major lower triangle (n × n). */
export function solveBoth(lower: Float64Array, v: Float64Array): void {
  const n = v.length;
  for (let i = 0; i < n; i++) v[i] = (v[i]! - dotInFours(lower, i * n, v, 0, i)) / lower[i * n + i]!;
  for (let i = n - 1; i >= 0; i--) {
    v[i]! /= lower[i * n + i]!;
    for (let k = 0; k < i; k++) v[k]! -= lower[i * n + k]! * v[i]!;
  }
}

/** Right-hand sides that are solved together: this many sums run in parallel, and none waits for another. */
const together = 8;

/**
 * Replaces the columns of `right` (n × `together`, row-major) by y with L·y = column, for a row-major lower triangle (n × n).
 * A column's result does not depend on its neighbours.
 */
function solveLower(lower: Float64Array, right: Float64Array): void {
  const n = right.length / together;
  for (let i = 0; i < n; i++) {
    const at = i * together;
    let [a, b, c, d] = [right[at]!, right[at + 1]!, right[at + 2]!, right[at + 3]!];
    let [e, f, g, h] = [right[at + 4]!, right[at + 5]!, right[at + 6]!, right[at + 7]!];
    for (let k = 0, from = 0; k < i; k++, from += together) {
      const l = lower[i * n + k]!;
      a -= l * right[from]!;
      b -= l * right[from + 1]!;
      c -= l * right[from + 2]!;
      d -= l * right[from + 3]!;
      e -= l * right[from + 4]!;
      f -= l * right[from + 5]!;
      g -= l * right[from + 6]!;
      h -= l * right[from + 7]!;
    }
    const pivot = lower[i * n + i]!;
    right[at] = a / pivot;
    right[at + 1] = b / pivot;
    right[at + 2] = c / pivot;
    right[at + 3] = d / pivot;
    right[at + 4] = e / pivot;
    right[at + 5] = f / pivot;
    right[at + 6] = g / pivot;
    right[at + 7] = h / pivot;
  }
}

/** L⁻¹, row-major, of a row-major lower triangle (n × n). */
export function inverse(lower: Float64Array, n: number): Float64Array {
  const inverted = new Float64Array(n * n);
  const block = new Float64Array(n * together);
  for (let first = 0; first < n; first += together) {
    const count = Math.min(together, n - first);
    block.fill(0);
    for (let column = 0; column < count; column++) block[(first + column) * together + column] = 1;
    solveLower(lower, block);
    for (let row = first; row < n; row++)
      inverted.set(block.subarray(row * together, row * together + count), row * n + first);
  }
  return inverted;
}

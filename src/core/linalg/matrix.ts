/** Rows of a matrix, and sums over them. Sums are in doubles, and added in the order of rows or columns. */
import type {Matrix} from '../contracts/data.ts';
import {dotInFours, type Numbers} from './vectors.ts';

/** Rows scaled to length 1; a row of zeros stays one. */
export function normaliseRows(features: Matrix): Matrix {
  const {rows, columns, data} = features;
  const unit = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * columns, (row + 1) * columns];
    let square = 0;
    for (let i = start; i < end; i++) square += data[i]! * data[i]!;
    if (square === 0) continue;
    const length = Math.sqrt(square);
    for (let i = start; i < end; i++) unit[i] = data[i]! / length;
  }
  return {rows, columns, data: unit};
}

export function pickRows({columns, data}: Matrix, chosen: ArrayLike<number>): Matrix {
  const picked = new Float32Array(chosen.length * columns);
  for (let i = 0; i < chosen.length; i++) {
    picked.set(data.subarray(chosen[i]! * columns, (chosen[i]! + 1) * columns), i * columns);
  }
  return {rows: chosen.length, columns, data: picked};
}

interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly data: Numbers;
}

/** ‖row‖² of every row. */
export function squaredLengths({rows, columns, data}: Rows): Float64Array {
  const squares = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += data[i]! * data[i]!;
    squares[row] = sum;
  }
  return squares;
}

/** One a column. */
export function columnMeans({rows, columns, data}: Matrix): Float64Array {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) for (let i = 0; i < columns; i++) sums[i]! += data[row * columns + i]!;
  return sums.map((sum) => sum / rows);
}

/** Rows less `mean`, which has one number a column; row-major. */
export function centred({rows, columns, data}: Matrix, mean: Float64Array): Float64Array {
  const moved = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < columns; i++) moved[row * columns + i] = data[row * columns + i]! - mean[i]!;
  return moved;
}

/** Products of all pairs of rows of x (n, d): xxᵀ (n, n), row-major. */
export function gram(x: Float64Array, d: number): Float64Array {
  const n = x.length / d;
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const value = dotInFours(x, i * d, x, j * d, d);
      products[i * n + j] = value;
      products[j * n + i] = value;
    }
  return products;
}

/** The index of the first value that is not a finite number; -1 if all are finite. */
export function firstNonFinite(values: Float32Array | Float64Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

/** The rows of one after those of the other; all have the same columns, and there is at least one. */
export function joinRows(parts: readonly Matrix[]): Matrix {
  const columns = parts[0]!.columns;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const data = new Float32Array(rows * columns);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return {rows, columns, data};
}

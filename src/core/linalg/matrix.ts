/** Rows of a matrix of features. */
import type {Matrix} from '../contracts/data.ts';

/** Rows scaled to length 1; a row of zeros stays one. */
export function normaliseRows(features: Matrix): Matrix {
  const {rows, columns, data} = features;
  const unit = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let sum = 0;
    for (let i = start; i < start + columns; i++) sum += data[i]! * data[i]!;
    if (sum === 0) continue;
    const length = Math.sqrt(sum);
    for (let i = start; i < start + columns; i++) unit[i] = data[i]! / length;
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

/** The index of the first value that is not a finite number; -1 if all are finite. */
export function firstNonFinite(values: Float32Array | Float64Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

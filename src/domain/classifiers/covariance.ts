/** Covariances in float64: where they are singular, the rounding of float32 would decide. */

import type {Matrix} from '../../core/plugin/contracts.ts';

export function columnMeans({rows, columns, data}: Matrix): Float64Array {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) for (let i = 0; i < columns; i++) sums[i]! += data[row * columns + i]!;
  return sums.map((sum) => sum / rows);
}

/** Rows less `mean`, row-major. */
export function centred({rows, columns, data}: Matrix, mean: Float64Array): Float64Array {
  const moved = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < columns; i++) moved[row * columns + i] = data[row * columns + i]! - mean[i]!;
  return moved;
}

/** XᵀX / n of centred rows (n, d): (d, d), symmetric. */
export function covariance(x: Float64Array, d: number): Float64Array {
  const n = x.length / d;
  const sigma = new Float64Array(d * d);
  for (let row = 0; row < x.length; row += d)
    for (let i = 0; i < d; i++) {
      const value = x[row + i]!;
      if (value === 0) continue; // features after a ReLU are often constant at 0
      for (let j = 0; j <= i; j++) sigma[i * d + j]! += value * x[row + j]!;
    }
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      const value = sigma[i * d + j]! / n;
      sigma[i * d + j] = value;
      sigma[j * d + i] = value;
    }
  return sigma;
}

/**
 * Shrinks `sigma` in place to (1 - s) Σ + s μ I, μ the mean variance, with the s that Ledoit & Wolf (2004) find to lie
 * nearest the true covariance. `x`: the centred rows (n, d) that it was computed of.
 */
export function ledoitWolf(sigma: Float64Array, x: Float64Array, d: number): void {
  const n = x.length / d;
  let trace = 0;
  for (let i = 0; i < d; i++) trace += sigma[i * d + i]!;
  const mean = trace / d;
  let squares = 0; // ‖Σ‖²
  for (const value of sigma) squares += value * value;
  let lengths = 0; // Σᵢ ‖xᵢ‖⁴
  for (let row = 0; row < x.length; row += d) {
    let length = 0;
    for (let i = row; i < row + d; i++) length += x[i]! * x[i]!;
    lengths += length * length;
  }
  const spread = squares - mean * trace; // ‖Σ - μI‖²
  const error = (lengths / n - squares) / n;
  const s = spread > 0 ? Math.min(Math.max(error / spread, 0), 1) : 0;
  for (let i = 0; i < sigma.length; i++) sigma[i]! *= 1 - s;
  for (let i = 0; i < d; i++) sigma[i * d + i]! += s * mean;
}

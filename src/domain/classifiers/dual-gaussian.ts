/**
 * A Gaussian of fewer rows than features, without its (d, d) covariance (docs/paper-notes.md 3.6: 60–391 images against 512 features, and
 * that at 3249 places). With Σ = CᵀC + bI, C the centred and scaled rows (n, d), Woodbury's identity and Sylvester's give
 *
 *     vᵀΣ⁻¹v = (‖v‖² - ‖Zv‖²) / b,   Z = L⁻¹C,   LLᵀ = CCᵀ + bI (n, n)
 *     log|Σ| = (d - n) log b + 2 Σ log Lᵢᵢ
 */
import {addScaled, dotInFours} from '../../core/linalg/vectors.ts';
import {cholesky} from './cholesky.ts';

/**
 * The difference loses as many digits as lie between the largest variance and b, twice over: beyond this ratio of the
 * variances' sum to b the (d, d) form is the better one.
 */
const mostSpread = 1e6;

export const dualServes = (rows: number, columns: number, trace: number, b: number): boolean =>
  rows < columns && trace <= mostSpread * b;

export interface DualGaussian {
  /** Z (n, d). */
  readonly whitened: Float64Array;
  /** log |Σ| / 2. */
  readonly halfLogDeterminant: number;
}

/** `gram`: xxᵀ of the centred rows x (n, d); Σ = scale · xᵀx + bI. */
export function dualGaussian(x: Float64Array, gram: Float64Array, d: number, scale: number, b: number): DualGaussian {
  const n = x.length / d;
  const kernel = gram.map((value) => scale * value);
  for (let i = 0; i < n; i++) kernel[i * n + i]! += b;
  const lower = cholesky(kernel, n);
  if (!lower) throw new Error(`the covariance of ${n} rows of ${d} features could not be factorised`);
  const root = Math.sqrt(scale);
  const whitened = x.map((value) => root * value);
  let halfLogDeterminant = ((d - n) / 2) * Math.log(b);
  for (let i = 0; i < n; i++) {
    const row = whitened.subarray(i * d, (i + 1) * d);
    for (let k = 0; k < i; k++) addScaled(row, -lower[i * n + k]!, whitened, k * d);
    const pivot = lower[i * n + i]!;
    for (let j = 0; j < d; j++) row[j]! /= pivot;
    halfLogDeterminant += Math.log(pivot);
  }
  return {whitened, halfLogDeterminant};
}

/** Replaces v by Σ⁻¹v. */
export function dualSlope(whitened: Float64Array, v: Float64Array, b: number): void {
  const d = v.length;
  const left = Float64Array.from(v);
  for (let from = 0; from < whitened.length; from += d)
    addScaled(left, -dotInFours(whitened, from, v, 0, d), whitened, from);
  for (let i = 0; i < d; i++) v[i] = left[i]! / b;
}

/** vᵀΣ⁻¹v; never below 0, where rounding would put it. */
export function dualDistance(whitened: Float64Array, v: Float64Array, b: number): number {
  const d = v.length;
  let squares = dotInFours(v, 0, v, 0, d);
  for (let from = 0; from < whitened.length; from += d) {
    const along = dotInFours(whitened, from, v, 0, d);
    squares -= along * along;
  }
  return Math.max(0, squares) / b;
}

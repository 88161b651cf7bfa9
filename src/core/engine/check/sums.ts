/**
 * Sums over tensors too large to be read out for each: the library combines them in one pass over its own memory. An error of such a sum
 * can only make a right kernel look wrong; it can't hide one, as what is expected comes from other sums.
 */
import type * as TF from '@tensorflow/tfjs';

type Numbers = Float32Array | Float64Array;

/** Σ weights[row] · y[row, …] of `rows` rows. */
export const sumOfRows = (tf: typeof TF, y: TF.Tensor, rows: number, weights: Numbers): Float32Array =>
  valuesOf(tf, () => tf.matMul(row(tf, weights), tf.reshape(y, [rows, -1])));

/** ⟨y[row, …], weights⟩ of `rows` rows. */
export const sumsInRows = (tf: typeof TF, y: TF.Tensor, rows: number, weights: Numbers): Float32Array =>
  valuesOf(tf, () => tf.matMul(row(tf, weights), tf.reshape(y, [rows, -1]), false, true));

const row = (tf: typeof TF, weights: Numbers) => tf.tensor2d(Float32Array.from(weights), [1, weights.length]);

/** What is computed, read out. A tidy that returned the values themselves would search all of them for tensors. */
export function valuesOf(tf: typeof TF, compute: () => TF.Tensor): Float32Array {
  const sums = tf.tidy(compute);
  const values = sums.dataSync() as Float32Array;
  sums.dispose();
  return values;
}

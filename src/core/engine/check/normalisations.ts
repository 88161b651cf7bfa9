/** Batch normalisation and its gradient against float64, all values. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf} from './compare.ts';
import type {Reference} from './contract.ts';
import {noise} from './noise.ts';

export function batchNormReference(_: typeof TF, {kernel, shapes, attrs}: KernelCall): Reference | undefined {
  const channels = shapes['x']!.at(-1)!;
  if (shapes['x']!.length !== 4) return undefined;
  const size = shapes['x']!.reduce((product, side) => product * side, 1);
  const rows = size / channels;
  const x = noise(size, 1).map((value) => value + 0.25);
  const [gamma, beta] = [positive(channels, 2), noise(channels, 3)];
  const [mean, variance] = [noise(channels, 4), positive(channels, 5)];
  const {epsilon, varianceEpsilon, momentum} = attrs as {epsilon: number; varianceEpsilon: number; momentum: number};
  if (kernel === 'FusedBatchNorm') {
    if (shapes['mean']!.length !== 1 || !shapes['scale'] || !shapes['offset']) return undefined;
    return {
      inputs: {x, mean, variance, scale: gamma, offset: beta},
      error: ([y]) => errorOf(y!, normalised(x, channels, mean, variance, varianceEpsilon, gamma, beta)),
    };
  }
  const batch = moments(x, channels);
  if (kernel === 'TrainBatchNorm') {
    const unbiased = rows / Math.max(rows - 1, 1);
    return {
      inputs: {x, gamma, beta, mean, variance},
      error: ([y, movedMean, movedVariance]) =>
        Math.max(
          errorOf(y!, normalised(x, channels, batch.mean, batch.variance, epsilon, gamma, beta)),
          errorOf(movedMean!, moved(mean, batch.mean, momentum)),
          errorOf(
            movedVariance!,
            moved(
              variance,
              batch.variance.map((value) => value * unbiased),
              momentum,
            ),
          ),
        ),
    };
  }
  const dy = noise(size, 6);
  const normal = normalised(x, channels, batch.mean, batch.variance, epsilon);
  const [sum, product] = [new Float64Array(channels), new Float64Array(channels)];
  for (let row = 0, at = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++, at++) {
      sum[channel]! += dy[at]!;
      product[channel]! += dy[at]! * normal[at]!;
    }
  const dx = new Float64Array(size);
  for (let row = 0, at = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++, at++) {
      const slope = gamma[channel]! / Math.sqrt(batch.variance[channel]! + epsilon);
      dx[at] = slope * (dy[at]! - sum[channel]! / rows - (normal[at]! * product[channel]!) / rows);
    }
  return {
    inputs: {
      dy,
      x,
      gamma,
      a: Float32Array.from(batch.mean),
      b: Float32Array.from(batch.variance),
      c: new Float32Array(shapes['c']!.reduce((count, side) => count * side, 1)),
    },
    // A gradient of one value a channel is zero but for rounding.
    error: ([gotX, gotGamma, gotBeta]) =>
      Math.max(errorOf(gotX!, dx, 0.1), errorOf(gotGamma!, product, 0.1), errorOf(gotBeta!, sum, 0.1)),
  };
}

const positive = (size: number, seed: number) => noise(size, seed).map((value) => value / 2 + 1);

const moved = (old: Float32Array, batch: Float64Array, momentum: number) =>
  batch.map((value, i) => momentum * old[i]! + (1 - momentum) * value);

function moments(x: Float32Array, channels: number): {readonly mean: Float64Array; readonly variance: Float64Array} {
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  const rows = x.length / channels;
  for (let row = 0, at = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++, at++) mean[channel]! += x[at]! / rows;
  for (let row = 0, at = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++, at++)
      variance[channel]! += (x[at]! - mean[channel]!) ** 2 / rows;
  return {mean, variance};
}

function normalised(
  x: Float32Array,
  channels: number,
  mean: Float32Array | Float64Array,
  variance: Float32Array | Float64Array,
  epsilon: number,
  gamma?: Float32Array,
  beta?: Float32Array,
): Float64Array {
  const slope = Float64Array.from(variance, (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon));
  const y = new Float64Array(x.length);
  for (let at = 0; at < x.length; )
    for (let channel = 0; channel < channels; channel++, at++)
      y[at] = (x[at]! - mean[channel]!) * slope[channel]! + (beta?.[channel] ?? 0);
  return y;
}

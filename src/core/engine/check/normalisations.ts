/**
 * Batch normalisation and its gradient. Both are linear in their inputs once the moments of the batch are known: every value of the
 * result goes into a random sum for its channel and one for its row, which must be those of the inputs (as in `convolutions.ts`).
 */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf} from './compare.ts';
import type {Reference} from './contract.ts';
import {noise, noiseTensor, signs} from './noise.ts';
import {sumOfRows, sumsInRows} from './sums.ts';

type Numbers = Float32Array | Float64Array;

export function batchNormReference(tf: typeof TF, {kernel, shapes, attrs}: KernelCall): Reference | undefined {
  const shape = shapes['x']!;
  const channels = shape.at(-1)!;
  if (shape.length !== 4) return undefined;
  const rows = shape.reduce((product, side) => product * side, 1) / channels;
  const x = tf.tidy(() => tf.add(noiseTensor(tf, shape, 1), 0.25));
  const [gamma, beta] = [positive(channels, 2), noise(channels, 3)];
  const [mean, variance] = [noise(channels, 4), positive(channels, 5)];
  const {epsilon, varianceEpsilon, momentum} = attrs as {epsilon: number; varianceEpsilon: number; momentum: number};
  const check = sumsOf(tf, rows, channels);
  if (kernel === 'FusedBatchNorm') {
    if (shapes['mean']!.length !== 1 || !shapes['scale'] || !shapes['offset']) return undefined;
    const error = check(normalised({x, mean, variance, epsilon: varianceEpsilon, gamma, beta}));
    return {inputs: {x, mean, variance, scale: gamma, offset: beta}, error: ([y]) => error(y!)};
  }
  const batch = moments(tf, x, rows);
  if (kernel === 'TrainBatchNorm') {
    const unbiased = batch.variance.map((value) => (value * rows) / Math.max(rows - 1, 1));
    const error = check(normalised({x, ...batch, epsilon, gamma, beta}));
    return {
      inputs: {x, gamma, beta, mean, variance},
      error: ([y, movedMean, movedVariance]) =>
        Math.max(
          error(y!),
          errorOf(movedMean!.dataSync(), moved(mean, batch.mean, momentum)),
          errorOf(movedVariance!.dataSync(), moved(variance, unbiased, momentum)),
        ),
    };
  }
  const dy = noiseTensor(tf, shape, 6);
  const ones = new Float64Array(rows).fill(1);
  const inverse = batch.variance.map((value) => 1 / Math.sqrt(value + epsilon));
  const sum = sumOfRows(tf, dy, rows, ones);
  const both = tf.mul(dy, x);
  // Of dy and the normalised values.
  const product = sumOfRows(tf, both, rows, ones).map((value, i) => (value - sum[i]! * batch.mean[i]!) * inverse[i]!);
  both.dispose();
  const slope = inverse.map((value, i) => value * gamma[i]!);
  const ofX = inverse.map((value, i) => (-slope[i]! * value * product[i]!) / rows);
  const constant = slope.map((value, i) => (-value * sum[i]!) / rows - ofX[i]! * batch.mean[i]!);
  const error = check(
    {
      parts: [
        [dy, slope],
        [x, ofX],
      ],
      constant,
    },
    0.1,
  );
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
      Math.max(error(gotX!), errorOf(gotGamma!.dataSync(), product, 0.1), errorOf(gotBeta!.dataSync(), sum, 0.1)),
  };
}

const positive = (size: number, seed: number) => noise(size, seed).map((value) => value / 2 + 1);

const moved = (old: Float32Array, batch: Numbers, momentum: number) =>
  Float64Array.from(batch, (value, i) => momentum * old[i]! + (1 - momentum) * value);

/** Σ tensor · slope + constant, each a value a channel. */
interface Linear {
  readonly parts: readonly (readonly [values: TF.Tensor, slope: Float64Array])[];
  readonly constant: Float64Array;
}

/** How far a result of `rows` × `channels` is from what is linear in its inputs; `usual` is the size of a value. */
function sumsOf(tf: typeof TF, rows: number, channels: number) {
  const [ofRow, ofChannel] = [signs(rows, 1), signs(channels, 2)];
  const total = ofRow.reduce((sum, sign) => sum + sign, 0);
  return ({parts, constant}: Linear, usual = 0.1): ((result: TF.Tensor) => number) => {
    const columns = constant.map((value) => value * total);
    const fixed = constant.reduce((sum, value, i) => sum + value * ofChannel[i]!, 0);
    const lines = new Float64Array(rows).fill(fixed);
    for (const [values, slope] of parts) {
      const inColumns = sumOfRows(tf, values, rows, ofRow);
      for (let i = 0; i < channels; i++) columns[i]! += slope[i]! * inColumns[i]!;
      const weights = slope.map((value, i) => value * ofChannel[i]!);
      const inLines = sumsInRows(tf, values, rows, weights);
      for (let i = 0; i < rows; i++) lines[i]! += inLines[i]!;
    }
    return (result) =>
      Math.max(
        errorOf(sumOfRows(tf, result, rows, ofRow), columns, usual * Math.sqrt(rows)),
        errorOf(sumsInRows(tf, result, rows, ofChannel), lines, usual * Math.sqrt(channels)),
      );
  };
}

interface Normalisation {
  readonly x: TF.Tensor;
  readonly mean: Numbers;
  readonly variance: Numbers;
  readonly epsilon: number;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
}

function normalised({x, mean, variance, epsilon, gamma, beta}: Normalisation): Linear {
  const slope = Float64Array.from(variance, (value, i) => gamma[i]! / Math.sqrt(value + epsilon));
  return {parts: [[x, slope]], constant: slope.map((value, i) => beta[i]! - value * mean[i]!)};
}

function moments(tf: typeof TF, x: TF.Tensor, rows: number) {
  const ones = new Float64Array(rows).fill(1);
  const mean = Float64Array.from(sumOfRows(tf, x, rows, ones), (sum) => sum / rows);
  const squares = tf.tidy(() => tf.squaredDifference(x, tf.tensor1d(Float32Array.from(mean))));
  const variance = Float64Array.from(sumOfRows(tf, squares, rows, ones), (sum) => sum / rows);
  squares.dispose();
  return {mean, variance};
}

/** What the classifiers of docs/paper-notes.md 4 share: subset, row-wise L2 norm, bandwidth; and how to save doubles. */

import type {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {normaliseRows, pickRows, squaredLengths} from '../../core/linalg/matrix.ts';
import {Type} from '../../core/plugin/type.ts';

export {normaliseRows, pickRows} from '../../core/linalg/matrix.ts';

/** Options of all classifiers with an RBF kernel. */
export const bandwidthOptions = {
  gamma: Type.Union([Type.Literal('auto'), Type.Number({exclusiveMinimum: 0})], {
    default: 'auto',
    description: 'Width of the kernel exp(-gamma ‖x - y‖²); auto = gamma_multiplier / (d · variance of all entries).',
  }),
  gamma_multiplier: Type.Number({
    exclusiveMinimum: 0,
    default: 10,
    description: 'Numerator of the automatic gamma; 10 in the paper, 1 is "scale" of scikit-learn.',
  }),
};

export const layerOption = Type.String({
  minLength: 1,
  default: 'pool',
  description:
    'Features to read, one of the learner’s layers: `pool`, the pooled output of the network; `embed`, that of its projection head; ' +
    '`level-1` to `level-7`, those of the groups of blocks of an EfficientNet; or one of its own.',
});

export const trainLimitOption = Type.Integer({
  minimum: 1,
  default: 20_000,
  description:
    'Largest number of rows to fit on; more rows are sampled at random. The default is the paper’s limit, which only CelebA reaches.',
});

/**
 * Slopes in rows of length 1 → slopes in the rows before `normaliseRows`: with y = x / ‖x‖, that of x is (g - y (y·g)) / ‖x‖. 0 for a row
 * of zeros, which stays as it is in whatever direction.
 */
function beforeNormalising(features: Matrix, slopes: Matrix): Matrix {
  const {rows, columns, data} = features;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const x = data.subarray(row * columns, (row + 1) * columns);
    const g = slopes.data.subarray(row * columns, (row + 1) * columns);
    const length = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
    if (length === 0) continue;
    let along = 0;
    for (let i = 0; i < columns; i++) along += (x[i]! / length) * g[i]!;
    for (let i = 0; i < columns; i++) out[row * columns + i] = (g[i]! - along * (x[i]! / length)) / length;
  }
  return {rows, columns, data: out};
}

/** The slopes of a score that is `of` rows scaled to length 1, if they are, in the rows as they were given. */
export const slopesThrough = (normalise: boolean, features: Matrix, of: (rows: Matrix) => Matrix): Matrix =>
  normalise ? beforeNormalising(features, of(normaliseRows(features))) : of(features);

/** The kernel's width for these training features and options. */
export function gammaFor(
  features: Matrix,
  {gamma, gamma_multiplier}: {readonly gamma: number | 'auto'; readonly gamma_multiplier: number},
): number {
  return gamma === 'auto' ? automaticGamma(features, gamma_multiplier) : gamma;
}

/**
 * multiplier / (d · Var), Var = population variance of all n·d entries (docs/paper-notes.md 4). 1, as in scikit-learn, if they do
 * not vary beyond the rounding of float32: then the features contain no information, and every finite width is equally good.
 */
export function automaticGamma(features: Matrix, multiplier: number): number {
  const {columns, data} = features;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]!;
  const mean = sum / data.length;
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += (data[i]! - mean) * (data[i]! - mean);
  const variance = squares / data.length;
  const gamma = multiplier / (columns * variance);
  return variance > 1e-13 * (variance + mean * mean) && Number.isFinite(gamma) ? gamma : 1;
}

/** All rows if there are at most `limit`, otherwise a random subset of them in their original order. */
export const subsample = (features: Matrix, limit: number, rng: Rng): Matrix =>
  features.rows <= limit ? features : pickRows(features, sampledRows(features.rows, limit, rng));

/** The numbers of those rows. */
export function sampledRows(rows: number, limit: number, rng: Rng): Uint32Array {
  if (rows <= limit) return Uint32Array.from({length: rows}, (_, row) => row);
  return rng.fork('train-limit').permutation(rows).subarray(0, limit).sort();
}

/** Largest Euclidean length of a row. */
export const longestRow = (features: Matrix): number =>
  Math.sqrt(squaredLengths(features).reduce((longest, square) => Math.max(longest, square), 0));

/** e such that 2^e times a length of about `length` is between 1/2 and 1: products of scaled rows can't overflow float32. */
export const scalingExponent = (length: number): number => (length > 0 ? -Math.ceil(Math.log2(length)) : 0);

/** Saved arrays are float32. Doubles are saved as pairs of floats, (2, n): 48 of their 53 bits. */
export function splitDoubles(values: ArrayLike<number>): Float32Array {
  const n = values.length;
  const pairs = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    pairs[i] = values[i]!;
    pairs[n + i] = values[i]! - pairs[i]!;
  }
  return pairs;
}

export function joinDoubles(pairs: Float32Array): Float64Array {
  const n = pairs.length / 2;
  return Float64Array.from({length: n}, (_, i) => pairs[i]! + pairs[n + i]!);
}

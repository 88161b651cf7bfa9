/** How evenly the features of normal images lie on the sphere (docs/paper-notes.md 7, A2). */

import type {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import type {FeatureSample} from '../../core/contracts/metric.ts';
import {defineFeatureMetric} from '../../core/contracts/metric.ts';
import {normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import {Type} from '../../core/plugin/type.ts';
import {forEachDistanceRow, meanOverOwnPairs, meanOverPairs} from './pairs.ts';

export const uniformity = defineFeatureMetric({
  name: 'uniformity',
  version: 1,
  summary:
    'Uniformity of the features of normal test images: log mean exp(-t ‖x - y‖²) over pairs, features scaled to length 1. ' +
    '0: all are equal; lower: they cover the sphere more evenly.',
  paper: 'Wang & Isola 2020; beside the analysis of uniformity of Sohn et al. 2021',
  scale: 'number',
  better: 'lower',
  options: Type.Object(
    {
      t: Type.Number({
        exclusiveMinimum: 0,
        maximum: 100,
        default: 2,
        description: 'Width of the Gaussian potential exp(-t ‖x - y‖²).',
      }),
    },
    {additionalProperties: false},
  ),
  create: ({t}) => ({
    measure: (sample) => Math.log(meanOverOwnPairs(normalFeatures(sample), (squared) => Math.exp(-t * squared))),
  }),
});

export const uniformityMmd = defineFeatureMetric({
  name: 'uniformity-mmd',
  version: 1,
  summary:
    'Distance of the features of normal test images, scaled to length 1, from as many seeded uniform points of the sphere: ' +
    'the unbiased squared maximum mean discrepancy. About 0: uniform; larger: less uniform.',
  paper: 'Sohn et al. 2021, analysis of uniformity; its kernel and estimator are not known',
  scale: 'number',
  better: 'lower',
  options: Type.Object(
    {
      bandwidth: Type.Union([Type.Literal('median'), Type.Number({exclusiveMinimum: 0})], {
        default: 'median',
        description:
          'σ of the kernel exp(-‖x - y‖² / 2σ²). The paper does not give its kernel: RBF with the median distance between ' +
          'two points of both samples together (of at most 1000 of each) is our choice.',
      }),
    },
    {additionalProperties: false},
  ),
  create: ({bandwidth}) => ({
    measure(sample) {
      const features = normalFeatures(sample);
      if (features.rows < 2) return Number.NaN;
      const uniform = onSphere(features.rows, features.columns, sample.rng.fork('sphere'));
      const sigma = bandwidth === 'median' ? medianDistance(features, uniform, sample.rng) : bandwidth;
      return squaredMmd(features, uniform, sigma);
    },
  }),
});

/** Those of the normal images, scaled to length 1. */
const normalFeatures = ({features, labels}: FeatureSample): Matrix =>
  normaliseRows(
    pickRows(
      features,
      Array.from(labels.keys()).filter((i) => labels[i] === 0),
    ),
  );

/** The unbiased estimate (Gretton et al. 2012): pairs of a point with itself are left out, so it may be slightly below 0. */
export function squaredMmd(x: Matrix, y: Matrix, sigma: number): number {
  const kernel = (squared: number) => Math.exp(-squared / (2 * sigma * sigma));
  return meanOverOwnPairs(x, kernel) + meanOverOwnPairs(y, kernel) - 2 * meanOverPairs(x, y, kernel);
}

const most = 1000;

/** Of the pairs of the two samples together; 1 where all are equal. */
export function medianDistance(x: Matrix, y: Matrix, rng: Rng): number {
  const some = (from: Matrix) =>
    from.rows <= most ? from : pickRows(from, rng.fork('median').permutation(from.rows).subarray(0, most));
  const [a, b] = [some(x), some(y)];
  const rows = a.rows + b.rows;
  const both = new Float32Array(rows * x.columns);
  both.set(a.data);
  both.set(b.data, a.data.length);
  const pooled = {rows, columns: x.columns, data: both};
  const distances = new Float64Array((rows * (rows - 1)) / 2);
  let filled = 0;
  forEachDistanceRow(pooled, pooled, (row, squared) => {
    for (let j = row + 1; j < rows; j++) distances[filled++] = Math.sqrt(squared[j]!);
  });
  distances.sort();
  const middle = distances.length >> 1;
  const median = distances.length % 2 === 1 ? distances[middle]! : (distances[middle - 1]! + distances[middle]!) / 2;
  return median || 1;
}

/** Uniform on the unit sphere: normal vectors scaled to length 1. */
function onSphere(rows: number, columns: number, rng: Rng): Matrix {
  return normaliseRows({rows, columns, data: Float32Array.from({length: rows * columns}, () => rng.normal())});
}

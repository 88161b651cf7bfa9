/** Principal components, two of them: all that a picture needs. */

import {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {centred, columnMeans, gram} from '../../core/linalg/matrix.ts';
import {dot} from '../../core/linalg/vectors.ts';

export interface Projection {
  /** One a row of the features. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Shares of the variance, in [0, 1]. */
  readonly explained: readonly [number, number];
}

/**
 * Coordinates along the two directions of most variance, from the Gram matrix of the centred rows: its leading eigenvectors u
 * with eigenvalues λ give √λ u. By power iteration, the second once λ u uᵀ of the first is taken out; for a few hundred rows.
 */
export function principalPlane(features: Matrix): Projection {
  const n = features.rows;
  const products = gram(centred(features, columnMeans(features)), features.columns);
  let variance = 0;
  for (let i = 0; i < n; i++) variance += products[i * n + i]!;
  const first = leading(products, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) products[i * n + j]! -= first.value * first.vector[i]! * first.vector[j]!;
  const second = leading(products, n);
  const along = ({value, vector}: Axis, row: number) => Math.sqrt(value) * vector[row]!;
  return {
    points: Array.from({length: n}, (_, row) => [along(first, row), along(second, row)]),
    explained: [first.value / (variance || 1), second.value / (variance || 1)],
  };
}

interface Axis {
  /** Eigenvalue: the sum of squares along it. */
  readonly value: number;
  /** Of length 1. */
  readonly vector: Float64Array;
}

/** The largest eigenvalue of a symmetric matrix without negative ones, and its vector. */
function leading(matrix: Float64Array, n: number): Axis {
  const rng = new Rng('pca');
  let vector = unit(Float64Array.from({length: n}, () => rng.normal()));
  let value = 0;
  for (let turn = 0; turn < 1000; turn++) {
    const next = Float64Array.from({length: n}, (_, i) => dot(matrix.subarray(i * n, (i + 1) * n), vector));
    const before = value;
    value = Math.max(0, dot(vector, next));
    vector = unit(next);
    if (Math.abs(value - before) <= 1e-10 * value) break;
  }
  // Of the two signs the one with the farthest point on the positive side: the same picture every time.
  const far = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  return {value, vector: vector.map((x) => Math.sign(far) * x || 0)};
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((x) => x / length);
}

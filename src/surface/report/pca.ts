/** Principal components, two of them: all that a picture needs. */

import {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';

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
  const gram = gramOf(features);
  let variance = 0;
  for (let i = 0; i < n; i++) variance += gram[i * n + i]!;
  const first = leading(gram, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) gram[i * n + j]! -= first.value * first.vector[i]! * first.vector[j]!;
  const second = leading(gram, n);
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

/** Products of all pairs of rows, once their mean is taken out; (n, n). */
function gramOf({rows: n, columns: d, data}: Matrix): Float64Array {
  const centred = Float64Array.from(data);
  for (let column = 0; column < d; column++) {
    let mean = 0;
    for (let row = 0; row < n; row++) mean += data[row * d + column]! / n;
    for (let row = 0; row < n; row++) centred[row * d + column]! -= mean;
  }
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += centred[i * d + k]! * centred[j * d + k]!;
      gram[i * n + j] = sum;
      gram[j * n + i] = sum;
    }
  return gram;
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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Principal components, two of them: all that a picture needs. */
import type {Matrix} from '../../../core/plugin/contracts.ts';
import {Rng} from '../../../core/random.ts';

export interface Projection {
  /** One a row of the features. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Shares of the variance, in [0, 1]. */
  readonly explained: readonly [number, number];
}

/**
 * Coordinates along the two directions of most variance, from the Gram matrix of the centred rows: its leading eigenvectors u
 * with eigenvalues λ give √λ u. By power iteration, the second with the first taken out; a few hundred rows at most.
 */
export function principalPlane(features: Matrix): Projection {
  const n = features.rows;
  const gram = gramOf(features);
  let variance = 0;
  for (let i = 0; i < n; i++) variance += gram[i * n + i]!;
  const axes: {value: number; vector: Float64Array}[] = [];
  for (let axis = 0; axis < 2; axis++) axes.push(leading(gram, n, axes.map(({vector}) => vector)));
  const [first, second] = axes as [(typeof axes)[0], (typeof axes)[0]];
  return {
    points: Array.from({length: n}, (_, i) => [
      Math.sqrt(first.value) * first.vector[i]!,
      Math.sqrt(second.value) * second.vector[i]!,
    ]),
    explained: [first.value / (variance || 1), second.value / (variance || 1)],
  };
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

/** The largest eigenvalue and its vector of length 1, at right angles to those known. */
function leading(gram: Float64Array, n: number, known: readonly Float64Array[]) {
  const rng = new Rng(0).fork('pca').fork(known.length);
  let vector = Float64Array.from({length: n}, () => rng.normal());
  let value = 0;
  for (let turn = 0; turn < 1000; turn++) {
    for (const other of known) {
      const along = dot(vector, other);
      for (let i = 0; i < n; i++) vector[i]! -= along * other[i]!;
    }
    const length = Math.sqrt(dot(vector, vector)) || 1;
    for (let i = 0; i < n; i++) vector[i]! /= length;
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) next[i] = dot(gram.subarray(i * n, (i + 1) * n), vector);
    const before = value;
    value = Math.max(0, dot(vector, next));
    if (turn > 0 && Math.abs(value - before) <= 1e-10 * value) break;
    vector = next;
  }
  const length = Math.sqrt(dot(vector, vector)) || 1;
  // Of the two signs the one with the farthest point on the positive side: the same picture every time.
  const far = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  return {value, vector: vector.map((x) => (Math.sign(far) * x) / length)};
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

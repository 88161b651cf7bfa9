import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {automaticGamma, normaliseRows, subsample} from '../../../src/domain/classifiers/features.ts';
import {onEachEngine} from '../../rig/tensors.ts';

const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/classifiers/one-class.json', import.meta.url), 'utf8'),
) as {
  readonly columns: number;
  readonly gamma: number;
  readonly train: readonly number[];
  readonly test: readonly number[];
  readonly machines: readonly {kernel: string; nu: number; tolerance: number; scores: readonly number[]}[];
  readonly log_density: readonly number[];
};

/** `type` with `options`, fitted on the first `rows` training rows of the fixture above. */
const {cases} = JSON.parse(
  readFileSync(new URL('../../fixtures/classifiers/densities.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly {
    readonly rows: number;
    readonly type: string;
    readonly options: {readonly [option: string]: unknown};
    readonly scores: readonly number[];
  }[];
};

const matrix = (values: readonly number[]): Matrix => ({
  rows: values.length / fixture.columns,
  columns: fixture.columns,
  data: Float32Array.from(values),
});
const train = matrix(fixture.train);
const probe = matrix(fixture.test);

const plugins = new Plugins(builtin);
const fitted = (features: Matrix, type: string, options: {readonly [option: string]: unknown} = {}) => {
  const checked = checkPlugin(plugins, 'classifier', {type, ...options});
  expect(checked.issues).toEqual([]);
  return plugins.create('classifier', checked.value).fit(features, new Rng(0));
};

/** Largest difference, as a share of the largest expected value. */
function difference(came: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(came[i]! - value) / scale));
}

test('gamma is the paper’s', () => {
  expect(automaticGamma(normaliseRows(train), 10)).toBeCloseTo(fixture.gamma, 5);
});

onEachEngine(() => {
  describe('scikit-learn says the same', () => {
    test.each(fixture.machines)('oc-svm $kernel, nu $nu, tolerance $tolerance', ({kernel, nu, tolerance, scores}) => {
      const scorer = fitted(train, 'oc-svm', {kernel, nu, tolerance});
      // A thousand kernels are added up in float32.
      expect(difference(scorer.score(probe), scores)).toBeLessThan(tolerance === 1e-8 ? 5e-6 : 1e-3);
    });

    test('kde', () => {
      // scikit-learn normalises: log-density = log Σ k - log n + d/2 log(γ/π).
      const {gamma} = fixture;
      const constant = -Math.log(train.rows) + (train.columns / 2) * Math.log(gamma / Math.PI);
      const scores = fitted(train, 'kde').score(probe);
      const logDensity = scores.map((score) => -gamma * score + constant);
      expect(difference(logDensity, fixture.log_density)).toBeLessThan(1e-5);
    });
  });

  test.each(cases.map((one) => ({...one, name: JSON.stringify(one.options)})))(
    'scikit-learn says the same: $type $name of $rows rows of 16 features',
    ({type, options, rows, scores}) => {
      const some: Matrix = {...train, rows, data: train.data.slice(0, rows * train.columns)};
      expect(difference(fitted(some, type, options).score(probe), scores)).toBeLessThan(1e-5);
    },
  );

  test('gde is half the squared Mahalanobis distance; the log-determinant is the same for all rows', () => {
    const square: Matrix = {rows: 4, columns: 2, data: Float32Array.of(2, 1, -2, 1, 2, -1, -2, -1)};
    const probes: Matrix = {rows: 3, columns: 2, data: Float32Array.of(0, 0, 4, 0, 0, 3)};
    // Variances 4 and 1: 16 / 4 / 2 and 9 / 1 / 2.
    const quadratic = fitted(square, 'gde', {normalise: false}).score(probes);
    for (const [i, value] of [0, 2, 4.5].entries()) expect(quadratic[i]).toBeCloseTo(value, 4);
    const likelihood = fitted(square, 'gde', {normalise: false, log_determinant: true}).score(probes);
    const volume = Math.log(2 * Math.PI) + Math.log(4 * 1) / 2;
    for (const [i, score] of likelihood.entries()) expect(score - quadratic[i]!).toBeCloseTo(volume, 5);
  });

  test('with nu = 1, the machine and the density rank equally', () => {
    const machine = fitted(train, 'oc-svm', {nu: 1}).score(probe);
    const density = fitted(train, 'kde').score(probe);
    const order = (scores: Float64Array) => [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
    expect(order(machine)).toEqual(order(density));
  });

  test('a machine of all features times a constant gives the same linear ranking', () => {
    const scaled = ({rows, columns, data}: Matrix) => ({rows, columns, data: data.map((value) => value * 64)});
    const once = fitted(train, 'oc-svm', {kernel: 'linear'}).score(probe);
    const more = fitted(scaled(train), 'oc-svm', {kernel: 'linear'}).score(scaled(probe));
    expect(more).toEqual(once.map((score) => score * 64 ** 2));
  });

  test('the sum of log-probabilities is the rotation classifier’s score', () => {
    const features = {rows: 2, columns: 4, data: Float32Array.of(0, -1, -2, -0.5, -300, -1, -1, -1)};
    expect(fitted(features, 'rotation').score(features)).toEqual(Float64Array.of(3.5, 303));
  });

  test('scores of far rows are exact, beyond the range of floats', () => {
    const scorer = fitted({rows: 1, columns: 1, data: Float32Array.of(0)}, 'kde', {normalise: false, gamma: 1});
    const scores = scorer.score({rows: 3, columns: 1, data: Float32Array.of(3, 1e10, 1e30)});
    expect(scores[0]).toBeCloseTo(9, 6);
    expect(scores[1]! / 1e20).toBeCloseTo(1, 6);
    expect(scores[2]! / 1e60).toBeCloseTo(1, 6);
  });
});

/** Rows about `size` from each other. */
function spread(rows: number, columns: number, size: number, seed: string): Matrix {
  const rng = new Rng(seed);
  return {rows, columns, data: Float32Array.from({length: rows * columns}, () => size * rng.normal())};
}

onEachEngine(() => {
  test.each([0.01, 10, 1e4])(
    'a kernel that is narrow beside the spread of the points keeps its scores, gamma %f',
    (gamma) => {
      const [columns, rows] = [8, 20];
      const points = spread(rows, columns, 100, 'points');
      const nu = 0.5;
      // A neighbour of each point, a tenth of the kernel's width beside it: exactly -nu / e^(1/100) of an identity for a Gram matrix.
      const beside = points.data.map((value, i) => (i % columns === 0 ? value + 0.1 / Math.sqrt(gamma) : value));
      const machine = fitted(points, 'oc-svm', {gamma, nu, normalise: false, tolerance: 1e-9});
      const own = machine.score(points);
      const near = machine.score({...points, data: beside});
      for (let row = 0; row < rows; row++) {
        expect(own[row]!).toBeCloseTo(-nu, 6);
        let square = 0; // of what float32 makes of the tenth
        for (let i = row * columns; i < (row + 1) * columns; i++) square += (beside[i]! - points.data[i]!) ** 2;
        expect(near[row]!).toBeCloseTo(-nu * Math.exp(-gamma * square), 2);
      }
      const density = fitted(points, 'kde', {gamma, normalise: false}).score({...points, data: beside});
      expect(Math.max(...density) * gamma).toBeLessThan(0.5);
    },
  );

  test('a machine with very small nu weighs several points, not only the first one', () => {
    const points = spread(20, 3, 1, 'small');
    const turned = {...points, data: points.data.slice().reverse()};
    const options = {gamma: 0.05, nu: 1e-5, normalise: false};
    const scores = fitted(points, 'oc-svm', options).score(probe3(points));
    const others = fitted({...turned, data: mirrored(turned)}, 'oc-svm', options).score(probe3(points));
    expect(difference(scores, [...others])).toBeLessThan(0.01);
  });

  test('a shrunk Gaussian of a few rows with huge features has finite scores', () => {
    const rows = spread(5, 12, 1, 'huge');
    const times = (factor: number) => ({...rows, data: rows.data.map((value) => value * factor)});
    const options = {shrinkage: 'ledoit-wolf', normalise: false, log_determinant: true};
    const small = fitted(rows, 'gde', options).score(rows);
    const huge = fitted(times(1e20), 'gde', options).score(times(1e20));
    const volume = 12 * Math.log(1e20);
    for (let row = 0; row < 5; row++) expect(huge[row]! - volume).toBeCloseTo(small[row]!, 3);
  });
});

/** Rows that a test scores. */
const probe3 = ({data}: Matrix): Matrix => ({rows: 9, columns: 3, data: data.slice(0, 27).map((value) => value + 0.3)});

/** Rows of three, whose columns are turned back after all values were. */
const mirrored = ({data}: Matrix): Float32Array => data.map((_, i) => data[i - (i % 3) + 2 - (i % 3)]!);

test('subsample keeps some rows, each once and in order, and depends only on the generator', () => {
  const rows = {rows: 100, columns: 1, data: Float32Array.from({length: 100}, (_, i) => i)};
  expect(subsample(rows, 100, new Rng(0))).toBe(rows);
  const some = [...subsample(rows, 30, new Rng(0)).data];
  expect(some.length).toBe(30);
  expect([...new Set(some)].sort((a, b) => a - b)).toEqual(some);
  expect([...subsample(rows, 30, new Rng(0)).data]).toEqual(some);
  expect([...subsample(rows, 30, new Rng(1)).data]).not.toEqual(some);
});

test('the papers’ names', () => {
  const names = (type: string, options = {}) => {
    const {type: _, ...resolved} = checkPlugin(plugins, 'classifier', {type, ...options}).value;
    return plugins.get('classifier', type).row(resolved);
  };
  expect([names('oc-svm'), names('oc-svm', {kernel: 'linear'}), names('kde'), names('rotation')]).toEqual([
    'oc-svm-rbf',
    'oc-svm-linear',
    'kde',
    'rotation',
  ]);
});

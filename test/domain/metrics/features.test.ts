/** Metrics of features against NumPy, SciPy and scikit-learn (`scripts/make-feature-metric-fixtures.py`). */
import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import type {FeatureSample} from '../../../src/core/contracts/metric.ts';
import {normaliseRows} from '../../../src/core/linalg/matrix.ts';
import {alignment} from '../../../src/domain/metrics/alignment.ts';
import {linearProbe} from '../../../src/domain/metrics/linear-probe.ts';
import {decide, fitLogistic} from '../../../src/domain/metrics/logistic.ts';
import {forEachDistanceRow} from '../../../src/domain/metrics/pairs.ts';
import {medianDistance, squaredMmd, uniformity, uniformityMmd} from '../../../src/domain/metrics/uniformity.ts';
import {expectClose, onEachEngine} from '../../rig/tensors.ts';

interface Fixture {
  readonly columns: number;
  readonly features: readonly number[];
  readonly other: readonly number[];
  readonly views: readonly number[];
  readonly uniformity: {readonly [t: string]: number};
  readonly median: number;
  readonly mmd: {readonly median: number; readonly '0.3': number};
  readonly alignment: number;
  readonly rows: readonly number[];
  readonly labels: readonly number[];
  readonly probes: readonly {
    readonly normalise: boolean;
    readonly c: number;
    readonly weights: readonly number[];
    readonly intercept: number;
    readonly decisions: readonly number[];
  }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/feature-metrics.json', import.meta.url), 'utf8'),
) as Fixture;

const matrix = (data: readonly number[], columns = fixture.columns): Matrix => ({
  rows: data.length / columns,
  columns,
  data: Float32Array.from(data),
});
const [features, other, views] = [matrix(fixture.features), matrix(fixture.other), matrix(fixture.views)];

/** With an anomaly behind every normal image, which metrics of normal images must not look at. */
const among = (normal: Matrix, seed = 0): FeatureSample => {
  const {rows, columns, data} = normal;
  const mixed = new Float32Array(2 * data.length).fill(9);
  for (let row = 0; row < rows; row++) mixed.set(data.subarray(row * columns, (row + 1) * columns), 2 * row * columns);
  return {
    features: {rows: 2 * rows, columns, data: mixed},
    labels: Uint8Array.from({length: 2 * rows}, (_, i) => i % 2),
    rng: new Rng(seed),
  };
};

onEachEngine(() => {
  test.each(Object.entries(fixture.uniformity))('uniformity with t = %s', (t, expected) => {
    expect(uniformity.create({t: Number(t)}).measure(among(features))).toBeCloseTo(expected, 5);
  });

  test('uniformity by hand: equal features are 0, four on a cross have 4 pairs at √2 and 2 at 2', () => {
    const {measure} = uniformity.create({t: 2});
    expect(measure(among(matrix([3, 0, 5, 0, 1, 0], 2)))).toBeCloseTo(0, 6);
    const cross = matrix([1, 0, 0, 2, -3, 0, 0, -0.5], 2);
    expect(measure(among(cross))).toBeCloseTo(Math.log((4 * Math.exp(-4) + 2 * Math.exp(-8)) / 6), 6);
    expect(measure(among(matrix([1, 0], 2)))).toBeNaN();
  });

  test('median distance and squared MMD', () => {
    const [x, y] = [normaliseRows(features), normaliseRows(other)];
    const sigma = medianDistance(x, y, new Rng(0));
    expect(sigma).toBeCloseTo(fixture.median, 5);
    expect(squaredMmd(x, y, sigma)).toBeCloseTo(fixture.mmd.median, 5);
    expect(squaredMmd(x, y, 0.3)).toBeCloseTo(fixture.mmd['0.3'], 5);
  });

  test('the median distance by hand: of an even number of distances, the mean of the two in the middle', () => {
    // Distances of 0, 1, 3 and 7: 1, 2, 3, 4, 6, 7.
    expect(medianDistance(matrix([0, 3], 1), matrix([1, 7], 1), new Rng(0))).toBeCloseTo(3.5, 5);
  });

  test('uniformity-mmd of two images is a number, of one it is undefined', () => {
    const {measure} = uniformityMmd.create({bandwidth: 1});
    expect(measure(among(matrix([1, 0, 0, 1], 2)))).toEqual(expect.any(Number));
    expect(measure(among(matrix([1, 0, 0, 1], 2)))).not.toBeNaN();
    expect(measure(among(matrix([1, 0], 2)))).toBeNaN();
  });

  test('uniformity-mmd is about 0 for uniform features, and larger the closer together they lie', () => {
    const rng = new Rng('features');
    const around = (shift: number) =>
      matrix(
        Array.from({length: 400 * 6}, (_, i) => rng.normal() + (i % 6 === 0 ? shift : 0)),
        6,
      );
    const {measure} = uniformityMmd.create({bandwidth: 'median'});
    const values = [0, 1, 4].map((shift) => measure(among(around(shift))));
    expect(Math.abs(values[0]!)).toBeLessThan(0.005);
    expect(values[1]).toBeGreaterThan(0.03);
    expect(values[2]).toBeGreaterThan(2 * values[1]!);
  });

  test('distances are those of the definition, in blocks too', () => {
    const rng = new Rng('rows');
    const [a, b] = [700, 6100].map((rows) =>
      matrix(
        Array.from({length: 3 * rows}, () => rng.normal()),
        3,
      ),
    ) as [Matrix, Matrix];
    const seen: number[] = [];
    forEachDistanceRow(a, b, (row, squared) => {
      seen.push(row);
      if (row % 97 !== 0) return;
      const expected = Float64Array.from({length: b.rows}, (_, j) =>
        [0, 1, 2].reduce((sum, k) => sum + (a.data[3 * row + k]! - b.data[3 * j + k]!) ** 2, 0),
      );
      expectClose(squared, expected, {absolute: 1e-5, relative: 1e-5});
    });
    expect(seen).toEqual([...Array(700).keys()]);
  });
});

test('alignment', () => {
  const {measure} = alignment.create({});
  const sample = among(features);
  expect(measure({...sample, views: [features, views]})).toBeCloseTo(fixture.alignment, 6);
  expect(measure({...sample, views: [features, features]})).toBe(0);
  expect(measure({...sample, views: [matrix([1, 0], 2), matrix([-2, 0], 2)]})).toBe(4);
  expect(measure(sample)).toBeNaN();
});

describe('logistic regression', () => {
  test.each(fixture.probes)('scikit-learn finds the same: c = $c, normalise = $normalise', (probe) => {
    const x = probe.normalise ? normaliseRows(matrix(fixture.rows)) : matrix(fixture.rows);
    const model = fitLogistic(x, Uint8Array.from(fixture.labels), {c: probe.c});
    expectClose(model.weights, probe.weights, {absolute: 1e-4, relative: 1e-4});
    expect(Math.abs(model.intercept - probe.intercept)).toBeLessThan(1e-4 * (1 + Math.abs(probe.intercept)));
    expectClose(decide(x, model), probe.decisions, {absolute: 1e-4, relative: 1e-4});
  });

  test('stays finite if the classes are perfectly separated', () => {
    const x = matrix([-1000, -1, 1, 1000], 1);
    const {weights, intercept} = fitLogistic(x, Uint8Array.of(0, 0, 1, 1), {c: 1e6});
    expect(weights[0]).toBeGreaterThan(1);
    expect(Math.abs(intercept)).toBeLessThan(1e-3);
  });
});

describe('linear probe', () => {
  const {measure} = linearProbe.create({c: 1, normalise: true});
  const sampleOf = (shift: number, seed = 0): FeatureSample => {
    const rng = new Rng('probe');
    const labels = Uint8Array.from({length: 400}, (_, i) => (i % 4 === 0 ? 0 : 1));
    const data = Float32Array.from(
      {length: 400 * 5},
      (_, i) => rng.normal() + (i % 5 === 0 ? shift * labels[Math.floor(i / 5)]! : 0),
    );
    return {features: {rows: 400, columns: 5, data}, labels, rng: new Rng(seed)};
  };

  test('is 0.5 without a difference between the features, and 1 with a clear one', () => {
    expect(Math.abs(measure(sampleOf(0)) - 0.5)).toBeLessThan(0.1);
    expect(measure(sampleOf(8))).toBeGreaterThan(0.99);
  });

  test('is evaluated on images that it was not fitted on: random labels give about 0.5', () => {
    const sample = sampleOf(0);
    const wide: Matrix = {
      rows: 400,
      columns: 300,
      data: Float32Array.from({length: 400 * 300}, () => sample.rng.normal()),
    };
    expect(
      Math.abs(linearProbe.create({c: 1e4, normalise: false}).measure({...sample, features: wide}) - 0.5),
    ).toBeLessThan(0.12);
  });

  test('another seed makes other halves', () => {
    expect(measure(sampleOf(1, 1))).not.toBe(measure(sampleOf(1, 2)));
  });
});

import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {Matrix} from '../../src/core/contracts/data.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {onEachEngine} from '../rig/tensors.ts';

const plugins = new Plugins(builtin);

/** Beside the defaults: the other kernels, and the ends of the ranges. */
const more: {readonly [type: string]: readonly {readonly [option: string]: unknown}[]} = {
  'oc-svm': [
    {kernel: 'linear'},
    {kernel: 'linear', normalise: true},
    {nu: 1e-3},
    {nu: 1},
    {gamma: 0.5, normalise: false},
    {train_limit: 30},
  ],
  kde: [{gamma: 0.5, normalise: false}, {train_limit: 30}],
  gde: [
    {normalise: false},
    {shrinkage: 'ledoit-wolf'},
    {shrinkage: 'ledoit-wolf', normalise: false},
    {train_limit: 30},
  ],
  csi: [{shifts: 2}],
  knn: [
    {k: 3},
    {k: 1000},
    {train_limit: 30},
    {distance: 'euclidean'},
    {distance: 'euclidean', k: 3},
    {distance: 'squared', k: 3},
    {coreset: {share: 0.3, projection: 'none'}},
  ],
};

type Make = (rows: number, columns: number, seed: string) => Matrix;
const fill =
  (value: (rng: Rng, column: number) => number): Make =>
  (rows, columns, seed) => {
    const rng = new Rng(seed);
    return {rows, columns, data: Float32Array.from({length: rows * columns}, (_, i) => value(rng, i % columns))};
  };

/** What a layer holds of normal images, and of images of another kind. */
const layers: {readonly [layer: string]: {readonly near: Make; readonly far: Make}} = {
  any: {
    near: fill((rng, column) => 2 + Math.sin(column) + 0.1 * rng.normal()),
    far: fill((rng, column) => -2 - Math.sin(2 * column) + 0.1 * rng.normal()),
  },
  // Log-probabilities.
  rotation: {near: fill((rng) => -rng.uniform(0, 0.1)), far: fill((rng) => -rng.uniform(2, 9))},
};

const constant = (rows: number, columns: number, value: number): Matrix => ({
  rows,
  columns,
  data: new Float32Array(rows * columns).fill(value),
});
const slice = ({columns, data}: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  columns,
  data: data.slice(from * columns, to * columns),
});
const pick = (all: Matrix, order: Iterable<number>): Matrix => {
  const rows = [...order].map((i) => slice(all, i, i + 1).data);
  return {rows: rows.length, columns: all.columns, data: Float32Array.from(rows.flatMap((row) => [...row]))};
};
const allFinite = (scores: Float64Array): boolean => scores.every(Number.isFinite);

const cases = plugins
  .names('classifier')
  .flatMap((type) => [{}, ...(more[type] ?? [])].map((options) => ({type, options, name: JSON.stringify(options)})));

onEachEngine(() => {
  describe.each(cases)('$type $name', ({type, options}) => {
    const checked = checkPlugin(plugins, 'classifier', {type, ...options});
    const classifier = plugins.create('classifier', checked.value);
    const {near, far} = layers[plugins.get('classifier', type).layer ?? 'any'] ?? layers['any']!;
    // Its features are of four copies, or of two.
    const wide = (columns: number): number => (type === 'csi' ? Math.ceil(columns / 8) * 8 : columns);
    const train = near(90, 12, 'train');
    const probe = pick(
      {rows: 160, columns: 12, data: Float32Array.of(...near(80, 12, 'probe').data, ...far(80, 12, 'probe').data)},
      new Rng(1).permutation(160),
    );

    test('options are valid', () => {
      expect(checked.issues).toEqual([]);
    });

    test('its slopes are those of its scores, by central differences; a row’s does not depend on the others', () => {
      const scorer = classifier.fit(train, new Rng(0));
      const rows = pick(probe, [0, 1, 2, 3]);
      const slopes = scorer.gradient!(rows);
      expect([slopes.rows, slopes.columns]).toEqual([4, 12]);
      const step = 2 ** -8;
      const differences = Float64Array.from({length: 4 * 12}, (_, at) => {
        const moved = pick(slice(rows, Math.floor(at / 12), Math.floor(at / 12) + 1), [0, 0]);
        moved.data[at % 12]! += step;
        moved.data[12 + (at % 12)]! -= step;
        const [above, below] = scorer.score(moved);
        return (above! - below!) / (2 * step);
      });
      const largest = Math.max(...differences.map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      for (const [at, slope] of slopes.data.entries())
        expect(Math.abs(slope - differences[at]!) / largest, `${at}`).toBeLessThan(0.02);
      for (let row = 0; row < 4; row++)
        expect(scorer.gradient!(slice(rows, row, row + 1)).data).toEqual(slopes.data.slice(row * 12, (row + 1) * 12));
    });

    test('is deterministic, with one finite score for each row', () => {
      const scores = classifier.fit(train, new Rng(0)).score(probe);
      expect(scores.length).toBe(160);
      expect(allFinite(scores)).toBe(true);
      expect(classifier.fit(train, new Rng(0)).score(probe)).toEqual(scores);
      expect(classifier.fit(train, new Rng(0)).score(slice(probe, 0, 0)).length).toBe(0);
    });

    test('a score does not depend on the order or the batching of rows, to the last bit', () => {
      const scorer = classifier.fit(train, new Rng(0));
      const scores = scorer.score(probe);
      const order = new Rng(2).permutation(160);
      expect(scorer.score(pick(probe, order))).toEqual(Float64Array.from(order, (i) => scores[i]!));
      for (const [from, to] of [
        [0, 1],
        [159, 160],
        [3, 10],
        [7, 150],
      ] as const) {
        expect(scorer.score(slice(probe, from, to))).toEqual(scores.slice(from, to));
      }
    });

    const definition = plugins.get('classifier', type);
    test.runIf(definition.nonNegative?.(checked.value as never))(
      'no score is below 0, not even of a training row',
      () => {
        const scorer = classifier.fit(train, new Rng(0));
        for (const rows of [train, probe, constant(2, 12, 0)])
          expect(Math.min(...scorer.score(rows))).toBeGreaterThanOrEqual(0);
      },
    );

    test('saved and restored, it gives the same scores', () => {
      const scorer = classifier.fit(train, new Rng(0));
      const saved = scorer.save();
      for (const {shape, data} of saved.values()) expect(shape.reduce((a, b) => a * b, 1)).toBe(data.length);
      const restored = plugins.create('classifier', checked.value).restore(saved);
      expect(restored.score(probe)).toEqual(scorer.score(probe));
      expect(restored.save()).toEqual(saved);
    });

    test('held-out rows score as new rows do', () => {
      const own = classifier.heldOut?.(train, new Rng(0)) ?? classifier.fit(train, new Rng(0)).score(train);
      expect(allFinite(own)).toBe(true);
      expect(classifier.heldOut?.(train, new Rng(0)) ?? own).toEqual(own);
      expect(own.length).toBe(Math.min(90, Number(checked.value['train_limit'] ?? 90)));
      const [new_, threshold] = [classifier.fit(train, new Rng(0)).score(near(400, 12, 'new')), own.toSorted().at(-5)!];
      // 4 of 90 lie above it; of 30 rows, 4 more.
      expect(new_.filter((score) => score > threshold).length / 400).toBeLessThan(own.length < 90 ? 0.35 : 0.15);
      const unlike = classifier.fit(train, new Rng(0)).score(far(50, 12, 'far'));
      expect(Math.min(...unlike)).toBeGreaterThan(threshold);
    });

    test.each([Number.NaN, Infinity, -Infinity])(
      'a feature of %s is refused: the message names its row and column',
      (bad) => {
        const broken = {...probe, data: probe.data.with(5 * 12 + 3, bad)};
        const message = `expected finite features, but feature 3 of row 5 is ${bad}`;
        expect(() => classifier.fit(broken, new Rng(0))).toThrow(message);
        const scorer = classifier.fit(train, new Rng(0));
        expect(() => scorer.score(broken)).toThrow(message);
        expect(() => classifier.restore(scorer.save()).score(broken)).toThrow(message);
        if (classifier.heldOut) expect(() => classifier.heldOut!(broken, new Rng(0))).toThrow(message);
      },
    );

    test('far rows score above near ones', () => {
      const scorer = classifier.fit(train, new Rng(0));
      const highest = Math.max(...scorer.score(near(50, 12, 'near')));
      expect(Math.min(...scorer.score(far(50, 12, 'far')))).toBeGreaterThan(highest);
    });

    test.each([
      ['one row', near(1, 12, 'a'), near(5, 12, 'b')],
      ['one column', near(40, wide(1), 'a'), far(9, wide(1), 'b')],
      ['one row and column', near(1, wide(1), 'a'), far(2, wide(1), 'b')],
      ['more columns than rows', near(5, 300, 'a'), far(9, 300, 'b')],
      [
        'duplicates',
        pick(
          near(4, wide(6), 'a'),
          Array.from({length: 60}, (_, i) => i % 4),
        ),
        far(9, wide(6), 'b'),
      ],
      ['rows of zeros', constant(8, wide(5), 0), near(9, wide(5), 'b')],
      ['zeros to be scored', near(30, wide(5), 'a'), constant(3, wide(5), 0)],
    ])('%s: finite', (_, features, others) => {
      const scorer = classifier.fit(features, new Rng(0));
      expect(allFinite(scorer.score(features))).toBe(true);
      expect(allFinite(scorer.score(others))).toBe(true);
    });

    test('constant columns and equal rows are allowed', () => {
      const features = near(40, wide(6), 'a');
      for (let i = 0; i < features.data.length; i += features.columns) features.data[i] = -1;
      expect(allFinite(classifier.fit(features, new Rng(0)).score(far(9, wide(6), 'b')))).toBe(true);
      const scores = classifier.fit(constant(20, wide(7), -0.3), new Rng(0)).score(constant(5, wide(7), -0.3));
      expect(allFinite(scores)).toBe(true);
      expect(new Set(scores).size).toBe(1);
    });

    test.each([1e-30, 1e30])('features of the size %s are finite features', (size) => {
      const scaled = ({rows, columns, data}: Matrix) => ({rows, columns, data: data.map((value) => value * size)});
      const scorer = classifier.fit(scaled(train), new Rng(0));
      expect(allFinite(scorer.score(scaled(probe)))).toBe(true);
      expect(allFinite(classifier.fit(train, new Rng(0)).score(scaled(probe)))).toBe(true);
    });
  });
});

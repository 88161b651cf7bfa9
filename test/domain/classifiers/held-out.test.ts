/** A row held out scores as one that the classifier was not fitted on. */
import {beforeAll, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {Classifier} from '../../../src/core/contracts/classifier.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {startEngine} from '../../../src/core/engine/engine.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';

beforeAll(() => startEngine({name: 'wasm', threads: 1}));

const plugins = new Plugins(builtin);
const create = (type: string, options: object): Classifier =>
  plugins.create('classifier', checkPlugin(plugins, 'classifier', {type, ...options}).value);

const [rows, columns] = [40, 6];
const rng = new Rng('held out');
const features: Matrix = {
  rows,
  columns,
  data: Float32Array.from({length: rows * columns}, () => 1 + 0.3 * rng.normal()),
};

const row = (i: number): Matrix => ({rows: 1, columns, data: features.data.slice(i * columns, (i + 1) * columns)});
const without = (i: number): Matrix => ({
  rows: rows - 1,
  columns,
  data: Float32Array.of(...features.data.slice(0, i * columns), ...features.data.slice((i + 1) * columns)),
});

/** What each row scores by a fit on the others. */
const refitted = (classifier: Classifier): readonly number[] =>
  Array.from({length: rows}, (_, i) => classifier.fit(without(i), new Rng(0)).score(row(i))[0]!);

const difference = (scores: Float64Array, exact: readonly number[]): readonly number[] =>
  exact.map((value, i) => Math.abs(value - scores[i]!));

test.for([
  ['knn', {}],
  ['knn', {k: 3}],
  ['kde', {gamma: 2}],
  ['kde', {gamma: 2, normalise: false}],
] as const)('%s %o: exactly', ([type, options]) => {
  const classifier = create(type, options);
  const off = difference(classifier.heldOut!(features, new Rng(0)), refitted(classifier));
  expect(Math.max(...off)).toBeLessThan(1e-5);
});

// What is not fitted anew: the regularisation, the volume and the share of the identity; the other rows' weights.
test.for([
  ['gde', {normalise: false}, 0.3],
  ['gde', {shrinkage: 'ledoit-wolf', normalise: false}, 0.6],
  ['oc-svm', {}, 0.3],
  ['oc-svm', {kernel: 'linear'}, 0.8],
] as const)('%s %o: closer than the scores of rows that it was fitted on', ([type, options, part]) => {
  const classifier = create(type, options);
  // The weights of a one-class machine add up to nu · rows.
  const scale = type === 'oc-svm' ? rows / (rows - 1) : 1;
  const exact = refitted(classifier).map((score) => score * scale);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const own = mean(difference(classifier.heldOut!(features, new Rng(0)), exact));
  const seen = mean(difference(classifier.fit(features, new Rng(0)).score(features), exact));
  expect(own / seen).toBeLessThan(part);
});

test.for(['rbf', 'linear'])(
  'the second highest of twenty held-out scores is above about nine of ten new normal rows: %s',
  (kernel) => {
    const draw = (rows: number): Matrix => ({
      rows,
      columns: 64,
      data: Float32Array.from({length: rows * 64}, () => 1 + rng.normal()),
    });
    const classifier = create('oc-svm', {kernel});
    let above = 0;
    for (let set = 0; set < 10; set++) {
      const train = draw(20);
      const threshold = classifier.heldOut!(train, new Rng(0)).sort()[18]!;
      above += classifier
        .fit(train, new Rng(0))
        .score(draw(100))
        .filter((score) => score > threshold).length;
    }
    expect(above).toBeGreaterThan(0);
    expect(above).toBeLessThan(150);
  },
);

import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Classifier} from '../../../src/core/contracts/classifier.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {rowsLeft, rowsToRemove} from '../../../src/pipeline/stages/refinement.ts';
import {plugins, resolved} from '../../rig/learners.ts';
import {onFirstEngine} from '../../rig/tensors.ts';

/** By scripts/make-refinement-fixtures.py. */
const fixture = JSON.parse(readFileSync(new URL('../../fixtures/refinement.json', import.meta.url), 'utf8')) as {
  readonly columns: number;
  readonly features: readonly number[];
  readonly order: readonly number[];
  readonly cases: readonly {readonly parts: number; readonly ratio: number; readonly removed: readonly number[]}[];
};
const matrix: Matrix = {
  rows: fixture.order.length,
  columns: fixture.columns,
  data: Float32Array.from(fixture.features),
};

/** Divides rows in the fixture's order. */
class FixtureOrder extends Rng {
  override fork(): FixtureOrder {
    return new FixtureOrder(0);
  }
  override permutation(): Uint32Array {
    return Uint32Array.from(fixture.order);
  }
}

onFirstEngine(() => {
  test.for(fixture.cases)('$parts Gaussians that call $ratio anomalous remove the rows that NumPy removes', (one) => {
    const gde = plugins.create('classifier', resolved('classifier', {type: 'gde', normalise: false}));
    expect([...rowsToRemove(gde, matrix, one, new FixtureOrder(0))]).toEqual(one.removed);
  });
});

/** A score is the distance from the mean of the part in the first column. */
const fitted: Matrix[] = [];
const distance: Classifier = {
  fit(features) {
    fitted.push(features);
    const mean = features.data.reduce((sum, value) => sum + value, 0) / features.rows;
    return {score: ({data}) => Float64Array.from(data, (value) => Math.abs(value - mean)), save: () => new Map()};
  },
  restore: () => {
    throw new Error('not needed');
  },
};
const column = (...values: readonly number[]): Matrix => ({
  rows: values.length,
  columns: 1,
  data: Float32Array.from(values),
});

test('the parts are disjoint, have all rows, and depend on the generator alone', () => {
  const rows = column(...Array.from({length: 23}, (_, i) => i));
  const once = (seed: number) => {
    fitted.length = 0;
    const removed = rowsToRemove(distance, rows, {parts: 4, ratio: 0.1}, new Rng(seed));
    return {removed: [...removed], parts: fitted.map(({data}) => [...data])};
  };
  const first = once(0);
  expect(first.parts.map(({length}) => length)).toEqual([5, 6, 6, 6]);
  expect(first.parts.flat().sort((a, b) => a - b)).toEqual([...rows.data]);
  expect(once(0)).toEqual(first);
  expect(once(1).parts).not.toEqual(first.parts);
});

test('of equal scores none is removed, and what is left is the rest', () => {
  const equal = column(...Array.from({length: 20}, () => 3));
  expect([...rowsToRemove(distance, equal, {parts: 2, ratio: 0.2}, new Rng(0))]).toEqual([]);
  const outlier = column(...Array.from({length: 19}, () => 3), 9);
  const removed = rowsToRemove(distance, outlier, {parts: 2, ratio: 0.05}, new Rng(0));
  expect([...removed]).toEqual([19]);
  expect([...rowsLeft(20, removed)]).toEqual(Array.from({length: 19}, (_, i) => i));
});

test('too few rows are an error that says what to do', () => {
  expect(() => rowsToRemove(distance, column(1, 2, 3), {parts: 2, ratio: 0.1}, new Rng(0))).toThrow(
    '"refine" divides 3 training images into 2 parts, but each needs at least two',
  );
});

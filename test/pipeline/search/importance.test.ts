import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {fitTrials, importance, pairResponse, response} from '../../../src/pipeline/search/importance.ts';
import {decode, type Point, type Space} from '../../../src/pipeline/search/space.ts';
import {spaceOf} from './spaces.ts';

/** Trials at random points. */
function trialsOf(space: Space, n: number, value: (point: Point) => number, seed = 0) {
  const rng = new Rng(seed);
  return Array.from({length: n}, () => {
    const point = decode(
      space,
      space.parameters.map(() => rng.uniform()),
    );
    return {point, value: value(point)};
  });
}

test('a function of two steps, by hand', () => {
  // Levels 0 and 1 of a and b, all four seen often: every tree is exactly f = 3a + 4b + 2ab.
  const space = spaceOf({a: [0, 1], b: [0, 1]});
  const f = ({a, b}: Point) => 3 * (a as number) + 4 * (b as number) + 2 * (a as number) * (b as number);
  const fit = fitTrials(space, trialsOf(space, 80, f), new Rng(1), 8);
  const {single, pairs} = importance(fit);
  // Means along a: 2 and 6: variance 4. Along b: 1.5 and 6.5: 6.25. Together 0, 4, 3 and 9 around 4: 10.5, so 0.25 is the interaction.
  expect(single.map(({mean}) => mean)).toEqual([expect.closeTo(4 / 10.5, 10), expect.closeTo(6.25 / 10.5, 10)]);
  expect(pairs).toEqual([
    {parameters: [0, 1], share: {mean: expect.closeTo(0.25 / 10.5, 10), deviation: expect.closeTo(0, 10)}},
  ]);
  expect(response(fit, 0)).toEqual([
    {value: 0, mean: expect.closeTo(2, 10), deviation: expect.closeTo(0, 10)},
    {value: 1, mean: expect.closeTo(6, 10), deviation: expect.closeTo(0, 10)},
  ]);
  const {values, means} = pairResponse(fit, [1, 0]);
  expect(values).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(means.flat()).toEqual([0, 3, 4, 9].map((mean) => expect.closeTo(mean, 10)));
});

test('of an additive function, shares are those of the variances, and no pair interacts', () => {
  const space = spaceOf({x: {uniform: [0, 1]}, y: {uniform: [-1, 1]}, z: {log: [1, 100]}, noise: {uniform: [0, 1]}});
  // Variances of 4x, 2y and 2 log10 z, each uniform: 16/12, 16/12 and 16/12.
  const f = ({x, y, z}: Point) => 4 * (x as number) + 2 * (y as number) + 2 * Math.log10(z as number);
  const {single, pairs} = importance(fitTrials(space, trialsOf(space, 300, f), new Rng(1), 16));
  for (const d of [0, 1, 2]) expect(single[d]!.mean).toBeGreaterThan(0.27);
  for (const d of [0, 1, 2]) expect(single[d]!.mean).toBeLessThan(0.37);
  expect(single[3]!.mean).toBeLessThan(0.01);
  for (const {share} of pairs) expect(share.mean).toBeLessThan(0.03);
});

test('an interaction without main effects is found as a pair', () => {
  const space = spaceOf({x: {uniform: [-1, 1]}, y: {uniform: [-1, 1]}, z: {uniform: [-1, 1]}});
  const f = ({x, y}: Point) => Math.sign(x as number) * Math.sign(y as number);
  const {single, pairs} = importance(fitTrials(space, trialsOf(space, 300, f), new Rng(1), 16));
  expect(pairs[0]!.parameters).toEqual([0, 1]);
  expect(pairs[0]!.share.mean).toBeGreaterThan(0.7);
  for (const {mean} of single) expect(mean).toBeLessThan(0.1);
});

test('a choice is split into any two sets of its values', () => {
  // An order of the levels would need three splits; as sets it is one, so that the share is exact.
  const space = spaceOf({kind: ['a', 'b', 'c', 'd'], x: {uniform: [0, 1]}});
  const f = ({kind}: Point) => (kind === 'a' || kind === 'c' ? 1 : 0);
  const fit = fitTrials(space, trialsOf(space, 60, f), new Rng(1), 8);
  expect(importance(fit).single.map(({mean}) => mean)).toEqual([expect.closeTo(1, 10), expect.closeTo(0, 10)]);
  expect(response(fit, 0).map(({value, mean}) => [value, Math.round(mean)])).toEqual([
    ['a', 1],
    ['b', 0],
    ['c', 1],
    ['d', 0],
  ]);
});

test('a conditional parameter weighs as much as it exists, and interacts with its condition', () => {
  const space = spaceOf({kind: ['a', 'b'], x: {uniform: [0, 1], when: {kind: 'a'}}, y: {uniform: [0, 1]}});
  const f = ({x}: Point) => (x === undefined ? 0.5 : (x as number));
  const {single, pairs} = importance(fitTrials(space, trialsOf(space, 500, f), new Rng(1), 32));
  // x/2 + const on average: variance 1/48 of 1/24 in all; the rest is its interaction with the kind, which has none of its own.
  expect(single[1]!.mean).toBeGreaterThan(0.4);
  expect(single[1]!.mean).toBeLessThan(0.6);
  expect(single[0]!.mean).toBeLessThan(0.05);
  expect(pairs[0]!.share.mean).toBeGreaterThan(0.4);
  expect(single[2]!.mean).toBeLessThan(0.02);
});

test('the response follows the function, and is less certain where there are no trials', () => {
  const space = spaceOf({x: {uniform: [0, 1]}, y: {uniform: [0, 1]}});
  const f = ({x}: Point) => 10 * (x as number);
  const trials = trialsOf(space, 400, f).filter(
    ({point}) => (point['x'] as number) < 0.5 || (point['x'] as number) > 0.9,
  );
  const curve = response(fitTrials(space, trials, new Rng(1), 32), 0, 11);
  expect(curve.map(({value}) => value)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  for (const {value, mean} of curve.slice(0, 5)) expect(Math.abs(mean - 10 * (value as number))).toBeLessThan(0.4);
  expect(Math.max(...curve.slice(6, 9).map(({deviation}) => deviation))).toBeGreaterThan(3 * curve[2]!.deviation);
});

test('trials of one value have no importances; the same seed gives the same', () => {
  const space = spaceOf({x: {uniform: [0, 1]}});
  expect(
    importance(
      fitTrials(
        space,
        trialsOf(space, 9, () => 3),
        new Rng(1),
      ),
    ).single,
  ).toEqual([{mean: 0, deviation: 0}]);
  const trials = trialsOf(space, 20, ({x}) => x as number);
  expect(fitTrials(space, trials, new Rng(5), 4)).toEqual(fitTrials(space, trials, new Rng(5), 4));
});

interface Fixture {
  readonly space: {readonly [path: string]: unknown};
  readonly trials: readonly {readonly point: Point; readonly value: number}[];
  readonly optuna: {readonly [path: string]: {readonly mean: number; readonly deviation: number}};
}

test('shares are those of Optuna, as far as two seeds of Optuna agree', () => {
  const {
    space: written,
    trials,
    optuna,
  } = JSON.parse(readFileSync('test/fixtures/search/fanova.json', 'utf8')) as Fixture;
  const space = spaceOf(written);
  const {single} = importance(fitTrials(space, trials, new Rng(0)));
  for (const [d, {name}] of space.parameters.entries()) {
    const {mean, deviation} = optuna[name]!;
    // Five deviations of one forest of 64 trees from the next; and 0.02, because Optuna splits a choice in the order of one-hot columns.
    expect(Math.abs(single[d]!.mean - mean), name).toBeLessThan(5 * deviation + 0.02);
  }
});

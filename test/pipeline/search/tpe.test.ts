import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {parzen} from '../../../src/pipeline/search/propose/parzen.ts';
import type {Trial} from '../../../src/pipeline/search/propose/proposer.ts';
import {quasiRandom} from '../../../src/pipeline/search/propose/quasi-random.ts';
import {tpe} from '../../../src/pipeline/search/propose/tpe.ts';
import {encode, keyOf, type Point} from '../../../src/pipeline/search/space.ts';
import {functions} from '../../bench/search-functions.js';
import {budgets, quartilesAt, regretsOf, table} from '../../bench/search-table.js';
import {mixed, spaceOf} from './spaces.ts';

type Budget = 10 | 20 | 50;
type Quartiles = Readonly<Record<Budget, readonly [number, number, number]>>;
type Name = keyof typeof functions;
type Regrets = Readonly<Record<Name, Readonly<Record<string, Quartiles>>>>;
const kept = (file: string) =>
  (JSON.parse(readFileSync(`test/fixtures/search/${file}.json`, 'utf8')) as {regrets: Regrets}).regrets;
const optuna = kept('optuna');
const ours = kept('ours');
const names = Object.keys(functions) as Name[];

test.for(names)(
  '%s: with 50 seeds, no quartile is above Optuna’s, of its best sampler at that number of trials',
  (name) => {
    for (const budget of budgets as Budget[])
      for (const k of [0, 1, 2]) {
        const best = Math.min(...Object.values(optuna[name]).map((sampler) => sampler[budget][k]!));
        expect(ours[name]['tpe']![budget][k], `${budget} trials, quartile ${k + 1}`).toBeLessThanOrEqual(best);
      }
  },
);

test('the kept regrets are what the method does: 4 of the seeds are as good', () => {
  const ratios = names.flatMap((name) => {
    const {space: written, regret} = functions[name];
    const space = spaceOf(written);
    const runs = Array.from({length: 4}, (_, seed) => regretsOf(tpe(space, new Rng(seed)), regret as never));
    const quartiles = quartilesAt(runs) as unknown as Quartiles;
    return (budgets as Budget[]).map((budget) => Math.log(quartiles[budget][1] / optuna[name]['tpe']![budget][1]));
  });
  // The mean ratio of medians over 15 cells is 0.6 with 50 seeds.
  expect(Math.exp(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length)).toBeLessThan(0.8);
});

test('the documents have the table of the kept regrets', () => {
  // The formatter pads the cells.
  const packed = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
  expect(packed(readFileSync('docs/explanation/search.md', 'utf8'))).toContain(packed(table(ours, optuna)));
});

/** Trials of a search, each finished before the next. */
function searched(n: number, value: (point: Point) => Trial['outcome'], seed = 0): readonly Trial[] {
  const propose = tpe(spaceOf(mixed), new Rng(seed));
  const known: Trial[] = [];
  for (let number = 0; number < n; number++) {
    const point = propose(number, known)!;
    known.push({number, point, outcome: value(point)});
  }
  return known;
}

const rate = (point: Point) => -Math.abs(Math.log(point['learner.optimizer.learning_rate'] as number) - Math.log(0.01));

test('a trial depends on the seed, its number and what is known, in any order; the start is quasi-random', () => {
  const trials = searched(20, rate);
  const space = spaceOf(mixed);
  const again = tpe(space, new Rng(0));
  const shuffled = (n: number) => trials.slice(0, n).reverse();
  for (const n of [17, 6, 19, 2]) expect(again(n, shuffled(n))).toEqual(trials[n]!.point);
  const start = quasiRandom(space, new Rng(0));
  for (const n of [0, 1, 2, 3]) expect(trials[n]!.point).toEqual(start(n, []));
  expect(again(4, trials.slice(0, 4))).not.toEqual(start(4, []));
});

test('failed and pending trials are no finished ones, and are not proposed again', () => {
  const space = spaceOf({a: {integer: [1, 12]}});
  for (const outcome of ['failed', 'pending', Number.NaN] as const) {
    const propose = tpe(space, new Rng(0));
    const known: Trial[] = [];
    for (let number = 0; number < 12; number++) {
      const point = propose(number, known)!;
      known.push({number, point, outcome: number % 2 === 0 ? outcome : -(point['a'] as number)});
    }
    expect(new Set(known.map(({point}) => keyOf(point))).size).toBe(12);
    expect(propose(12, known)).toBeUndefined();
  }
});

test('pending trials keep proposals away', () => {
  const space = spaceOf({a: {uniform: [0, 1]}});
  const finished = Array.from(
    {length: 10},
    (_, i): Trial => ({number: i, point: {a: i / 10}, outcome: -((i / 10 - 0.5) ** 2)}),
  );
  const pending = Array.from(
    {length: 20},
    (_, i): Trial => ({number: 10 + i, point: {a: 0.5 + i / 1000}, outcome: 'pending'}),
  );
  const near = (known: readonly Trial[]) =>
    Array.from({length: 40}, (_, seed) => tpe(space, new Rng(seed))(30, known)!['a'] as number).filter(
      (a) => Math.abs(a - 0.51) < 0.05,
    ).length;
  expect(near(finished)).toBeGreaterThan(2 * near([...finished, ...pending]));
});

test('a value at a lower rung does not beat one at the end, however high', () => {
  const space = spaceOf({a: {uniform: [0, 1]}});
  const trial = (number: number, a: number, outcome: number, rung?: number): Trial => ({
    number,
    point: {a},
    outcome,
    ...(rung !== undefined && {rung}),
  });
  const known = [
    ...[0.1, 0.12].map((a, i) => trial(i, a, 0.1 + i)),
    ...[0.85, 0.88, 0.91, 0.94].map((a, i) => trial(2 + i, a, 100 + i, 0)),
  ];
  const low = Array.from({length: 40}, (_, seed) => tpe(space, new Rng(seed))(9, known)!['a'] as number);
  expect(low.filter((a) => a < 0.5).length).toBeGreaterThan(30);
});

test('a density integrates to 1 over each branch, and is sampled as it is', () => {
  const space = spaceOf({kind: ['a', 'b'], x: {uniform: [0, 1], when: {kind: 'a'}}});
  const points: Point[] = [{kind: 'a', x: 0.02}, {kind: 'a', x: 0.7}, {kind: 'b'}];
  const density = parzen(
    space,
    points.map((point) => encode(space, point)),
    [1, 2, 1],
    {width: 0.3, adaptive: false},
  );
  const steps = 400;
  const at = (kind: string, x?: number) => Math.exp(density.log(encode(space, x === undefined ? {kind} : {kind, x})));
  const ofA = Array.from({length: steps}, (_, i) => at('a', (i + 0.5) / steps) / 2 / steps);
  const massA = ofA.reduce((sum, mass) => sum + mass, 0);
  expect(massA + at('b') / 2).toBeCloseTo(1, 5);
  // Of 5 components: uniform ½, three at a ¾, one at b ¼.
  expect(massA).toBeCloseTo((0.5 + 3 * 0.75 + 0.25) / 5, 5);
  const rng = new Rng(0);
  const samples = Array.from({length: 4000}, () => density.sample(rng));
  const low = samples.filter(({x}) => x !== undefined && (x as number) < 0.5).length / 4000;
  const expected = ofA.slice(0, steps / 2).reduce((sum, mass) => sum + mass, 0);
  // Four standard errors of a share of 4000.
  expect(Math.abs(low - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / 4000));
});

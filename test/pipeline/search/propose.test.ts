import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {grid, gridIssues} from '../../../src/pipeline/search/propose/grid.ts';
import type {Propose, Trial} from '../../../src/pipeline/search/propose/proposer.ts';
import {quasiRandom} from '../../../src/pipeline/search/propose/quasi-random.ts';
import {random} from '../../../src/pipeline/search/propose/random.ts';
import {keyOf, type Space} from '../../../src/pipeline/search/space.ts';
import {mixed, spaceOf} from './spaces.ts';

const methods: readonly [string, (space: Space, rng: Rng) => Propose][] = [
  ['random', random],
  ['quasi-random', quasiRandom],
  ['grid', grid],
];

const finite = spaceOf({
  a: {integer: [1, 4]},
  b: ['x', 'y'],
  c: {uniform: [0, 1], step: 0.25, when: {b: 'y'}},
});
const size = 4 * (1 + 5);

/** All trials of a search whose values are known at once, until nothing is left. */
function search(propose: Propose, most: number): readonly Trial[] {
  const known: Trial[] = [];
  for (let n = 0; n < most; n++) {
    const point = propose(n, known);
    if (!point) break;
    known.push({number: n, point, outcome: Math.sin(n)});
  }
  return known;
}

test.for(methods)('%s proposes every configuration of a finite space once', ([, make]) => {
  const trials = search(make(finite, new Rng(3)), size + 10);
  expect(trials).toHaveLength(size);
  expect(new Set(trials.map(({point}) => keyOf(point))).size).toBe(size);
});

test.for(methods.slice(0, 2))('%s: a trial depends on the seed and its number, not on earlier calls', ([, make]) => {
  const space = spaceOf(mixed);
  const trials = search(make(space, new Rng(7)), 20);
  const again = make(space, new Rng(7));
  for (const n of [13, 2, 19, 0]) expect(again(n, trials.slice(0, n))).toEqual(trials[n]!.point);
  expect(make(space, new Rng(8))(5, [])).not.toEqual(trials[5]!.point);
});

test('random covers choices, and log scales by their logarithm', () => {
  const propose = random(spaceOf({rate: {log: [1e-4, 1]}, kind: ['a', 'b', 'c']}), new Rng(0));
  const points = Array.from({length: 600}, (_, n) => propose(n, [])!);
  const share = (test: (point: (typeof points)[number]) => boolean) => points.filter(test).length / 600;
  // Four standard errors of a share of 600.
  expect(Math.abs(share(({rate}) => (rate as number) < 1e-2) - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / 600));
  expect(Math.abs(share(({kind}) => kind === 'a') - 1 / 3)).toBeLessThan(4 * Math.sqrt(2 / 9 / 600));
});

test('quasi-random lies more evenly than random: 32 trials, one in every 32nd', () => {
  const propose = quasiRandom(spaceOf({a: {uniform: [0, 1]}, b: {log: [1, 1024]}}), new Rng(1));
  const points = Array.from({length: 32}, (_, n) => propose(n, [])!);
  expect(new Set(points.map(({a}) => Math.floor((a as number) * 32))).size).toBe(32);
});

test('quasi-random has more than 64 parameters', () => {
  const many = spaceOf(Object.fromEntries(Array.from({length: 70}, (_, i) => [`p${i}`, {uniform: [0, 1]}])));
  const point = quasiRandom(many, new Rng(0))(0, [])!;
  expect(new Set(Object.values(point)).size).toBe(70);
});

test('a branch without continuous parameters is proposed once, the other for ever', () => {
  const space = spaceOf({b: ['x', 'y'], c: {uniform: [0, 1], when: {b: 'y'}}});
  const trials = search(random(space, new Rng(0)), 60);
  expect(trials).toHaveLength(60);
  expect(trials.filter(({point}) => point['b'] === 'x')).toHaveLength(1);
});

test('a grid varies the first parameter slowest', () => {
  const propose = grid(finite);
  expect([0, 1, 2, 6].map((n) => propose(n, []))).toEqual([
    {a: 1, b: 'x'},
    {a: 1, b: 'y', c: 0},
    {a: 1, b: 'y', c: 0.25},
    {a: 2, b: 'x'},
  ]);
  expect(propose(size, [])).toBeUndefined();
});

test('a grid takes another point for one that is known under another number', () => {
  const propose = grid(finite);
  const known = (point: object): Trial => ({number: 99, point: point as Trial['point'], outcome: 'pending'});
  expect(propose(0, [known({a: 1, b: 'x'})])).toEqual({a: 1, b: 'y', c: 0});
  // The last one, known already: the first that is not.
  expect(propose(size - 1, [known({a: 4, b: 'y', c: 1})])).toEqual({a: 1, b: 'x'});
});

test('a grid needs levels', () => {
  expect(gridIssues(spaceOf({a: {uniform: [0, 1]}, b: {uniform: [0, 1], step: 0.5}}), ['search', 'space'])).toEqual([
    {
      path: ['search', 'space', 'a'],
      at: 'key',
      message: '"a" is continuous, and a grid needs levels',
      hint: 'Add "step", list its values, or choose another method.',
    },
  ]);
});

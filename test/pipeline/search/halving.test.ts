import fc from 'fast-check';
import {expect, test} from 'vitest';
import {type Climber, climb, rungsOf} from '../../../src/pipeline/search/halving.ts';

test.for<[number, number, number, readonly number[]]>([
  [16, 3, 512, [16, 48, 144, 432]],
  [16, 3, 432, [16, 48, 144]],
  [16, 3, 16, []],
  [1, 2, 9, [1, 2, 4, 8]],
  [4, 1.5, 10, [4, 6, 9]],
])('rungs from %i by %d below %i', ([first, factor, maximum, rungs]) => {
  expect(rungsOf({first, factor}, maximum)).toEqual(rungs);
});

const at = (number: number, values: readonly number[], rungs = 3): Climber => ({number, rungs, values});
const states = (climbers: readonly Climber[], factor = 3) =>
  [...climb(climbers, {factor})].map(([number, fate]) => `${number} ${fate.state} ${fate.rung}`);

test('one in three goes on, rounded up, and the first always', () => {
  // Of 1: 1. Of 2: 1. Of 3: 1. Of 4: 2. Of 5: 2.
  const climbers = [at(0, [5]), at(1, [4]), at(2, [6]), at(3, [5.5]), at(4, [1])];
  expect(states(climbers)).toEqual(['0 climbing 1', '1 stopped 0', '2 climbing 1', '3 climbing 1', '4 stopped 0']);
});

test('a trial with no more rungs climbs to its end', () => {
  expect(states([at(0, [1, 2, 3]), at(1, [], 0)])).toEqual(['0 climbing 3', '1 climbing 0']);
});

test('of equal values the first goes on; no number is the worst', () => {
  expect(states([at(0, [5]), at(1, [5])])).toEqual(['0 climbing 1', '1 stopped 0']);
  expect(states([at(0, [Number.NaN]), at(1, [-9])])).toEqual(['0 stopped 0', '1 climbing 1']);
});

test('trials that were stopped, fail, or have fewer rungs do not count at a higher one', () => {
  const climbers = [
    at(0, [5, 1]),
    at(1, [4]),
    {...at(2, [6]), failed: true},
    at(3, [9], 1),
    at(4, [8, 0.5]),
    at(5, [8.5, 2]),
  ];
  const fates = climb(climbers, {factor: 3});
  // At rung 1: trials 0, 4 and 5 alone.
  expect(fates.get(4)).toEqual({state: 'stopped', rung: 1});
  expect(fates.get(5)).toEqual({state: 'climbing', rung: 2});
});

test('a trial waits for one before it that may yet reach its rung', () => {
  const fates = climb([at(0, [5]), at(1, []), at(2, [6, 3])], {factor: 3});
  expect(fates.get(2)).toEqual({state: 'waiting', rung: 0, on: 1});
  expect(climb([at(0, [5]), at(1, [1]), at(2, [6, 3])], {factor: 3}).get(2)).toEqual({
    state: 'waiting',
    rung: 1,
    on: 0,
  });
  // What waits below a rung may come to it.
  expect(climb([at(0, []), at(1, [1]), at(2, [3])], {factor: 3}).get(1)).toEqual({state: 'waiting', rung: 0, on: 0});
});

test('later trials never change what was decided', () => {
  const values = fc.array(fc.array(fc.double({min: 0, max: 1}), {minLength: 0, maxLength: 3}), {
    minLength: 2,
    maxLength: 12,
  });
  fc.assert(
    fc.property(values, fc.nat(11), (all, cut) => {
      const climbers = all.map((one, number) => at(number, one));
      const some = climb(climbers.slice(0, cut + 1), {factor: 2});
      const every = climb(climbers, {factor: 2});
      for (const [number, fate] of some) expect(every.get(number)).toEqual(fate);
    }),
  );
});

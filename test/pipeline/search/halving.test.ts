import fc from 'fast-check';
import {expect, test} from 'vitest';
import {halving} from '../../../src/pipeline/search/halving.ts';
import {Ladder} from '../../../src/pipeline/search/ladder.ts';

test.for<[number, number, number, readonly number[]]>([
  [16, 3, 512, [16, 48, 144, 432]],
  [16, 3, 432, [16, 48, 144]],
  [16, 3, 16, []],
  [1, 2, 9, [1, 2, 4, 8]],
  [4, 1.5, 10, [4, 6, 9]],
])('rungs from %i by %d below %i', ([first, factor, maximum, rungs]) => {
  expect(halving({first, factor}).rungsOf(maximum)).toEqual(rungs);
});

/** What becomes of trials that come to rungs with these values, as far as each gets; a trial has three rungs unless `rungs` says otherwise. */
function fates(all: readonly (readonly number[])[], {factor = 3, rungs = [] as readonly number[]} = {}) {
  const ladder = new Ladder(halving({first: 1, factor}));
  for (const trial of all.keys()) ladder.begin(rungs[trial] ?? 3);
  const left = all.map((values) => [...values]);
  // One value after the other, the last trial first, as long as one may go on.
  for (let moved = true; moved; ) {
    moved = false;
    for (const trial of [...left.keys()].reverse()) {
      const [value] = left[trial]!;
      if (value === undefined || ladder.fateOf(trial).state !== 'climbing') continue;
      ladder.reached(trial, left[trial]!.shift()!);
      moved = true;
    }
  }
  return [...all.keys()].map((trial) => {
    const fate = ladder.fateOf(trial);
    return fate.state === 'stopped' ? `stopped ${fate.rung}` : fate.state;
  });
}

test('one in three goes on, rounded up, and the first always', () => {
  // Of 1: 1. Of 2: 1. Of 3: 1. Of 4: 2. Of 5: 2.
  expect(fates([[5], [4], [6], [5.5], [1]])).toEqual(['climbing', 'stopped 0', 'climbing', 'climbing', 'stopped 0']);
});

test('a trial with no more rungs climbs to its end', () => {
  expect(fates([[1, 2, 3], []], {rungs: [3, 0]})).toEqual(['climbing', 'climbing']);
});

test('of equal values the first goes on; no number is the worst', () => {
  expect(fates([[5], [5]])).toEqual(['climbing', 'stopped 0']);
  expect(fates([[Number.NaN], [-9]])).toEqual(['stopped 0', 'climbing']);
  expect(fates([[-9], [Number.NaN], [Number.NaN], [-8]])).toEqual(['climbing', 'stopped 0', 'stopped 0', 'climbing']);
});

test('trials that were stopped or have fewer rungs do not count at a higher one', () => {
  const all = [[5, 1], [4], [9], [8, 0.5], [8.5, 2]];
  // At rung 1: trials 0, 3 and 4 alone.
  expect(fates(all, {rungs: [3, 3, 1, 3, 3]}).slice(3)).toEqual(['stopped 1', 'climbing']);
});

test('a trial waits for one before it that may yet come to its rung', () => {
  expect(fates([[5], [], [6]])).toEqual(['climbing', 'climbing', 'waits']);
  expect(fates([[5], [1], [6, 3]])).toEqual(['climbing', 'stopped 0', 'waits']);
  // What waits below a rung may come to it.
  expect(fates([[], [1], [3]])).toEqual(['climbing', 'waits', 'waits']);
});

test('what is decided is what a comparison with all earlier trials says', () => {
  const values = fc.array(fc.array(fc.integer({min: 0, max: 9}), {minLength: 3, maxLength: 3}), {
    minLength: 1,
    maxLength: 15,
  });
  fc.assert(
    fc.property(values, fc.constantFrom(1.5, 2, 3), (all, factor) => {
      const expected: string[] = [];
      for (const [trial, own] of all.entries()) {
        const ends = own.findIndex((value, rung) => {
          const came = all.slice(0, trial).filter((_, one) => !(Number(expected[one]!.split(' ')[1]) < rung));
          const better = came.filter((other) => other[rung]! >= value).length;
          return better >= Math.ceil((came.length + 1) / factor);
        });
        expected.push(ends < 0 ? 'climbing' : `stopped ${ends}`);
      }
      expect(fates(all, {factor})).toEqual(expected);
    }),
  );
});

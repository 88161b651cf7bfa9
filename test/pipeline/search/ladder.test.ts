import fc from 'fast-check';
import {expect, test} from 'vitest';
import {halving} from '../../../src/pipeline/search/halving.ts';
import {Ladder} from '../../../src/pipeline/search/ladder.ts';
import {medianStopping} from '../../../src/pipeline/search/stopping.ts';

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
function fates(
  all: readonly (readonly number[])[],
  {factor = 3, rule = halving({first: 1, factor}), rungs = [] as readonly number[]} = {},
) {
  const ladder = new Ladder(rule);
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

test.for<[number | undefined, number, readonly number[]]>([
  [undefined, 2048, [512, 1024, 1536]],
  [undefined, 9, [3, 6]],
  [undefined, 1, []],
  [16, 48, [16, 32]],
  [16, 49, [16, 32, 48]],
  [16, 16, []],
  [16, 9, []],
])('marks every %s epochs of %i', ([every, epochs, marks]) => {
  expect(medianStopping({...(every !== undefined && {every}), after: 5}).rungsOf(epochs)).toEqual(marks);
});

/** By the median of at least `after` earlier trials, each of which has as many marks as values. */
const stopped = (all: readonly (readonly number[])[], after: number): readonly string[] =>
  fates(all, {rule: medianStopping({every: 1, after}), rungs: all.map((values) => values.length)});

test('stopping: below the median of earlier trials a trial ends, but not among the first', () => {
  // The median of 5, 1, 3 is 3, and so is that of 5, 1, 3, 3; of 5, 1, 3, 3, 2.9 as well.
  expect(stopped([[5], [1], [3], [3], [2.9], [3.1]], 3)).toEqual([
    'climbing',
    'climbing',
    'climbing',
    'climbing',
    'stopped 0',
    'climbing',
  ]);
});

test('stopping: the best value so far counts, of either', () => {
  // At the second mark, 4, 3.5 and 0 are the best so far of the first three: 3 is below their median, though 2 would not be.
  const others = [
    [4, 2],
    [1, 3.5],
    [0, 0],
  ];
  expect(stopped([...others, [3, 3]], 3).at(-1)).toBe('stopped 1');
  expect(stopped([...others, [3.5, 1]], 3).at(-1)).toBe('climbing');
});

test('stopping: who has failed was the worst, also at a later mark', () => {
  expect(stopped([[5], [Number.NaN], [4], [-9]], 2)).toEqual(['climbing', 'stopped 0', 'climbing', 'stopped 0']);
  const late = [
    [5, 1],
    [5, Number.NaN],
    [5, 2],
    [5, 0],
  ];
  // The best so far are 5, 5 and none of trial 1, which failed.
  expect(stopped(late, 2)).toEqual(['climbing', 'stopped 1', 'climbing', 'climbing']);
});

test('stopping: who has ended earlier was worse than who goes on', () => {
  // At the second mark: 1, 2, and trial 2 that did not come so far; so 1 is enough, and 0.5 is not.
  const curves = [
    [5, 1],
    [5, 2],
    [0, 9],
    [6, 1],
    [6, 0.5],
  ].map(([a, b]) => [a! - 10, b!]);
  expect(stopped(curves, 2)).toEqual(['climbing', 'climbing', 'stopped 0', 'climbing', 'stopped 1']);
});

test.for([halving({first: 1, factor: 3}), medianStopping({every: 1, after: 2})])(
  'later trials never change what was decided',
  (rule) => {
    const curve = fc.array(fc.double({min: 0, max: 1, noNaN: true}), {minLength: 3, maxLength: 3});
    fc.assert(
      fc.property(fc.array(curve, {minLength: 2, maxLength: 12}), fc.nat(11), (all, cut) => {
        expect(fates(all, {rule}).slice(0, cut)).toEqual(fates(all.slice(0, cut), {rule}));
      }),
    );
  },
);

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

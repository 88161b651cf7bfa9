import fc from 'fast-check';
import {expect, test} from 'vitest';
import {halving} from '../../../src/pipeline/search/halving.ts';
import {type Climber, type Fate, fateOf, type Rule} from '../../../src/pipeline/search/rungs.ts';
import {medianStopping} from '../../../src/pipeline/search/stopping.ts';

const third = halving({first: 1, factor: 3});

test.for<[number, number, number, readonly number[]]>([
  [16, 3, 512, [16, 48, 144, 432]],
  [16, 3, 432, [16, 48, 144]],
  [16, 3, 16, []],
  [1, 2, 9, [1, 2, 4, 8]],
  [4, 1.5, 10, [4, 6, 9]],
])('halving has rungs from %i by %d below %i', ([first, factor, epochs, rungs]) => {
  expect(halving({first, factor}).rungsOf(epochs)).toEqual(rungs);
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

/** Of trials whose values at their rungs are these: what becomes of each, one after the other. An ended one reaches no further rung. */
function fates(rule: Rule, curves: readonly (readonly number[])[]): readonly string[] {
  const climbers: Climber[] = [];
  return curves.map((curve) => {
    for (let reached = 1; reached <= curve.length; reached++) {
      const values = curve.slice(0, reached);
      const fate = fateOf({rungs: curve.length, values, hasEnded: false}, climbers, rule);
      if (fate === 'goes on') continue;
      climbers.push({rungs: curve.length, values, hasEnded: true});
      return `${fate} at ${reached - 1}`;
    }
    climbers.push({rungs: curve.length, values: curve, hasEnded: true});
    return 'to its end';
  });
}

test('halving: one in three goes on, rounded up, and the first always', () => {
  // Of 1: 1. Of 2: 1. Of 3: 1. Of 4: 2. Of 5: 2.
  expect(fates(third, [[5], [4], [6], [5.5], [1]])).toEqual([
    'to its end',
    'ends at 0',
    'to its end',
    'to its end',
    'ends at 0',
  ]);
});

test('halving: of equal values the first goes on; who has failed ends, and counts', () => {
  expect(fates(third, [[5], [5]])).toEqual(['to its end', 'ends at 0']);
  expect(fates(third, [[Number.NaN], [-9]])).toEqual(['ends at 0', 'to its end']);
});

test('halving: who has ended earlier, or has fewer rungs, does not count', () => {
  // At the second rung: the trials 0, 3 and 4 alone.
  expect(fates(third, [[5, 1], [4, 9], [9], [10, 0.5], [11, 2]])).toEqual([
    'to its end',
    'ends at 0',
    'to its end',
    'ends at 1',
    'to its end',
  ]);
});

test('stopping: below the median of earlier trials a trial ends, but not among the first', () => {
  const rule = medianStopping({every: 1, after: 3});
  // The median of 5, 1, 3 is 3, and so is that of 5, 1, 3, 3; of 5, 1, 3, 3, 2.9 as well.
  expect(fates(rule, [[5], [1], [3], [3], [2.9], [3.1]])).toEqual([
    'to its end',
    'to its end',
    'to its end',
    'to its end',
    'ends at 0',
    'to its end',
  ]);
});

test('stopping: the best value so far counts, of either', () => {
  const rule = medianStopping({every: 1, after: 3});
  // At the second mark, 4, 3.5 and 0 are the best so far of the first three: 3 is below their median, though 2 would not be.
  const others = [
    [4, 2],
    [1, 3.5],
    [0, 0],
  ];
  expect(fates(rule, [...others, [3, 3]]).at(-1)).toBe('ends at 1');
  expect(fates(rule, [...others, [3.5, 1]]).at(-1)).toBe('to its end');
});

test('stopping: who has failed was the worst', () => {
  const rule = medianStopping({every: 1, after: 2});
  expect(fates(rule, [[5], [Number.NaN], [4], [-9]])).toEqual(['to its end', 'ends at 0', 'to its end', 'ends at 0']);
});

test('stopping: who has ended earlier was worse than who goes on', () => {
  const rule = medianStopping({every: 1, after: 2});
  // At the second mark: 1, 2, and trial 2 that did not come so far; so 1 is enough, and 0.5 is not.
  const curves = [
    [5, 1],
    [5, 2],
    [0, 9],
    [6, 1],
    [6, 0.5],
  ].map(([a, b]) => [a! - 10, b!]);
  expect(fates(rule, curves)).toEqual(['to its end', 'to its end', 'ends at 0', 'to its end', 'ends at 1']);
});

test('a trial waits for one before it that may still reach its rung, and for nothing else', () => {
  const own: Climber = {rungs: 3, values: [5, 6], hasEnded: false};
  const fate = (...others: readonly Partial<Climber>[]): Fate =>
    fateOf(
      own,
      others.map((one) => ({rungs: 3, values: [1], hasEnded: false, ...one})),
      third,
    );
  expect(fate({})).toBe('waits');
  expect(fate({hasEnded: true})).toBe('goes on');
  expect(fate({values: [1, 1]})).toBe('goes on');
  expect(fate({rungs: 1})).toBe('goes on');
  expect(fate({values: [7, 7]}, {})).toBe('waits');
  expect(fateOf({...own, values: [5, Number.NaN]}, [{rungs: 3, values: [], hasEnded: false}], third)).toBe('ends');
});

test.for([third, medianStopping({every: 1, after: 2})])('later trials never change what was decided', (rule) => {
  const curve = fc.array(fc.double({min: 0, max: 1, noNaN: true}), {minLength: 3, maxLength: 3});
  fc.assert(
    fc.property(fc.array(curve, {minLength: 2, maxLength: 12}), fc.nat(11), (all, cut) => {
      expect(fates(rule, all).slice(0, cut)).toEqual(fates(rule, all.slice(0, cut)));
    }),
  );
});

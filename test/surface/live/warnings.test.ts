import {expect, test} from 'vitest';
import {Warnings, warningTexts} from '../../../src/surface/live/warnings.ts';

const stage = (seed: number) => ({kind: 'learn', label: `learn rotation · bag · seed ${seed}`});
const little = (seed: number) => ({message: `the loss is 1.3${seed}: almost nothing was learnt`, stage: stage(seed)});

test('equal warnings but for their numbers are one, with their stages', () => {
  const warnings = [
    {message: 'a cache entry was damaged'},
    ...[0, 1, 2, 3].map(little),
    {message: 'odd', stage: stage(7)},
  ];
  expect(warningTexts(warnings, () => 5)).toEqual([
    'a cache entry was damaged',
    'the loss is 1.30: almost nothing was learnt (4 of 5 "learn" stages: learn rotation · bag · seed 0, ' +
      'learn rotation · bag · seed 1, learn rotation · bag · seed 2 … and 1 more)',
    'learn rotation · bag · seed 7: odd',
  ]);
});

test('one by one: the first at once, how many there were at the end', () => {
  const warnings = new Warnings();
  expect([0, 1, 2].map((seed) => warnings.add(little(seed)))).toEqual([
    'learn rotation · bag · seed 0: the loss is 1.30: almost nothing was learnt',
    undefined,
    undefined,
  ]);
  expect(warnings.add({message: 'odd', stage: stage(7)})).toBe('learn rotation · bag · seed 7: odd');
  expect(warnings.rest(() => 25)).toEqual([
    'the loss is 1.30: almost nothing was learnt (3 of 25 "learn" stages: learn rotation · bag · seed 0, ' +
      'learn rotation · bag · seed 1, learn rotation · bag · seed 2)',
  ]);
});

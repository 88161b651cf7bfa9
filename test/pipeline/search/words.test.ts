import {expect, test} from 'vitest';
import type {Parameter} from '../../../src/pipeline/search/space.ts';
import {trialText, wordsOf} from '../../../src/pipeline/search/words.ts';

const range = {low: 0, high: 1, log: false, step: undefined};
const parameter = (name: string, domain: Parameter['domain']): Parameter => ({
  name,
  paths: name.split(', '),
  domain,
  when: [],
});

const crop = [{crop: {min_side: 0.5}}, 'hflip'];

test('a trial is told in as few words as tell its options and their values from the others', () => {
  const words = wordsOf({
    parameters: [
      parameter('learner.optimizer.learning_rate', range),
      parameter('augment', {values: [['hflip'], crop]}),
      parameter('classifiers.0.nu', range),
      parameter('classifiers.1.nu', range),
    ],
  });
  const point = {
    'learner.optimizer.learning_rate': 0.05,
    augment: crop,
    'classifiers.0.nu': 0.1,
    'classifiers.1.nu': 0.2,
  };
  expect(
    trialText({words, number: 3, best: {point, value: 0.5} as never, leader: {value: 0.5, trial: 3}, better: 'higher'}),
  ).toBe(
    'trial 3: 0.5000, learning_rate=0.05, augment=crop+hflip, classifiers.0.nu=0.1, classifiers.1.nu=0.2 (the best so far)',
  );
});

test('values with one name have the options that tell them apart, also where several options vary together', () => {
  const words = wordsOf({
    parameters: [
      parameter('augment, learner.batch', {
        values: [
          [[{crop: {min_side: 0.5}}], 16],
          [[{crop: {min_side: 0.8}}], 32],
        ],
      }),
    ],
  });
  const text = words.value('augment', [{crop: {min_side: 0.8}}]);
  expect(text).not.toBe(words.value('augment', [{crop: {min_side: 0.5}}]));
  expect(text).toContain('min_side=0.8');
  expect(words.value('learner.batch', 32)).toBe('32');
  expect(words.value('learner.batch', 64)).toBe('64');
});

import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  bytes,
  choice,
  clippedList,
  count,
  duration,
  editDistance,
  nearest,
  plural,
  roughly,
  shellWord,
  suggest,
} from '../../../src/core/base/text.ts';

test.for([
  ['temprature', 'temperature'],
  ['kd', 'kde'],
  ['OC_SVM', 'oc-svm'],
  ['contrastiv', 'contrastive'],
  ['acu', 'auc'],
  ['untarined', 'untrained'],
  ['wandb', undefined],
  ['', undefined],
])('%s was meant as %s', ([typed, meant]) => {
  const known = ['temperature', 'kde', 'oc-svm', 'contrastive', 'auc', 'untrained', 'rotation'];
  expect(nearest(typed!, known)).toBe(meant);
});

test('the nearest wins, and of equals the first', () => {
  expect(nearest('rotate9', ['rotate180', 'rotate90'])).toBe('rotate90');
  expect(nearest('cax', ['cat', 'car'])).toBe('cat');
  expect(nearest('x', [])).toBeUndefined();
});

test('edit distance: insert, delete, replace and swap count one', () => {
  expect([
    editDistance('ab', 'ab'),
    editDistance('ab', 'ba'),
    editDistance('ab', 'abc'),
    editDistance('', 'abc'),
  ]).toEqual([0, 1, 1, 3]);
  const word = fc.string({maxLength: 12});
  fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === editDistance(b, a)));
  fc.assert(fc.property(word, word, (a, b) => (editDistance(a, b) === 0) === (a === b)));
});

test('suggestions and lists', () => {
  expect(suggest('acu', ['auc', 'ap'], 'Known metrics')).toBe('Did you mean "auc"?');
  expect(suggest('recall', ['auc', 'ap'], 'Known metrics')).toBe('Known metrics: auc, ap.');
  expect(clippedList([])).toBe('(none)');
  expect(clippedList(['a', 'b', 'c'], 2)).toBe('a, b … and 1 more');
  expect([choice([]), choice(['a']), choice(['a', 'b']), choice(['a', 'b', 'c'])]).toEqual([
    '',
    'a',
    'a or b',
    'a, b or c',
  ]);
  expect([plural(0, 'task'), plural(1, 'task'), plural(1200, 'task')]).toEqual(['0 tasks', '1 task', '1,200 tasks']);
  expect([count(0), count(999), count(1000), count(1234567)]).toEqual(['0', '999', '1,000', '1,234,567']);
});

test.for([
  [0, '0.00 s'],
  [0.994, '0.99 s'],
  [0.996, '1.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7620, '2 h 07 min'],
  [86_400, '1 d 00 h'],
  [1e6, '11 d 14 h'],
  [Number.NaN, '?'],
  [Number.POSITIVE_INFINITY, '?'],
] as const)('%d seconds are %s', ([seconds, text]) => {
  expect(duration(seconds)).toBe(text);
});

test.for([
  [0, 'less than a minute'],
  [59.9, 'less than a minute'],
  [60, 'about 1 min'],
  [725, 'about 12 min'],
  [19.9 * 60, 'about 20 min'],
  [22 * 60, 'about 20 min'],
  [57 * 60, 'about 55 min'],
  [58 * 60, 'about 1 h'],
  [3600 * 2.6, 'about 2.5 h'],
  [3600 * 13.4, 'about 13 h'],
  [3600 * 48, 'about 2 days'],
  [3600 * 24 * 12.2, 'about 12 days'],
] as const)('%d seconds to come are %s', ([seconds, text]) => {
  expect(roughly(seconds)).toBe(text);
});

test.for([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [30e6, '30 MB'],
  [2.14e9, '2.1 GB'],
  [5e18, '5000 PB'],
] as const)('%d bytes are %s', ([size, text]) => {
  expect(bytes(size)).toBe(text);
});

test('a word of a command line as a shell takes it', () => {
  expect(['learner.epochs=3', 'a b', 'classifiers=[{type: gde}]', "it's", ''].map(shellWord)).toEqual([
    'learner.epochs=3',
    "'a b'",
    "'classifiers=[{type: gde}]'",
    "'it'\\''s'",
    "''",
  ]);
});

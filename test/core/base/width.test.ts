import {expect, test} from 'vitest';
import {clipTo, columnsOf, wrapTo} from '../../../src/core/base/width.ts';

test('lines are broken between words, at the columns that they take', () => {
  expect(wrapTo('one two three', 8)).toBe('one two\n  three');
  expect(wrapTo('日本 日本 日本', 9).split('\n').map(columnsOf)).toEqual([9, 6]);
  expect(wrapTo('extraordinary', 5)).toBe('extraordinary');
  expect(wrapTo('', 5)).toBe('');
});

test('columns are those that a terminal uses', () => {
  const widths = {'a b': 3, 日本: 4, 'e\u0301': 1, '👩‍🔬': 2, '🇩🇪': 2, '…·×−': 4, '\u200b': 0};
  for (const [text, columns] of Object.entries(widths)) expect(columnsOf(text), text).toBe(columns);
});

test('shortened text ends with an ellipsis within the width, and no character is cut in two', () => {
  expect(clipTo('short', 5)).toBe('short');
  expect(clipTo('longer', 5)).toBe('long…');
  expect(clipTo('日本日本', 6)).toBe('日本…');
  expect(clipTo('👩‍🔬👩‍🔬', 3)).toBe('👩‍🔬…');
  expect([clipTo('ab', 1), clipTo('ab', 0)]).toEqual(['…', '']);
});

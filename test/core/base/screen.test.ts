import {expect, test} from 'vitest';
import {columnsOf, paintFor, wrapTo} from '../../../src/core/base/screen.ts';

test('lines are broken between words, at the columns that they take', () => {
  expect(wrapTo('one two three', 8)).toBe('one two\n  three');
  expect(wrapTo('日本 日本 日本', 9).split('\n').map(columnsOf)).toEqual([9, 6]);
  expect(wrapTo('extraordinary', 5)).toBe('extraordinary');
  expect(wrapTo('', 5)).toBe('');
});

test('colours only for what has them', () => {
  expect(paintFor({hasColors: () => true})('red', 'a')).toBe('\u001b[31ma\u001b[39m');
  expect([paintFor({hasColors: () => false})('red', 'a'), paintFor({})('red', 'a')]).toEqual(['a', 'a']);
});

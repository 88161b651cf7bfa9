import {expect, test} from 'vitest';
import {paintFor} from '../../../src/core/base/screen.ts';

test('colours only for what has them', () => {
  expect(paintFor({hasColors: () => true})('red', 'a')).toBe('\u001b[31ma\u001b[39m');
  expect([paintFor({hasColors: () => false})('red', 'a'), paintFor({})('red', 'a')]).toEqual(['a', 'a']);
});

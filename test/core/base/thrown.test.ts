import {runInNewContext} from 'node:vm';
import {expect, test} from 'vitest';
import {isError, messageOf} from '../../../src/core/base/thrown.ts';

test('whatever was thrown has a message of one line', () => {
  expect(messageOf(new TypeError('too wide'))).toBe('too wide');
  expect(messageOf(new TypeError(''))).toBe('TypeError');
  expect(messageOf(runInNewContext("new Error('elsewhere')"))).toBe('elsewhere');
  expect(isError(runInNewContext("new Error('elsewhere')"))).toBe(true);
  expect(messageOf(null)).toBe('null was thrown, which is not an Error');
  expect(messageOf(undefined)).toBe('undefined was thrown, which is not an Error');
  expect(messageOf('text')).toBe("'text' was thrown, which is not an Error");
  expect(messageOf(Object.assign(Object.create(null), {code: 7}))).toBe(
    '[Object: null prototype] { code: 7 } was thrown, which is not an Error',
  );
  expect(messageOf('x'.repeat(1000))).toMatch(/^'x{199}… was thrown/);
});

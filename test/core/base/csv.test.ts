import {expect, test} from 'vitest';
import {CsvSyntaxError, readCsv} from '../../../src/core/base/csv.ts';

test('fields, and the line on which each record begins', () => {
  const text = '\ufeffa,b\r\n"1, ""one""","x\r\ny"\r\n\r\n 3 ,\n"",4';
  expect(readCsv(text)).toEqual([
    {fields: ['a', 'b'], line: 1},
    {fields: ['1, "one"', 'x\ny'], line: 2},
    {fields: ['3', ''], line: 5},
    {fields: ['', '4'], line: 6},
  ]);
  expect(readCsv('')).toEqual([]);
});

test.for(['a\n"b', 'a\n"b"c', 'a\nb"c'])('%j is refused, with its line', (text) => {
  expect(() => readCsv(text)).toThrow(new CsvSyntaxError(2));
});

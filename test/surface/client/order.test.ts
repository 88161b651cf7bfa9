import {expect, test} from 'vitest';
import {compareCells, leadingNumber} from '../../../src/surface/client/order.ts';

test('a cell is what its text begins with as a number', () => {
  expect(['−1,204.5 ± 3', '93.6 †', '1e−3', '+2', '5 of 10', '0'].map(leadingNumber)).toEqual([
    -1204.5, 93.6, 0.001, 2, 5, 0,
  ]);
  expect(['–', 'kde', '', '± 3'].map(leadingNumber)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
});

test('numbers by value, then texts by their characters, in both directions', () => {
  const cells = ['10', '–', '9', '−1', 'b', 'a'];
  const sorted = (down: boolean) => cells.toSorted((a, b) => compareCells(a, b, down));
  expect(sorted(false)).toEqual(['−1', '9', '10', 'a', 'b', '–']);
  expect(sorted(true)).toEqual(['10', '9', '−1', '–', 'b', 'a']);
});

import {expect, test} from 'vitest';
import {enlarged} from '../../../src/core/images/bilinear.ts';

test('values are at the middles of cells, linear between them, and constant up to the edge', () => {
  expect([...enlarged([0, 4], {height: 1, width: 2}, {height: 1, width: 8})]).toEqual([0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4]);
});

test('both ways at once, and nothing where the size is kept', () => {
  const map = [0, 2, 4, 10];
  const size = {height: 2, width: 2};
  expect([...enlarged(map, size, size)]).toEqual(map);
  const large = enlarged(map, size, {height: 4, width: 4});
  expect([large[0], large[3], large[12], large[15]]).toEqual([0, 2, 4, 10]);
  // A quarter of the way across and down: 0, 2, 4 and 10 with 9, 3, 3 and 1 sixteenths.
  expect(large[5]).toBeCloseTo((3 * 2 + 3 * 4 + 10) / 16, 6);
});

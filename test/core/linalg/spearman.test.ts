import {expect, test} from 'vitest';
import {spearman} from '../../../src/core/linalg/spearman.ts';

const a = Float64Array.of(0.3, 1.5, 1.5, -2, 7, 1.5, 0.1, 9);
const b = Float64Array.of(2, 3, 3, 1, 8, 2.5, 3, 3);
const c = Float64Array.of(5, 4, 3, 2, 1, 0, -1, -2);

test('is that of scipy.stats.spearmanr, with ties', () => {
  expect(spearman(a, b)).toBeCloseTo(0.6758378183830472, 14);
  expect(spearman(a, c)).toBeCloseTo(-0.31716752370827334, 14);
  expect(spearman(b, c)).toBeCloseTo(-0.30440777365910465, 14);
  expect(spearman(a, a)).toBeCloseTo(1, 14);
});

test('is NaN where one list does not vary, and refuses other lengths', () => {
  expect(spearman(a, new Float64Array(8))).toBeNaN();
  expect(spearman(new Float64Array(), new Float64Array())).toBeNaN();
  expect(() => spearman(a, Float64Array.of(1))).toThrow('expected two lists of one length, but got 8 and 1');
});

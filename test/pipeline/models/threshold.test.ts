import {expect, test} from 'vitest';
import {quantile} from '../../../src/pipeline/models/threshold.ts';

test("the quantile is NumPy's", () => {
  const values = Float64Array.of(3, 1, 2, 10);
  const found = [0.01, 0.25, 0.5, 0.95, 1].map((q) => quantile(values, q));
  for (const [i, expected] of [1.03, 1.75, 2.5, 8.95, 10].entries()) expect(found[i]).toBeCloseTo(expected, 12);
});

test('quantiles of infinite values, of one value and of none', () => {
  expect(quantile(Float64Array.of(1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 0.9)).toBe(Infinity);
  expect(quantile(Float64Array.of(4), 0.5)).toBe(4);
  expect(quantile(Float64Array.of(Number.NaN), 0.5)).toBeNaN();
  expect(quantile(Float64Array.of(3, Number.NaN, 1), 1)).toBe(3); // what is not a number does not count
});

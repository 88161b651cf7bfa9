import {expect, test} from 'vitest';
import {quantile} from '../../../src/pipeline/models/threshold.ts';

test("the quantile is NumPy's by the method weibull", () => {
  const values = Float64Array.of(3, 1, 2, 10);
  const found = [0.01, 0.25, 0.5, 0.75, 0.95, 1].map((q) => quantile(values, q));
  for (const [i, expected] of [1, 1.25, 2.5, 8.25, 10, 10].entries()) expect(found[i]).toBeCloseTo(expected, 12);
});

test('a new value is above it as often as asked, however few values there are', () => {
  // Of 1 to 20, each as likely to be the new one, held against the 19 others.
  const all = Array.from({length: 20}, (_, i) => i + 1);
  const above = all.filter(
    (value) => value > quantile(Float64Array.from(all.filter((other) => other !== value)), 0.95),
  );
  expect(above).toEqual([20]);
});

test('quantiles of infinite values, of one value and of none', () => {
  expect(quantile(Float64Array.of(1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 0.9)).toBe(Infinity);
  expect(quantile(Float64Array.of(4), 0.5)).toBe(4);
  expect(quantile(Float64Array.of(Number.NaN), 0.5)).toBeNaN();
  expect(quantile(Float64Array.of(3, Number.NaN, 1), 1)).toBe(3); // what is not a number does not count
});

import {expect, test} from 'vitest';
import {centred, columnMeans, gram, normaliseRows, squaredLengths} from '../../../src/core/linalg/matrix.ts';
import {addScaled, dot, dotInFours} from '../../../src/core/linalg/vectors.ts';

// Whole numbers: every order of additions gives the same sum.
const features = {rows: 3, columns: 5, data: Float32Array.of(1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 5, -2, 0, 2, 4)};

test('means of columns, and rows less these', () => {
  const mean = columnMeans(features);
  expect(mean).toEqual(Float64Array.of(2, 0, 1, 2, 3));
  expect(centred(features, mean)).toEqual(Float64Array.of(-1, 2, 2, 2, 2, -2, 0, -1, -2, -3, 3, -2, -1, 0, 1));
});

test('products of all pairs of rows; lengths are its diagonal', () => {
  const products = gram(Float64Array.from(features.data), features.columns);
  expect(products).toEqual(Float64Array.of(55, 0, 29, 0, 0, 0, 29, 0, 49));
  expect(squaredLengths(features)).toEqual(Float64Array.of(55, 0, 49));
});

test('rows of length 1, and one of zeros that stays', () => {
  const {data} = normaliseRows({rows: 2, columns: 2, data: Float32Array.of(3, -4, 0, 0)});
  expect(data).toEqual(Float32Array.of(0.6, -0.8, 0, 0));
});

test.each([0, 1, 4, 7])('a product of %i numbers, from anywhere in an array', (length) => {
  const [a, b] = [Float64Array.from({length: 9}, (_, i) => i - 3), Float64Array.from({length: 9}, (_, i) => 2 * i + 1)];
  const expected = Array.from({length}, (_, k) => a[2 + k]! * b[1 + k]!).reduce((sum, term) => sum + term, 0);
  expect(dotInFours(a, 2, b, 1, length)).toBe(expected);
  expect(dot(a.subarray(2, 2 + length), b.subarray(1, 1 + length))).toBe(expected);
});

test('dot adds in order, dotInFours four sums at a time', () => {
  const [values, ones] = [Float64Array.of(2 ** 53, 1, 1, 1, 1), new Float64Array(5).fill(1)];
  expect(dot(values, ones)).toBe(2 ** 53); // each 1 alone is lost
  expect(dotInFours(values, 0, ones, 0, 5)).toBe(2 ** 53 + 2); // the third and fourth sum are added to each other first
});

test('a row added to sums, times a factor', () => {
  const sums = Float64Array.of(1, 1);
  addScaled(sums, -2, Float32Array.of(9, 1, 2), 1);
  expect(sums).toEqual(Float64Array.of(-1, -3));
});

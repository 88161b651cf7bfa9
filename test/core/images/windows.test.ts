import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import {cutWindows, receptiveSigma, sharesAlong, spread, windowsAlong} from '../../../src/core/images/windows.ts';

const images: ImageSet = {
  shape: {height: 4, width: 5, channels: 1},
  count: 2,
  pixels: Uint8Array.from({length: 40}, (_, i) => i),
};

test('windows come row by row; pixels that are left over are in none', () => {
  const windows = {patch: 2, stride: 2};
  const cut = cutWindows(images, 1, windows);
  expect(cut).toMatchObject({shape: {height: 2, width: 2, channels: 1}, count: 4});
  expect([...cut.pixels]).toEqual([20, 21, 25, 26, 22, 23, 27, 28, 30, 31, 35, 36, 32, 33, 37, 38]);
  expect(cutWindows(images, 0, {patch: 4, stride: 1})).toMatchObject({count: 2});
  expect(cutWindows(images, 0, {patch: 5, stride: 1}).count).toBe(0);
});

test('windows of colour images keep their channels together', () => {
  const colour: ImageSet = {
    shape: {height: 1, width: 3, channels: 3},
    count: 1,
    pixels: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
  };
  expect([...cutWindows(colour, 0, {patch: 1, stride: 2}).pixels]).toEqual([1, 2, 3, 7, 8, 9]);
});

test('32-pixel windows every 4 of a 256-pixel image: 57 × 57, which cover all of it (paper 3.5)', () => {
  const windows = {patch: 32, stride: 4};
  expect(windowsAlong(256, windows)).toBe(57);
  expect((57 - 1) * 4 + 32).toBe(256);
  const map = spread(new Float64Array(57 * 57).fill(3), {height: 256, width: 256}, windows, {sigma: 10, blend: 'mean'});
  expect(map.length).toBe(256 * 256);
  expect(Math.min(...map)).toBeCloseTo(3, 5);
  expect(Math.max(...map)).toBeCloseTo(3, 5);
});

test('FCDD’s width of the Gaussian: 10 from 32 pixels on', () => {
  expect(receptiveSigma(32)).toBe(10);
  expect(receptiveSigma(64)).toBe(10);
  expect(receptiveSigma(16)).toBeCloseTo(Math.log10(8.2) + 0.25, 12);
});

test('the sum equals a plain transposed convolution with a Gaussian kernel', () => {
  const [patch, stride, sigma] = [5, 3, 1.7];
  const shape = {height: 3 * 3 + 5, width: 2 * 3 + 5};
  const scores = Float64Array.from({length: 4 * 3}, (_, i) => Math.sin(3 * i) - 0.4);
  const expected = new Float64Array(shape.height * shape.width);
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 3; column++)
      for (let y = 0; y < patch; y++)
        for (let x = 0; x < patch; x++)
          expected[(row * stride + y) * shape.width + column * stride + x]! +=
            scores[row * 3 + column]! * Math.exp(-((y - 2) ** 2 + (x - 2) ** 2) / (2 * sigma ** 2));
  const sum = spread(scores, shape, {patch, stride}, {sigma, blend: 'sum'});
  for (const [i, value] of sum.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  // The mean is that divided by what a score of 1 everywhere gives.
  const ones = spread(new Float64Array(12).fill(1), shape, {patch, stride}, {sigma, blend: 'sum'});
  const mean = spread(scores, shape, {patch, stride}, {sigma, blend: 'mean'});
  for (const [i, value] of mean.entries()) expect(value).toBeCloseTo(expected[i]! / ones[i]!, 5);
});

test('pixels beyond the last window take the nearest one’s score, and gaps between windows the one’s before', () => {
  const map = spread([1, 2], {height: 1, width: 8}, {patch: 1, stride: 5}, {sigma: 1, blend: 'mean'});
  expect([...map]).toEqual([1, 1, 1, 1, 1, 2, 2, 2]);
  const edge = spread([1, 2], {height: 2, width: 7}, {patch: 2, stride: 3}, {sigma: 1, blend: 'mean'});
  expect([...edge.subarray(0, 7)]).toEqual([1, 1, 1, 2, 2, 2, 2]);
});

test.for([
  [{patch: 4, stride: 2}, 'mean'],
  [{patch: 4, stride: 3}, 'sum'],
  [{patch: 2, stride: 5}, 'mean'],
] as const)('%j, %s: the map is a product with the shares of both axes', ([windows, blend]) => {
  const [size, how] = [
    {height: 11, width: 14},
    {sigma: 1.5, blend},
  ];
  const [rows, columns] = [windowsAlong(size.height, windows), windowsAlong(size.width, windows)];
  const rng = new Rng('shares');
  const scores = Float64Array.from({length: rows * columns}, () => rng.uniform(-3, 5));
  const [down, across] = [sharesAlong(size.height, windows, how), sharesAlong(size.width, windows, how)];
  const map = spread(scores, size, windows, how);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      let sum = 0;
      for (const [at, score] of scores.entries()) {
        const [row, column] = [Math.floor(at / columns), at % columns];
        sum += down[y * rows + row]! * across[x * columns + column]! * score;
      }
      expect(map[y * size.width + x]).toBeCloseTo(sum, 5);
    }
});

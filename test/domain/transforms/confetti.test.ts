import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {confettiNoise} from '../../../src/domain/transforms/confetti.ts';

const grey = (side: number, value: number): FloatImage => ({
  height: side,
  width: side,
  channels: 3,
  data: new Float32Array(3 * side * side).fill(value),
});
const options = {min_area: 0.02, max_area: 0.15, aspect: 'log-uniform', patch_jitter: 0, scar_scale: 1} as const;
const many = (image: FloatImage, count: number): readonly FloatImage[] =>
  Array.from({length: count}, (_, seed) => confettiNoise(image, options, new Rng(seed)));
const mean = ({data}: FloatImage): number => data.reduce((sum, value) => sum + value, 0) / data.length;
const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * By hand, in images of 240 pixels: 1.8e-5 · 240² = 1.04 and 1.2e-5 · 240² = 0.69 squares, without the images that would have none 1.61
 * and 1.38; a square has 1145 pixels on average, and a colour takes a half. Together 0.0435 of all values; squares reach over the edge
 * (about 8 %) and over each other.
 */
const taken = 0.04;

// One image's mean varies by about 0.03.
test.each([
  [240, 60, 0.012],
  [64, 400, 0.005],
])('on white the squares take as much as they cover (%i pixels)', (side, count, tolerance) => {
  const made = many(grey(side, 1), count);
  expect(Math.abs(average(made.map(mean)) - (1 - taken))).toBeLessThan(tolerance);
  for (const {data} of made) {
    expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(data.some((value) => value < 0.9)).toBe(true);
  }
});

test('on black nothing can be taken, so it is added', () => {
  expect(Math.abs(average(many(grey(64, 0), 400).map(mean)) - taken)).toBeLessThan(0.005);
});

test('where something can be seen to go, it is never added: an image of middle grey only becomes darker', () => {
  for (const {data} of many(grey(64, 0.5), 100)) expect(Math.max(...data)).toBe(0.5);
});

test('squares are tinted or black, and have soft edges', () => {
  const made = many(grey(240, 1), 20);
  for (const {data} of made) {
    let [steepest, tinted] = [0, 0];
    for (let i = 3; i < data.length; i += 3) {
      if (i % 720 !== 0) steepest = Math.max(steepest, Math.abs(data[i]! - data[i - 3]!));
      if (Math.abs(data[i]! - data[i + 1]!) > 0.02) tinted++;
    }
    // A step of 1 that is blurred by 5 pixels rises by 1 / (5 √(2π)) = 0.08 a pixel; two may lie on each other.
    expect(steepest).toBeLessThan(0.17);
    expect(tinted).toBeGreaterThan(0);
  }
});

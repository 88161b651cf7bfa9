import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {sobol} from '../../../src/pipeline/search/sobol.ts';

interface Fixture {
  readonly sobol: readonly {readonly n: number; readonly point: readonly number[]}[];
}
const scipy = JSON.parse(readFileSync('test/fixtures/search/scipy.json', 'utf8')) as Fixture;

test('unscrambled points are those of SciPy, in all 64 dimensions', () => {
  const sequence = sobol(64);
  for (const {n, point} of scipy.sobol) expect([...sequence.point(n)]).toEqual(point);
});

/** Of the first 2^k scrambled points, how many lie in each of 2^k intervals of a dimension. */
const counts = (k: number, dimension: number, rng: Rng) => {
  const sequence = sobol(8, rng);
  const cells = new Array<number>(2 ** k).fill(0);
  for (let n = 0; n < 2 ** k; n++) cells[Math.floor(sequence.point(n)[dimension]! * 2 ** k)]!++;
  return cells;
};

test.for([0, 1, 5, 7])('scrambling leaves one of the first 64 points in every 64th of dimension %i', (dimension) => {
  for (const seed of [0, 1, 2]) expect(new Set(counts(6, dimension, new Rng(seed)))).toEqual(new Set([1]));
});

test('of the first two dimensions, every box of area 1/64 has one of the first 64 points', () => {
  for (const seed of [0, 1, 2]) {
    const sequence = sobol(2, new Rng(seed));
    const points = Array.from({length: 64}, (_, n) => sequence.point(n));
    for (let a = 0; a <= 6; a++) {
      const boxes = points.map(([x, y]) => `${Math.floor(x! * 2 ** a)} ${Math.floor(y! * 2 ** (6 - a))}`);
      expect(new Set(boxes).size).toBe(64);
    }
  }
});

test('a scrambled point is uniform over seeds', () => {
  const values = Array.from({length: 400}, (_, seed) => sobol(3, new Rng(seed)).point(0)[2]!);
  const mean = values.reduce((sum, value) => sum + value, 0) / 400;
  // Five standard errors of the mean of 400 uniform numbers.
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 400));
  expect(new Set(values).size).toBe(400);
});

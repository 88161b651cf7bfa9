import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {
  cut,
  drawPlace,
  drawSize,
  paste,
  pasteTurned,
  plain,
  recolour,
  turnedSize,
} from '../../../src/domain/transforms/patch.ts';
import {expectClose, greyImage} from './rig.ts';

/** The first channel, row by row. */
const rows = ({height, width, data}: FloatImage): number[][] =>
  Array.from({length: height}, (_, y) => Array.from({length: width}, (_, x) => data[(y * width + x) * 3]!));

const numbered = greyImage(
  4,
  5,
  Array.from({length: 20}, (_, i) => i),
);

test('a patch from one place overwrites only its new place', () => {
  const patch = cut(numbered, {height: 2, width: 3}, {top: 1, left: 2});
  expect(rows({...patch, channels: 3})).toEqual([
    [7, 8, 9],
    [12, 13, 14],
  ]);
  expect(rows(paste(numbered, patch, {top: 2, left: 0}))).toEqual([
    [0, 1, 2, 3, 4],
    [5, 6, 7, 8, 9],
    [7, 8, 9, 13, 14],
    [12, 13, 14, 18, 19],
  ]);
  expect(rows(numbered)[2]).toEqual([10, 11, 12, 13, 14]); // the image itself stays
});

test.for(['log-uniform', 'two-uniforms', 'uniform'] as const)(
  'a patch covers 2 to 15 % of the image, its sides 0.3 to 3.3 to each other, and lies inside (aspect %s)',
  (aspect) => {
    const rng = new Rng(1);
    const image = {height: 256, width: 256};
    const drawn = Array.from({length: 4000}, () => {
      const size = drawSize(image, {min_area: 0.02, max_area: 0.15, aspect}, rng);
      const {top, left} = drawPlace(image, size, rng);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(top + size.height).toBeLessThanOrEqual(256);
      expect(left + size.width).toBeLessThanOrEqual(256);
      return {area: (size.height * size.width) / 65536, ratio: size.height / size.width};
    });
    const areas = drawn.map(({area}) => area);
    // Whole pixels: a patch of 36 rows may be half a pixel, 1.4 %, off on each side.
    expect(Math.min(...areas)).toBeGreaterThan(0.02 * 0.97);
    expect(Math.min(...areas)).toBeLessThan(0.021);
    expect(Math.max(...areas)).toBeLessThan(0.15 * 1.03);
    expect(Math.max(...areas)).toBeGreaterThan(0.149);
    expect(areas.reduce((sum, area) => sum + area, 0) / areas.length).toBeCloseTo(0.085, 2);
    const ratios = drawn.map(({ratio}) => ratio);
    expect(Math.min(...ratios)).toBeGreaterThan(0.29);
    expect(Math.max(...ratios)).toBeLessThan(3.4);
    // Below 1: log(1/0.3) of log(11) = 0.502, half, or 0.7 of 3.
    const below = ratios.filter((ratio) => ratio < 1).length / ratios.length;
    expect(Math.abs(below - (aspect === 'uniform' ? 0.233 : 0.5))).toBeLessThan(0.04);
    // Between 0.3 and 0.55 lies half of log(1/0.3), but 36 % of U(0.3, 1).
    const low = ratios.filter((ratio) => ratio < 0.5477).length / ratios.filter((ratio) => ratio < 1).length;
    expect(low).toBeCloseTo(aspect === 'log-uniform' ? 0.5 : 0.354, 1);
  },
);

test('a patch as large as the image has one place', () => {
  const rng = new Rng(2);
  const size = drawSize({height: 8, width: 8}, {min_area: 1, max_area: 1, aspect: 'log-uniform'}, rng);
  expect(Math.max(size.height, size.width)).toBe(8);
  expect(drawPlace({height: 8, width: 8}, {height: 8, width: 8}, rng)).toEqual({top: 0, left: 0});
});

test('without a turn the patch is pasted upright; turned by 45°, only the patch itself overwrites', () => {
  const image = greyImage(7, 7, new Array<number>(49).fill(0));
  const patch = plain({height: 4, width: 4}, [1, 1, 1]);
  expect(pasteTurned(image, patch, 0, {top: 1, left: 2})).toEqual(paste(image, patch, {top: 1, left: 2}));
  expect(turnedSize(patch, Math.PI / 4)).toEqual({height: 6, width: 6});
  expect(rows(pasteTurned(image, patch, Math.PI / 4, {top: 0, left: 1})).map((row) => row.join(''))).toEqual([
    '0000000',
    '0001100',
    '0011110',
    '0011110',
    '0001100',
    '0000000',
    '0000000',
  ]);
});

test('a quarter turn is counter-clockwise and keeps every pixel', () => {
  const patch = cut(numbered, {height: 2, width: 3}, {top: 0, left: 0});
  expect(turnedSize(patch, Math.PI / 2)).toEqual({height: 3, width: 2});
  const empty = greyImage(3, 2, new Array<number>(6).fill(-1));
  expect(rows(pasteTurned(empty, patch, Math.PI / 2, {top: 0, left: 0}))).toEqual([
    [2, 7],
    [1, 6],
    [0, 5],
  ]);
});

test('parts outside the image are cut off', () => {
  const patch = plain({height: 9, width: 2}, [5, 5, 5]);
  const pasted = pasteTurned(numbered, patch, 0.3, {top: 0, left: 3});
  expect(pasted.data.length).toBe(60);
  expect(
    rows(pasted)
      .flat()
      .filter((value) => value === 5).length,
  ).toBeGreaterThan(3);
});

test('recolouring stays within its strength, keeps grey grey, does nothing at 0, and clips nothing (the image around is not clipped)', () => {
  const patch = {height: 1, width: 2, data: Float32Array.of(0.2, 0.4, 0.6, 0.9, 0.5, 0.1)};
  expect(recolour(patch, 0, new Rng(0))).toBe(patch);
  for (let seed = 0; seed < 50; seed++) {
    const {data} = recolour(patch, 0.1, new Rng(seed));
    // A tenth of the circle is 0.6 of a sixth, in which a channel goes from the smallest to the largest (0.8 apart).
    for (let i = 0; i < 6; i++) expect(Math.abs(data[i]! - patch.data[i]!)).toBeLessThan(0.6 * 0.8 + 0.2);
    expect(data).not.toEqual(patch.data);
  }
  const bright = {height: 1, width: 1, data: Float32Array.of(1.4, 1.4, 1.4)};
  expect(recolour(bright, 1e-9, new Rng(0)).data[0]).toBeCloseTo(1.4, 5);
  const grey = {height: 1, width: 1, data: Float32Array.of(0.5, 0.5, 0.5)};
  const [r, g, b] = recolour(grey, 0.1, new Rng(3)).data;
  expectClose(Float32Array.of(g!, b!), [r!, r!]);
  expect(r).toBeGreaterThan(0.44);
  expect(r).toBeLessThan(0.56);
});

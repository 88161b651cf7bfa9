import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {
  cutoutGrey,
  cutoutMean,
  cutoutRandom,
  cutPaste,
  cutPasteScar,
  type Defect,
  type DefectOptions,
  scar,
} from '../../../src/domain/transforms/defects.ts';

const side = 64;
/** Every pixel has a colour of its own, by which it is known again. */
const image: FloatImage = {
  height: side,
  width: side,
  channels: 3,
  data: Float32Array.from({length: side * side * 3}, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [(pixel % side) / side, Math.floor(pixel / side) / side, 0.25][i % 3]!;
  }),
};
const options: DefectOptions = {min_area: 0.02, max_area: 0.15, aspect: 'log-uniform', patch_jitter: 0, scar_scale: 1};

const colour = ({data}: FloatImage, pixel: number): string => data.subarray(pixel * 3, pixel * 3 + 3).join();

/** Pixels that a defect changed, with the box around them. */
function changed(made: FloatImage) {
  const pixels = Array.from({length: side * side}, (_, i) => i).filter((i) => colour(made, i) !== colour(image, i));
  const [xs, ys] = [pixels.map((i) => i % side), pixels.map((i) => Math.floor(i / side))];
  return {
    pixels,
    height: Math.max(...ys) - Math.min(...ys) + 1,
    width: Math.max(...xs) - Math.min(...xs) + 1,
    area: pixels.length / (side * side),
  };
}

const many = (defect: Defect, changedOptions: Partial<DefectOptions> = {}): FloatImage[] =>
  Array.from({length: 60}, (_, seed) => defect(image, {...options, ...changedOptions}, new Rng(seed)));

test('CutPaste: a whole upright rectangle of this very image, moved; where it goes does not depend on where it is from', () => {
  const own = new Set(Array.from({length: side * side}, (_, i) => colour(image, i)));
  const moves = many(cutPaste).map((made) => {
    const {pixels, height, width} = changed(made);
    if (pixels.length === 0) return {right: 0, down: 0};
    expect(pixels.length).toBe(height * width);
    expect(pixels.every((pixel) => own.has(colour(made, pixel)))).toBe(true);
    const first = pixels[0]!;
    return {
      right: Math.round(first % side) - Math.round(made.data[first * 3]! * side),
      down: Math.floor(first / side) - Math.round(made.data[first * 3 + 1]! * side),
    };
  });
  expect(moves.some(({right}) => right > 10) && moves.some(({right}) => right < -10)).toBe(true);
  expect(moves.some(({down}) => down > 10) && moves.some(({down}) => down < -10)).toBe(true);
});

test('CutPaste: 2 to 15 % of the image, jittered where it is asked for', () => {
  for (const made of many(cutPaste, {patch_jitter: 0.1})) {
    const {area} = changed(made);
    expect(area).toBeGreaterThan(0.015);
    expect(area).toBeLessThan(0.165);
  }
});

test.for([
  ['CutPaste-Scar', cutPasteScar],
  ['scar', scar],
] as const)('%s: 2 to 16 by 10 to 25 pixels, turned by at most 45°, only its own pixels', ([, defect]) => {
  const areas = many(defect, {patch_jitter: 0.1}).map((made) => {
    const {pixels, height, width} = changed(made);
    expect(pixels.length).toBeLessThanOrEqual(16 * 25 * 1.1);
    expect(Math.max(height, width)).toBeLessThanOrEqual(Math.ceil(Math.hypot(16, 25)));
    return pixels.length / (height * width);
  });
  // A turned rectangle does not fill its box; an upright one would.
  expect(areas.filter((part) => part < 0.8).length).toBeGreaterThan(20);
});

test('the size of scars is in pixels for every image, unless it is scaled', () => {
  const mean = (made: readonly FloatImage[]): number =>
    made.reduce((sum, one) => sum + changed(one).pixels.length, 0) / made.length;
  expect(mean(many(scar, {scar_scale: 0.25}))).toBeLessThan(mean(many(scar)) / 8);
});

test('cutout has one colour: grey, the mean, or a random one', () => {
  const colours = (defect: Defect): Set<string> =>
    new Set(
      many(defect).map((made) => {
        const {pixels, height, width} = changed(made);
        expect(pixels.length).toBe(height * width);
        const all = new Set(pixels.map((pixel) => colour(made, pixel)));
        expect(all.size).toBe(1);
        return [...all][0]!;
      }),
    );
  expect([...colours(cutoutGrey)]).toEqual(['0.5,0.5,0.5']);
  const [mean, ...rest] = colours(cutoutMean);
  expect(rest).toEqual([]);
  expect(mean!.split(',').map((value) => Number(value).toFixed(3))).toEqual(['0.492', '0.492', '0.250']);
  expect(colours(cutoutRandom).size).toBe(60);
});

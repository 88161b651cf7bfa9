import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {blendForeignPatches, type ForeignPatchOptions} from '../../../src/domain/transforms/foreign-patches.ts';
import {pattern} from '../networks/pattern.ts';

const side = 32;
const imageOf = (value: (y: number, x: number) => number): FloatImage => ({
  height: side,
  width: side,
  channels: 3,
  data: Float32Array.from({length: side * side * 3}, (_, i) =>
    value(Math.floor(i / (3 * side)), Math.floor(i / 3) % side),
  ),
});
const noise = (salt: number): FloatImage => {
  const values = pattern(side * side, salt);
  return imageOf((y, x) => 0.5 + 0.4 * values[y * side + x]!);
};
const options: ForeignPatchOptions = {patches: 3, max_half: 0.4, blend: 'normal'};
const changed = (before: FloatImage, after: FloatImage): number[] =>
  [...Array(side * side).keys()].filter(
    (pixel) => Math.abs(before.data[3 * pixel]! - after.data[3 * pixel]!) > 1 / 255,
  );

test('patches change a part of the image, another one for another stream, and not the image itself', () => {
  const [image, source] = [noise(1), noise(2)];
  const kept = image.data.slice();
  const shares = Array.from({length: 40}, (_, i) => {
    const made = blendForeignPatches(image, source, options, new Rng(i));
    expect(made).toEqual(blendForeignPatches(image, source, options, new Rng(i)));
    return changed(image, made).length / side ** 2;
  });
  expect(image.data).toEqual(kept);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(Math.max(...shares)).toBeLessThan(0.95);
  expect(new Set(shares).size).toBeGreaterThan(30);
});

test('more patches change more', () => {
  const mean = (patches: number): number => {
    const each = Array.from(
      {length: 60},
      (_, i) => changed(noise(1), blendForeignPatches(noise(1), noise(2), {...options, patches}, new Rng(i))).length,
    );
    return each.reduce((sum, count) => sum + count, 0);
  };
  expect(mean(6)).toBeGreaterThan(1.5 * mean(1));
});

test('no pixel leaves the range of the image', () => {
  const image = imageOf((y, x) => (y < 16 ? 0.4 : 0.6) + 0.001 * x);
  for (let i = 0; i < 20; i++) {
    const {data} = blendForeignPatches(image, noise(2), options, new Rng(i));
    expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...image.data));
    expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...image.data));
  }
});

test('with a background, patches have a part of the object, and lie on it', () => {
  const background = {intensity: 1, tolerance: 0.05, min_object: 0.25};
  const rules = {...options, patches: 1, background};
  const values = pattern(side * side, 3);
  const object = imageOf((y, x) => (x < 12 ? 0.5 + 0.3 * values[y * side + x]! : 1));
  const empty = imageOf(() => 1);
  for (let i = 0; i < 20; i++) {
    expect(blendForeignPatches(object, empty, rules, new Rng(i)), 'no object in the source').toEqual(object);
    expect(blendForeignPatches(empty, object, rules, new Rng(i)), 'none in the image').toEqual(empty);
    const places = changed(object, blendForeignPatches(object, noise(4), rules, new Rng(i)));
    expect(places.filter((pixel) => pixel % side < 12).length / places.length).toBeGreaterThan(0.1);
  }
});

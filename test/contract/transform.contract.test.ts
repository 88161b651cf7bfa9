import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {FloatImage} from '../../src/core/contracts/data.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {compose} from '../../src/domain/transforms/compose.ts';

const plugins = new Plugins(builtin);

/** Beside the defaults: the ends of the ranges. */
const more: {readonly [type: string]: readonly {readonly [option: string]: unknown}[]} = {
  crop: [{min_side: 0.01}, {min_side: 1}],
  hflip: [{p: 1}],
  jitter: [{brightness: 1, contrast: 1, saturation: 1, hue: 0.5}, {order: 'fixed'}],
  grayscale: [{p: 1}],
  blur: [{p: 1}, {p: 1, min_sigma: 1e-3, max_sigma: 50}],
  cutpaste: [{min_area: 1, max_area: 1, patch_jitter: 0.5}],
  'cutpaste-scar': [{scar_scale: 100, patch_jitter: 0}],
  cutout: [{colour: 'mean'}, {colour: 'random', min_area: 1, max_area: 1}],
  scar: [{scar_scale: 100}],
};

const noise = (height: number, width: number, low = 0, high = 1): FloatImage => {
  const rng = new Rng(`noise ${height} ${width}`);
  return {
    height,
    width,
    channels: 3,
    data: Float32Array.from({length: height * width * 3}, () => rng.uniform(low, high)),
  };
};

const images: readonly (readonly [string, FloatImage])[] = [
  ['32 × 32', noise(32, 32)],
  ['64 × 64', noise(64, 64)],
  ['7 × 10', noise(7, 10)],
  ['one pixel', noise(1, 1)],
  ['black', {height: 8, width: 8, channels: 3, data: new Float32Array(192)}],
  ['white', {height: 8, width: 8, channels: 3, data: new Float32Array(192).fill(1)}],
  ['red', {height: 2, width: 2, channels: 3, data: Float32Array.from({length: 12}, (_, i) => (i % 3 === 0 ? 1 : 0))}],
  ['beyond [0, 1]', noise(16, 16, -2, 3)],
];

// vitest's own comparison takes a millisecond for a few thousand numbers.
const sameData = (a: Float32Array, b: Float32Array): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

const cases = plugins
  .names('transform')
  .flatMap((type) => [{}, ...(more[type] ?? [])].map((options) => ({type, options, name: JSON.stringify(options)})));

describe.each(cases)('$type $name', ({type, options, name}) => {
  const checked = checkPlugin(plugins, 'transform', {type, ...options});
  const transform = plugins.create('transform', checked.value);

  test('options are valid', () => {
    expect(checked.issues).toEqual([]);
  });

  test('shape and channels stay, values are finite, the argument is neither changed nor used in the result', () => {
    for (const [name, image] of images) {
      const before = image.data.slice();
      for (let seed = 0; seed < 10; seed++) {
        const {height, width, channels, data} = transform.apply(image, new Rng(seed));
        expect([name, ...[height, width].toSorted()]).toEqual([name, ...[image.height, image.width].toSorted()]);
        expect([channels, data.length]).toEqual([3, height * width * 3]);
        expect(data.every(Number.isFinite), `${name}: finite`).toBe(true);
        data.fill(9);
        expect(sameData(image.data, before), `${name}: unchanged`).toBe(true);
      }
    }
  });

  test('the result depends only on the stream, not on earlier calls', () => {
    const [[, image], [, other]] = [images[0]!, images[1]!];
    const draw = (seed: number) => transform.apply(image, new Rng(seed)).data;
    const first = [0, 1, 2, 3, 4].map(draw);
    transform.apply(other, new Rng(99));
    expect(first.every((data, seed) => sameData(data, draw(seed)))).toBe(true);
  });

  // What these add is coloured.
  const coloured = type === 'confetti' || type === 'scar' || name.includes('random');
  test.skipIf(coloured)('a grey image stays grey', () => {
    const grey = noise(12, 12);
    for (let i = 0; i < grey.data.length; i++) grey.data[i] = grey.data[i - (i % 3)]!;
    for (let seed = 0; seed < 20; seed++) {
      const {data} = transform.apply(grey, new Rng(seed));
      expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true);
    }
  });
});

test('composed transforms run first to last and draw from one stream', () => {
  const [, image] = images[0]!;
  const list = ['crop', 'hflip', 'jitter', 'grayscale'].map((type) => checkPlugin(plugins, 'transform', type).value);
  const rng = new Rng(11);
  let expected = image;
  for (const ref of list) expected = plugins.create('transform', ref).apply(expected, rng);
  const composed = compose(list, plugins);
  const same = new Rng(11);
  expect(composed(image, same)).toEqual(expected);
  expect(composed(image, same)).not.toEqual(expected); // the second draw of a positive pair
  expect(compose([], plugins)(image, rng)).toBe(image);
});

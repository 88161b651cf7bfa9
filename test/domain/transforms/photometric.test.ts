import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {gaussianBlur} from '../../../src/core/images/gaussian-blur.ts';
import {
  jitter,
  scaleContrast,
  scaleSaturation,
  shiftBrightness,
  turnHue,
} from '../../../src/domain/transforms/jitter.ts';
import {blur, grayscale, toGrey} from '../../../src/domain/transforms/photometric.ts';
import {expectClose, fixtures, greyImage, reference} from './rig.ts';

const after = (change: (data: Float32Array, by: number) => void, by: number): Float32Array => {
  const data = reference.data.slice();
  change(data, by);
  return data;
};

test('the four colour changes agree with tf.image, inside [0, 1] and beyond', () => {
  for (const {by, out} of fixtures.brightness) expectClose(after(shiftBrightness, by), out);
  for (const {by, out} of fixtures.contrast) expectClose(after(scaleContrast, by), out);
  for (const {by, out} of fixtures.saturation) expectClose(after(scaleSaturation, by), out);
  for (const {by, out} of fixtures.hue) expectClose(after(turnHue, by), out);
});

test('hue by hand: a third of the circle takes red to green to blue, and half of it to the opposite colour', () => {
  const turned = (rgb: readonly number[], by: number) => {
    const data = Float32Array.from(rgb);
    turnHue(data, by);
    return Array.from(data, (value) => Math.round(value * 1e6) / 1e6);
  };
  expect(turned([1, 0, 0], 1 / 3)).toEqual([0, 1, 0]);
  expect(turned([1, 0, 0], -1 / 3)).toEqual([0, 0, 1]);
  expect(turned([0.75, 0.25, 0.5], 0.5)).toEqual([0.25, 0.75, 0.5]);
  expect(turned([0.75, 0.25, 0.5], 1)).toEqual([0.75, 0.25, 0.5]);
  // A hue that rounds to the full circle is red, not magenta.
  expect(turned([1, 0, 1e-18], 0)).toEqual([1, 0, 0]);
  expect(turned([1, 0, 0], -1e-20)).toEqual([1, 0, 0]);
});

test('grey is the luma, and blur a Gaussian', () => {
  expectClose(toGrey(reference).data, fixtures.grey);
  for (const {sigma, radius, out} of fixtures.blur) expectClose(gaussianBlur(reference, sigma, radius).data, out);
});

test('saturation, hue and luma do not change grey pixels at all', () => {
  const grey = greyImage(
    16,
    16,
    Float32Array.from({length: 256}, (_, i) => i / 255 - 0.2),
  );
  for (const change of [scaleSaturation, turnHue])
    for (const by of [-0.37, 0.123, 1.4]) {
      const data = grey.data.slice();
      change(data, by);
      expect(data).toEqual(grey.data);
    }
  expect(toGrey(grey)).toEqual(grey);
  const transform = jitter.create({brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4, order: 'random'});
  const rng = new Rng(1);
  for (let n = 0; n < 20; n++) {
    const {data} = transform.apply(grey, rng);
    expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true);
  }
});

const off = {brightness: 0, contrast: 0, saturation: 0, hue: 0, order: 'fixed'} as const;

test('jitter without strength changes nothing', () => {
  expect(jitter.create(off).apply(reference, new Rng(0))).toEqual(reference);
  expect(jitter.create({...off, order: 'random'}).apply(reference, new Rng(0))).toEqual(reference);
});

test('jitter draws each strength from its whole range', () => {
  const draws = (option: keyof typeof off, read: (data: Float32Array) => number) => {
    const transform = jitter.create({...off, [option]: 0.4});
    const rng = new Rng(2);
    return Array.from({length: 500}, () => read(transform.apply(image, rng).data));
  };
  // Two pixels: mid grey, and orange (hue 1/12, saturation 1/2).
  const image = {height: 1, width: 2, channels: 3, data: Float32Array.of(0.5, 0.5, 0.5, 0.8, 0.6, 0.4)};
  const covers = (values: readonly number[], low: number, high: number) => {
    expect(Math.min(...values)).toBeGreaterThanOrEqual(low - 1e-6);
    expect(Math.max(...values)).toBeLessThanOrEqual(high + 1e-6);
    expect(Math.min(...values)).toBeLessThan(low + (high - low) * 0.02);
    expect(Math.max(...values)).toBeGreaterThan(high - (high - low) * 0.02);
  };
  covers(
    draws('brightness', (data) => data[0]!),
    0.1,
    0.9,
  );
  covers(
    draws('contrast', (data) => (data[3]! - data[0]!) / 0.3),
    0.6,
    1.4,
  );
  covers(
    draws('saturation', (data) => 1 - data[5]! / data[3]!),
    0.3,
    0.7,
  );
  // Hue turned by at most 0.4 of the circle never reaches the opposite colour, (0.4, 0.6, 0.8).
  const hues = draws('hue', (data) => data[3]! - data[5]!);
  expect(Math.min(...hues)).toBeGreaterThan(-0.4);
  expect(new Set(hues).size).toBeGreaterThan(400);
});

test('jitter: the fixed order is as listed; the random one differs between images', () => {
  const options = {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4} as const;
  const rng = new Rng(4);
  const [delta, contrast, saturation, hue] = [
    rng.uniform(-0.4, 0.4),
    rng.uniform(0.6, 1.4),
    rng.uniform(0.6, 1.4),
    rng.uniform(-0.4, 0.4),
  ];
  const expected = reference.data.slice();
  shiftBrightness(expected, delta);
  scaleContrast(expected, contrast);
  scaleSaturation(expected, saturation);
  turnHue(expected, hue);
  expect(jitter.create({...options, order: 'fixed'}).apply(reference, new Rng(4)).data).toEqual(expected);

  const changes = [
    (data: Float32Array) => shiftBrightness(data, delta),
    (data: Float32Array) => scaleContrast(data, contrast),
    (data: Float32Array) => scaleSaturation(data, saturation),
    (data: Float32Array) => turnHue(data, hue),
  ];
  const data = reference.data.slice();
  for (const at of rng.permutation(4)) changes[at]!(data);
  expect(jitter.create({...options, order: 'random'}).apply(reference, new Rng(4)).data).toEqual(data);
});

test('grayscale and blur happen with probability p', () => {
  const changed = (apply: (rng: Rng) => {data: Float32Array}) => {
    const rng = new Rng(8);
    let count = 0;
    for (let i = 0; i < 2000; i++) if (apply(rng).data[30] !== reference.data[30]) count++;
    return count / 2000;
  };
  const big = {height: 30, width: 30, channels: 3, data: Float32Array.from({length: 2700}, (_, i) => (i * 7919) % 101)};
  expect(Math.abs(changed((rng) => grayscale.create({p: 0.2}).apply(reference, rng)) - 0.2)).toBeLessThan(0.035);
  expect(changed((rng) => grayscale.create({p: 0}).apply(reference, rng))).toBe(0);
  expect(grayscale.create({p: 1}).apply(reference, new Rng(0))).toEqual(toGrey(reference));
  const soft = gaussianBlur(big, 0.5, 1); // 30 / 10 = 3 taps
  expect(blur.create({p: 1, min_sigma: 0.5, max_sigma: 0.5}).apply(big, new Rng(0))).toEqual(soft);
  const either = [big.data[30], soft.data[30]];
  const drawn = Array.from({length: 300}, (_, i) =>
    either.indexOf(blur.create({p: 0.5, min_sigma: 0.5, max_sigma: 0.5}).apply(big, new Rng(i)).data[30]),
  );
  expect(Math.min(...drawn)).toBe(0);
  const share = drawn.filter((blurred) => blurred === 1).length / drawn.length;
  expect(Math.abs(share - 0.5)).toBeLessThan(0.12);
});

test('blur of an image under 20 pixels has one tap: nothing to do', () => {
  expect(blur.create({p: 1, min_sigma: 0.1, max_sigma: 2}).apply(reference, new Rng(0))).toEqual(reference);
});

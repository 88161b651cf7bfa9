/** Colour jitter. Values are not clipped afterwards: they may leave [0, 1]. */

import type {Rng} from '../../core/base/random.ts';
import {defineTransform} from '../../core/contracts/transform.ts';
import {Type} from '../../core/plugin/type.ts';

// Each of these changes `data` in place, (pixels, 3); the plug-in below hands them a copy.

/** x + delta. */
export function shiftBrightness(data: Float32Array, delta: number): void {
  for (let i = 0; i < data.length; i++) data[i]! += delta;
}

/** mean + (x − mean) · factor, with the mean of each channel over the image. */
export function scaleContrast(data: Float32Array, factor: number): void {
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let i = c; i < data.length; i += 3) sum += data[i]!;
    const mean = (3 * sum) / data.length;
    for (let i = c; i < data.length; i += 3) data[i] = mean + (data[i]! - mean) * factor;
  }
}

/**
 * Multiplies S of HSV, at most up to 1, as `tf.image.adjust_saturation`. With V = max(R, G, B) that is the distance of
 * each channel from V times a factor. A pixel with V <= 0 (which brightness can make) has no saturation: it turns grey.
 */
export function scaleSaturation(data: Float32Array, factor: number): void {
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const value = Math.max(r, g, b);
    const range = value - Math.min(r, g, b);
    if (range === 0) continue; // grey stays grey to the last bit
    const scale = value > 0 ? Math.min(factor, value / range) : 0;
    data[i] = value - (value - r) * scale;
    data[i + 1] = value - (value - g) * scale;
    data[i + 2] = value - (value - b) * scale;
  }
}

/** Turns H of HSV by `delta` of the full circle; max and min of the pixel stay, as in `tf.image.adjust_hue`. */
export function turnHue(data: Float32Array, delta: number): void {
  const turn = 6 * (delta - Math.floor(delta)); // in sixths of the circle, [0, 6)
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const max = Math.max(r, g, b);
    const min = Math.min(r, g, b);
    const range = max - min;
    if (range === 0) continue; // grey has no hue
    let hue = turn; // the pixel's own hue is in [-1, 5)
    if (max === r) hue += (g - b) / range;
    else if (max === g) hue += 2 + (b - r) / range;
    else hue += 4 + (r - g) / range;
    if (hue < 0) hue += 6;
    if (hue >= 6) hue -= 6; // not "else": -1e-17 + 6 is 6
    const sector = hue | 0;
    const part = (hue - sector) * range;
    const rising = min + part;
    const falling = max - part;
    if (sector === 0) set(data, i, max, rising, min);
    else if (sector === 1) set(data, i, falling, max, min);
    else if (sector === 2) set(data, i, min, max, rising);
    else if (sector === 3) set(data, i, min, falling, max);
    else if (sector === 4) set(data, i, rising, min, max);
    else set(data, i, max, min, falling);
  }
}

function set(data: Float32Array, at: number, r: number, g: number, b: number): void {
  data[at] = r;
  data[at + 1] = g;
  data[at + 2] = b;
}

/** 1 − by … 1 + by. */
const around = (by: number, rng: Rng): number => rng.uniform(1 - by, 1 + by);

export const jitter = defineTransform({
  name: 'jitter',
  version: 1,
  summary: 'Shifts brightness, scales contrast and saturation, and rotates the hue, each by a random amount.',
  paper: 'Sohn et al. 2021: 0.4 each, on every image',
  options: Type.Object(
    {
      brightness: Type.Number({minimum: 0, maximum: 1, default: 0.4, description: 'Adds U(-b, b).'}),
      contrast: Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0.4,
        description: "Scales the distance from each channel's mean by U(1 - c, 1 + c).",
      }),
      saturation: Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0.4,
        description: 'Scales the saturation (HSV) by U(1 - s, 1 + s).',
      }),
      hue: Type.Number({
        minimum: 0,
        maximum: 0.5,
        default: 0.4,
        description: 'Rotates the hue by U(-h, h) of the full circle.',
      }),
      order: Type.Union([Type.Literal('random'), Type.Literal('fixed')], {
        default: 'random',
        description:
          'random: a new order of the four for each image; fixed: brightness, contrast, saturation, hue. ' +
          "The papers' released code drew one order for each run.",
      }),
    },
    {additionalProperties: false},
  ),
  create: ({brightness, contrast, saturation, hue, order}) => ({
    apply(image, rng) {
      const data = image.data.slice();
      const delta = rng.uniform(-brightness, brightness);
      const spread = around(contrast, rng);
      const vividness = around(saturation, rng);
      const turn = rng.uniform(-hue, hue);
      const steps = [
        () => brightness > 0 && shiftBrightness(data, delta),
        () => contrast > 0 && scaleContrast(data, spread),
        () => saturation > 0 && scaleSaturation(data, vividness),
        () => hue > 0 && turnHue(data, turn),
      ];
      if (order === 'fixed') for (const step of steps) step();
      else for (const at of rng.permutation(4)) steps[at]!();
      return {...image, data};
    },
  }),
});

/** Rectangles of pixels, upright or turned: cut out of an image, recoloured, laid onto it (CutPaste, docs/paper-notes.md 3.2). */

import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import {turnHue} from './jitter.ts';

/** height · width pixels of three channels, row by row. */
export interface Patch {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

export interface Place {
  readonly top: number;
  readonly left: number;
}

export type AspectLaw = 'log-uniform' | 'two-uniforms' | 'uniform';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Smallest and largest height / width of a patch that is not a scar. */
const aspects = [0.3, 3.3] as const;

/**
 * Size of a patch that covers U(min_area, max_area) of the image, height / width in (0.3, 3.3) by `law`: log-uniform over all
 * of it, a fair choice of U(0.3, 1) and U(1, 3.3), or uniform over all of it, as RandomErasing drew it when CutPaste was written
 * (docs/paper-notes.md 13.7). Whole pixels, never larger than the image.
 */
export function drawSize(
  image: Size,
  {min_area, max_area, aspect}: {readonly min_area: number; readonly max_area: number; readonly aspect: AspectLaw},
  rng: Rng,
): Size {
  const area = rng.uniform(min_area, max_area) * image.height * image.width;
  const ratio = drawAspect(aspect, rng);
  const whole = (length: number, most: number): number => Math.min(Math.max(Math.round(length), 1), most);
  return {height: whole(Math.sqrt(area * ratio), image.height), width: whole(Math.sqrt(area / ratio), image.width)};
}

function drawAspect(law: AspectLaw, rng: Rng): number {
  const [low, high] = aspects;
  if (law === 'log-uniform') return Math.exp(rng.uniform(Math.log(low), Math.log(high)));
  if (law === 'uniform') return rng.uniform(low, high);
  return rng.uniform() < 0.5 ? rng.uniform(low, 1) : rng.uniform(1, high);
}

/** Anywhere, as likely as anywhere else, with all of `size` inside the image. */
export const drawPlace = (image: Size, size: Size, rng: Rng): Place => ({
  top: rng.integer(image.height - size.height + 1),
  left: rng.integer(image.width - size.width + 1),
});

/** A copy of the pixels there. */
export function cut(image: FloatImage, {height, width}: Size, {top, left}: Place): Patch {
  const data = new Float32Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return {height, width, data};
}

/** One colour all over. */
export function plain({height, width}: Size, colour: readonly [number, number, number]): Patch {
  return {height, width, data: Float32Array.from({length: height * width * 3}, (_, i) => colour[i % 3]!)};
}

/** The image with the patch on it, upright; a new image. */
export function paste(image: FloatImage, patch: Patch, {top, left}: Place): FloatImage {
  const data = image.data.slice();
  const row = patch.width * 3;
  for (let y = 0; y < patch.height; y++) {
    data.set(patch.data.subarray(y * row, (y + 1) * row), ((top + y) * image.width + left) * 3);
  }
  return {...image, data};
}

/** Of the smallest upright box around a patch that is turned by `angle` (radians), in whole pixels. */
export const turnedSize = ({height, width}: Size, angle: number): Size => {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  // Rounding of a quarter turn must not add a row.
  const whole = (length: number): number => Math.ceil(length - 1e-9);
  return {height: whole(height * cos + width * sin), width: whole(width * cos + height * sin)};
};

/**
 * The image with the patch on it, turned counter-clockwise by `angle` (radians) about the middle of its box, whose corner is at
 * the place. Only pixels of the patch itself overwrite, not the corners of the box; nearest neighbour. Outside the image it is
 * cut off. A new image.
 */
export function pasteTurned(image: FloatImage, patch: Patch, angle: number, {top, left}: Place): FloatImage {
  const data = image.data.slice();
  const box = turnedSize(patch, angle);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let y = 0; y < box.height; y++) {
    if (top + y >= image.height) break;
    for (let x = 0; x < box.width; x++) {
      if (left + x >= image.width) break;
      const [right, down] = [x + 0.5 - box.width / 2, y + 0.5 - box.height / 2];
      const column = Math.floor(cos * right - sin * down + patch.width / 2);
      const row = Math.floor(sin * right + cos * down + patch.height / 2);
      if (row < 0 || row >= patch.height || column < 0 || column >= patch.width) continue;
      const from = (row * patch.width + column) * 3;
      data.set(patch.data.subarray(from, from + 3), ((top + y) * image.width + left + x) * 3);
    }
  }
  return {...image, data};
}

/**
 * Colour jitter of a patch, as torchvision's ColorJitter has it: factors U(1 − s, 1 + s) of brightness (from black), contrast
 * (from the mean luma) and saturation (from each pixel's luma), and a turn of the hue by U(−s, s) of the full circle, in random
 * order. Not clipped: the image around it, jittered before, is not either, and a clipped patch would be told by that. A new patch.
 */
export function recolour(patch: Patch, strength: number, rng: Rng): Patch {
  if (strength === 0) return patch;
  const data = patch.data.slice();
  const factor = (): number => rng.uniform(1 - strength, 1 + strength);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  const hue = rng.uniform(-strength, strength);
  const steps = [
    () => blend(data, brightness, () => 0),
    () => {
      const mean = meanLuma(data);
      blend(data, contrast, () => mean);
    },
    () => blend(data, saturation, (i) => luma(data, i)),
    () => turnHue(data, hue),
  ];
  for (const at of rng.permutation(steps.length)) steps[at]!();
  return {...patch, data};
}

/** Each pixel's distance from `origin` times `factor`. */
function blend(data: Float32Array, factor: number, origin: (pixel: number) => number): void {
  for (let i = 0; i < data.length; i += 3) {
    const from = origin(i);
    for (let c = i; c < i + 3; c++) data[c] = from + (data[c]! - from) * factor;
  }
}

/** ITU-R BT.601. */
const luma = (data: Float32Array, i: number): number => 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;

function meanLuma(data: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += luma(data, i);
  return (3 * sum) / data.length;
}

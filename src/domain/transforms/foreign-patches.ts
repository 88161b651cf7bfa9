/** Natural synthetic anomalies (Schlüter et al. 2022, section 3.1): patches of another normal image, resized and blended in. */
import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import {cropResize} from './geometry.ts';
import {drawPlace, type Place, type Size} from './patch.ts';
import {type Blend, seamless} from './poisson.ts';

export interface ForeignPatchOptions {
  /** The first is always there, each further one with probability ½. */
  readonly patches: number;
  /** Largest half side of a patch, as a fraction of the image's side. */
  readonly max_half: number;
  readonly blend: Blend;
  /** Mean over channels of a background pixel, how far from it a pixel of the object is, and which share of a patch must be object. Absent: all is object. */
  readonly background?: {readonly intensity: number; readonly tolerance: number; readonly min_object: number};
}

/** Half sides are 0.03 + Gamma(2, 0.05) of the image's, at least 0.03. */
const half = {least: 0.03, scale: 0.05} as const;
/** Factor on the sides of a patch: N(1, 0.5), cut off. */
const resize = {deviation: 0.5, least: 0.7, most: 1.3} as const;
/** Share of a patch's object that must lie on the image's. */
const overlap = 0.25;
/** Draws of a place before a patch is given up. */
const attempts = 200;

/** Patches of `source` in `image`; a new image. Where no place fits the rules, fewer patches or none. */
export function blendForeignPatches(
  image: FloatImage,
  source: FloatImage,
  options: ForeignPatchOptions,
  rng: Rng,
): FloatImage {
  let made: FloatImage = {...image, data: image.data.slice()};
  for (let i = 0; i < options.patches; i++) {
    if (i > 0 && rng.uniform() < 0.5) continue;
    const patch = drawPatch(source, options, rng);
    const place = patch && findPlace(image, patch, options, rng);
    if (place) made = seamless(made, patch, place, options.blend);
  }
  return made;
}

/** A window of the source that has enough of the object, resized. */
function drawPatch(source: FloatImage, options: ForeignPatchOptions, rng: Rng): FloatImage | undefined {
  const [tall, wide] = [drawHalf(source.height, options, rng), drawHalf(source.width, options, rng)];
  const scale = Math.min(resize.most, Math.max(resize.least, 1 + resize.deviation * rng.normal()));
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [down, across] = [around(source.height, tall, rng), around(source.width, wide, rng)];
    const window = {top: down.start, height: down.length, left: across.start, width: across.length};
    const whole = (length: number, most: number): number => Math.max(3, Math.min(most, Math.round(scale * length)));
    const {height, width} = {height: whole(window.height, source.height), width: whole(window.width, source.width)};
    const patch = cropResize(source, window, height, width);
    if (shareOf(patch, patch, {top: 0, left: 0}, options).own > (options.background?.min_object ?? 0)) return patch;
  }
  return undefined;
}

/** In pixels; Gamma(2, s) is the sum of two exponentials. */
function drawHalf(side: number, {max_half}: ForeignPatchOptions, rng: Rng): number {
  const gamma = -half.scale * Math.log((1 - rng.uniform()) * (1 - rng.uniform()));
  return Math.max(1, Math.floor(Math.min(half.least + gamma, max_half) * side));
}

/** Where a patch of that half side lies about a random middle; what would be outside is cut off. */
function around(side: number, halfSide: number, rng: Rng): {readonly start: number; readonly length: number} {
  const margin = Math.max(1, Math.round(half.least * side));
  const middle = margin + rng.integer(Math.max(1, side - 2 * margin));
  const start = Math.max(0, middle - halfSide);
  return {start, length: Math.min(side, middle + halfSide) - start};
}

function findPlace(image: FloatImage, patch: FloatImage, options: ForeignPatchOptions, rng: Rng): Place | undefined {
  const size: Size = {height: Math.min(patch.height, image.height), width: Math.min(patch.width, image.width)};
  for (let attempt = 0; attempt < attempts; attempt++) {
    const place = drawPlace(image, size, rng);
    const {own, both} = shareOf(patch, image, place, options);
    if (both > overlap * own) return place;
  }
  return undefined;
}

type Background = NonNullable<ForeignPatchOptions['background']>;

function isOfObject({data}: FloatImage, pixel: number, {intensity, tolerance}: Background): boolean {
  const mean = (data[3 * pixel]! + data[3 * pixel + 1]! + data[3 * pixel + 2]!) / 3;
  return Math.abs(mean - intensity) > tolerance;
}

/** Whether any pixel is of the object: no patch of another image is blended into one without. */
export const hasObject = (image: FloatImage, background: Background): boolean =>
  Array.from({length: image.height * image.width}, (_, pixel) => pixel).some((pixel) =>
    isOfObject(image, pixel, background),
  );

/** Shares of a patch's pixels that are object, and that are it also in the image below. */
function shareOf(
  patch: FloatImage,
  image: FloatImage,
  {top, left}: Place,
  {background}: ForeignPatchOptions,
): {readonly own: number; readonly both: number} {
  if (!background) return {own: 1, both: 1};
  const isObject = (of: FloatImage, pixel: number): boolean => isOfObject(of, pixel, background);
  let [own, both] = [0, 0];
  for (let y = 0; y < patch.height; y++)
    for (let x = 0; x < patch.width; x++) {
      if (!isObject(patch, y * patch.width + x)) continue;
      own++;
      if (isObject(image, (top + y) * image.width + left + x)) both++;
    }
  const pixels = patch.height * patch.width;
  return {own: own / pixels, both: both / pixels};
}

/** Defects that CutPaste's learner makes of a normal image, and those of its ablations (docs/paper-notes.md 3.2, 6.11). Pure functions of image and chance. */

import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import {
  type AspectLaw,
  cut,
  drawPlace,
  drawSize,
  type Patch,
  paste,
  pasteTurned,
  plain,
  recolour,
  type Size,
  turnedSize,
} from './patch.ts';

export interface DefectOptions {
  /** Parts of the image that a patch covers. */
  readonly min_area: number;
  readonly max_area: number;
  readonly aspect: AspectLaw;
  readonly patch_jitter: number;
  /** Factor on the sides of scars, which are in pixels. */
  readonly scar_scale: number;
}

export type Defect = (image: FloatImage, options: DefectOptions, rng: Rng) => FloatImage;

/** Sides of a scar in pixels, and how far it is turned to either side. */
const scarWidth = [2, 16] as const;
const scarLength = [10, 25] as const;
const scarTurn = Math.PI / 4;

/** A patch of the image itself, jittered, somewhere else on it; the two places are drawn independently. */
export const cutPaste: Defect = (image, options, rng) => {
  const size = drawSize(image, options, rng);
  const patch = recolour(cut(image, size, drawPlace(image, size, rng)), options.patch_jitter, rng);
  return paste(image, patch, drawPlace(image, size, rng));
};

/** The same with a long thin patch that is turned by up to 45°. */
export const cutPasteScar: Defect = (image, options, rng) => {
  const size = drawScar(image, options, rng);
  const patch = recolour(cut(image, size, drawPlace(image, size, rng)), options.patch_jitter, rng);
  return pasteScar(image, patch, rng);
};

/** A scar of one random colour. */
export const scar: Defect = (image, options, rng) =>
  pasteScar(image, plain(drawScar(image, options, rng), randomColour(rng)), rng);

/** A patch of one colour. */
const cutout =
  (colour: (image: FloatImage, rng: Rng) => readonly [number, number, number]): Defect =>
  (image, options, rng) => {
    const size = drawSize(image, options, rng);
    return paste(image, plain(size, colour(image, rng)), drawPlace(image, size, rng));
  };

export const cutoutGrey = cutout(() => [0.5, 0.5, 0.5]);
export const cutoutMean = cutout(meanColour);
export const cutoutRandom = cutout((_, rng) => randomColour(rng));

/** Width across and length along, in whole pixels, not larger than the image. */
function drawScar(image: Size, {scar_scale}: DefectOptions, rng: Rng): Size {
  const draw = ([low, high]: readonly [number, number], most: number): number =>
    Math.min(most, Math.max(1, Math.round(scar_scale * (low + rng.integer(high - low + 1)))));
  return {width: draw(scarWidth, image.width), height: draw(scarLength, image.height)};
}

/** Turned at random, with its whole box inside the image where there is room for it. */
function pasteScar(image: FloatImage, patch: Patch, rng: Rng): FloatImage {
  const angle = rng.uniform(-scarTurn, scarTurn);
  const {height, width} = turnedSize(patch, angle);
  const box = {height: Math.min(height, image.height), width: Math.min(width, image.width)};
  return pasteTurned(image, patch, angle, drawPlace(image, box, rng));
}

const randomColour = (rng: Rng): readonly [number, number, number] => [rng.uniform(), rng.uniform(), rng.uniform()];

function meanColour({data}: FloatImage): readonly [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) sums[i % 3]! += data[i]!;
  const [r, g, b] = sums.map((sum) => (3 * sum) / data.length);
  return [r!, g!, b!];
}

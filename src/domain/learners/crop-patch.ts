/** Training on patches of images instead of whole ones (docs/paper-notes.md 3.5). */

import type {Rng} from '../../core/base/random.ts';
import type {FloatImage, ImageSet} from '../../core/contracts/data.ts';
import {Type} from '../../core/plugin/type.ts';
import {cut, drawPlace} from '../transforms/patch.ts';
import {sideOf} from './encoder.ts';

export const patchOption = Type.Optional(
  Type.Integer({
    minimum: 8,
    maximum: 1024,
    description:
      'Side in pixels of random square patches to train on instead of whole images, a new patch for each image and epoch; ' +
      '64 in the CutPaste paper. With "localize", features are then computed for all windows of an image.',
  }),
);

/** A random patch of `side` pixels; the image itself if `side` is absent. Uses a separate random stream. */
export function cropPatch(image: FloatImage, side: number | undefined, rng: Rng): FloatImage {
  if (side === undefined) return image;
  const size = {height: side, width: side};
  return {...image, ...cut(image, size, drawPlace(image, size, rng.fork('patch')))};
}

/** Side of the network's inputs in training. Throws if a patch does not fit into the images. */
export function trainingSide(images: ImageSet, patch: number | undefined): number {
  const side = sideOf(images);
  if (patch === undefined) return side;
  if (patch > side) throw new Error(`"patch" is ${patch} pixels a side, but the images have ${side}. Lower it.`);
  return patch;
}

/** A contact sheet of the images and views that a learner trains on, made by the same code as in training. */

import {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import type {Picture} from '../../core/images/picture.ts';
import {type ViewOptions, viewMaker} from './training/feed.ts';

export interface ContactSheetOptions extends ViewOptions {
  /** Number of images; each image has a row, and so does each of its copies. */
  readonly rows: number;
  /** Draw d is that of epoch d in training. */
  readonly draws: number;
}

export interface ContactSheet {
  readonly picture: Picture;
  /** Numbers of the images among the training images of the normal class. */
  readonly images: readonly number[];
  readonly views: number;
  /** Each pixel of an image becomes a square of this side, in pixels. */
  readonly scale: number;
}

/** Pixels between tiles, and between separate parts: draws, and the rows of two images. */
export const gaps = {near: 2, far: 8} as const;
/** Small images are enlarged to about this side, by whole factors and without smoothing. */
const wantedSide = 64;

/** Columns: the instance before augmentation (an image, or its copy by distribution augmentation), then the views of each draw. */
export function contactSheet(options: ContactSheetOptions): ContactSheet {
  const {images, copies = [], draws} = options;
  const maker = viewMaker(options);
  const chosen = [...new Rng('contact sheet').permutation(images.count).slice(0, options.rows)].sort((a, b) => a - b);
  const rows = chosen.map((image) =>
    Array.from({length: 1 + copies.length}, (_, copy) => {
      const index = image + copy * images.count;
      return [[maker.instance(index)], ...Array.from({length: draws}, (_, epoch) => maker.views(epoch, index))];
    }),
  );
  const tiles = rows.flat(3);
  const side = Math.max(...tiles.map(({height, width}) => Math.max(height, width)));
  const scale = Math.max(1, Math.floor(wantedSide / side));
  const down = places(rows, side * scale);
  const across = places(rows[0]![0]!, side * scale);
  const picture = blank(down.length, across.length);
  for (const [i, block] of rows.entries())
    for (const [j, row] of block.entries())
      for (const [k, group] of row.entries())
        for (const [l, tile] of group.entries()) paint(picture, tile, down.at[i]![j]!, across.at[k]![l]!, scale);
  return {picture, images: chosen, views: rows[0]![0]![1]!.length, scale};
}

/** Where the tiles of groups begin, along one axis, and how long it is. */
function places(groups: readonly (readonly unknown[])[], tile: number) {
  let end = 0;
  const at = groups.map((group, i) => {
    if (i > 0) end += gaps.far;
    return group.map((_, j) => {
      const start = end + (j > 0 ? gaps.near : 0);
      end = start + tile;
      return start;
    });
  });
  return {at, length: end};
}

const blank = (height: number, width: number): Picture => ({
  height,
  width,
  pixels: new Uint8Array(height * width * 3).fill(255),
});

/** Jitter may leave [0, 1]; values outside are clipped. */
function paint(
  to: Picture,
  {height, width, channels, data}: FloatImage,
  top: number,
  left: number,
  scale: number,
): void {
  for (let y = 0; y < height * scale; y++)
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      const at = ((top + y) * to.width + left + x) * 3;
      for (let c = 0; c < 3; c++)
        to.pixels[at + c] = Math.round(255 * Math.min(1, Math.max(0, data[from + (channels === 3 ? c : 0)]!)));
    }
}

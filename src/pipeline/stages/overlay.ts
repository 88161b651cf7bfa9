/** Draws a picture of one heat map: on the left the image with the outline of its mask, on the right the map over the image. */

import type {ImageSet} from '../../core/contracts/data.ts';
import {type Picture, pictureOf} from '../../core/images/picture.ts';

/** Share of the map's colour in a pixel, 0 to 1. */
const opacity = 0.5;

/** The scores at the two ends of the colours (dark blue and dark red). Scores outside get the colour of the nearer end. */
export type Range = readonly [low: number, high: number];

/** The picture is as high as the image, and twice as wide. */
export function overlay(
  images: ImageSet,
  index: number,
  mask: Uint8Array | undefined,
  map: Float32Array,
  range: Range,
): Picture {
  const plain = pictureOf(images, index);
  const painted = paint(plain, map, range, opacity);
  const {height, width} = plain;
  const pixels = new Uint8Array(height * 2 * width * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = (y * 2 * width + x) * 3;
      const outline = mask !== undefined && onOutline(mask, height, width, y, x);
      for (let c = 0; c < 3; c++) {
        pixels[left + c] = outline ? [255, 0, 255][c]! : plain.pixels[at * 3 + c]!;
        pixels[left + width * 3 + c] = painted.pixels[at * 3 + c]!;
      }
    }
  return {height, width: 2 * width, pixels};
}

/** Paints the map's colours over the picture. `share`: share of the map's colour in a pixel, 0 to 1. */
export function paint(picture: Picture, map: Float32Array, [low, high]: Range, share: number): Picture {
  const pixels = new Uint8Array(picture.pixels.length);
  for (let at = 0; at < map.length; at++) {
    const colour = jet((map[at]! - low) / Math.max(high - low, Number.MIN_VALUE));
    for (let c = 0; c < 3; c++)
      pixels[3 * at + c] = Math.round((1 - share) * picture.pixels[3 * at + c]! + share * 255 * colour[c]!);
  }
  return {...picture, pixels};
}

/** Whether a pixel is in the mask and has a neighbour that is not. */
function onOutline(mask: Uint8Array, height: number, width: number, y: number, x: number): boolean {
  if (mask[y * width + x] === 0) return false;
  const outside = (v: number, u: number): boolean =>
    v < 0 || u < 0 || v >= height || u >= width || mask[v * width + u] === 0;
  return outside(y - 1, x) || outside(y + 1, x) || outside(y, x - 1) || outside(y, x + 1);
}

/** 0 … 1 → dark blue, blue, cyan, yellow, red, dark red. */
function jet(part: number): readonly [number, number, number] {
  const at = 4 * Math.min(1, Math.max(0, part));
  const channel = (middle: number): number => Math.min(1, Math.max(0, 1.5 - Math.abs(at - middle)));
  return [channel(3), channel(2), channel(1)];
}

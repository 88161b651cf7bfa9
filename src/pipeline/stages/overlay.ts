/** A picture of one heat map: the image with the outline of its mask, and beside it the map laid over the image. */
import type {Picture} from '../../core/images.ts';
import type {ImageSet} from '../../core/plugin/contracts.ts';

/** How much of the map's colour a pixel takes. */
const opacity = 0.5;

/** Height, and twice the width of the image. `range`: the scores that are drawn in blue and in red; beyond them they stay so. */
export function overlay(
  images: ImageSet,
  index: number,
  mask: Uint8Array | undefined,
  map: Float32Array,
  [low, high]: readonly [number, number],
): Picture {
  const {height, width, channels} = images.shape;
  const pixels = new Uint8Array(height * 2 * width * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = (y * 2 * width + x) * 3;
      const right = left + width * 3;
      const colour = jet((map[at]! - low) / Math.max(high - low, Number.MIN_VALUE));
      const outline = mask !== undefined && onOutline(mask, height, width, y, x);
      for (let c = 0; c < 3; c++) {
        const value = images.pixels[(index * height * width + at) * channels + (channels === 1 ? 0 : c)]!;
        pixels[left + c] = outline ? [255, 0, 255][c]! : value;
        pixels[right + c] = Math.round((1 - opacity) * value + opacity * 255 * colour[c]!);
      }
    }
  return {height, width: 2 * width, pixels};
}

/** In the mask, with a neighbour that is not. */
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

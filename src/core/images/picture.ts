/** Colour images in memory: cut, and made of another size. */
import type {ImageSet} from '../contracts/data.ts';

/** Colour image, uint8 HWC with three channels. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** One image of a set; grey is copied to three channels. */
export function pictureOf({shape, pixels}: ImageSet, index: number): Picture {
  const {height, width, channels} = shape;
  const size = height * width * channels;
  const own = pixels.subarray(index * size, (index + 1) * size);
  const colour = channels === 3 ? own : Uint8Array.from({length: 3 * size}, (_, i) => own[Math.floor(i / 3)]!);
  return {height, width, pixels: colour};
}

/** Throws when the window reaches over the image's edge. */
export function cropped(
  {height, width, pixels}: Picture,
  window: {readonly top: number; readonly left: number; readonly height: number; readonly width: number},
): Picture {
  const {top, left} = window;
  if (top < 0 || left < 0 || top + window.height > height || left + window.width > width)
    throw new Error(`Internal error: a window beyond an image of ${height} × ${width}`);
  const out = new Uint8Array(window.height * window.width * 3);
  for (let y = 0; y < window.height; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(pixels.subarray(from, from + window.width * 3), y * window.width * 3);
  }
  return {height: window.height, width: window.width, pixels: out};
}

/**
 * `area`: OpenCV's INTER_AREA, the mean of what a pixel covers. `bicubic`: PIL's BICUBIC, widened where it shrinks.
 */
export type Interpolation = 'area' | 'bicubic';

/** Stored values are interpolated as they are: gamma is not taken out, as neither PIL nor OpenCV do. */
export function resized(picture: Picture, height: number, width: number, interpolation: Interpolation): Picture {
  if (picture.height === height && picture.width === width) return picture;
  // PIL rounds a half up. Its weights are multiples of 2^-22, so that this changes nothing else.
  const bias = interpolation === 'bicubic' ? 2 ** -23 : 0;
  const across = tapsOf(picture.width, width, interpolation);
  const down = tapsOf(picture.height, height, interpolation);
  // PIL keeps 8 bits between its two passes, OpenCV's area is one.
  const between =
    interpolation === 'bicubic'
      ? new Uint8ClampedArray(picture.height * width * 3)
      : new Float32Array(picture.height * width * 3);
  for (let y = 0; y < picture.height; y++)
    for (let x = 0; x < width; x++) {
      const {first, weights} = across[x]!;
      const from = (y * picture.width + first) * 3;
      weighted(bias, picture.pixels, from, 3, weights, between, (y * width + x) * 3);
    }
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (let y = 0; y < height; y++) {
    const {first, weights} = down[y]!;
    for (let x = 0; x < width; x++)
      weighted(bias, between, (first * width + x) * 3, width * 3, weights, pixels, (y * width + x) * 3);
  }
  return {height, width, pixels: new Uint8Array(pixels.buffer)};
}

/** Three channels at once; a target of bytes rounds (half to even) and clips. */
function weighted(
  bias: number,
  from: ArrayLike<number>,
  start: number,
  step: number,
  weights: Float64Array,
  to: Uint8ClampedArray | Float32Array,
  at: number,
): void {
  let red = bias;
  let green = bias;
  let blue = bias;
  for (let i = 0, k = start; i < weights.length; i++, k += step) {
    const weight = weights[i]!;
    red += weight * from[k]!;
    green += weight * from[k + 1]!;
    blue += weight * from[k + 2]!;
  }
  to[at] = red;
  to[at + 1] = green;
  to[at + 2] = blue;
}

interface Taps {
  /** Index of the first pixel that counts. */
  readonly first: number;
  /** They sum to 1. */
  readonly weights: Float64Array;
}

/** What each of `to` pixels is made of, in a row or column of `from`. */
function tapsOf(from: number, to: number, interpolation: Interpolation): readonly Taps[] {
  const scale = from / to;
  return Array.from({length: to}, (_, i) =>
    interpolation === 'area' ? areaTaps(i, scale, from) : cubicTaps(i, scale, from),
  );
}

function areaTaps(i: number, scale: number, from: number): Taps {
  const [begin, end] = [i * scale, Math.min(from, (i + 1) * scale)];
  const first = Math.min(from - 1, Math.floor(begin + 1e-9));
  const count = Math.max(1, Math.ceil(end - 1e-9) - first);
  const weights = Float64Array.from(
    {length: count},
    (_, k) => (Math.min(end, first + k + 1) - Math.max(begin, first + k)) / (end - begin),
  );
  return {first, weights};
}

function cubicTaps(i: number, scale: number, from: number): Taps {
  const wide = Math.max(1, scale);
  const support = 2 * wide;
  const centre = (i + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support + 0.5));
  const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
  const weights = Float64Array.from({length: count}, (_, k) => cubic((first + k - centre + 0.5) / wide));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  // PIL counts in fixed point.
  const unit = 2 ** 22;
  return {first, weights: weights.map((weight) => Math.round((weight / sum) * unit) / unit)};
}

/** Keys' kernel with a = -0.5. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

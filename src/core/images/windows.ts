/** The windows of an image, and the map of their scores over its pixels (docs/paper-notes.md 3.5). */
import type {ImageSet} from '../contracts/data.ts';

export interface Windows {
  /** Side in pixels. */
  readonly patch: number;
  /** Pixels from one window to the next, across and down. */
  readonly stride: number;
}

/** Windows along an axis of `length` pixels; what is left over at its end is in none. */
export const windowsAlong = (length: number, {patch, stride}: Windows): number =>
  length < patch ? 0 : Math.floor((length - patch) / stride) + 1;

/** All windows of one image as images of their own, row by row. */
export function cutWindows({shape, pixels}: ImageSet, index: number, windows: Windows): ImageSet {
  const {height, width, channels} = shape;
  const {patch, stride} = windows;
  const [rows, columns] = [windowsAlong(height, windows), windowsAlong(width, windows)];
  const row = patch * channels;
  const out = new Uint8Array(rows * columns * patch * row);
  const start = index * height * width * channels;
  let to = 0;
  for (let down = 0; down < rows; down++)
    for (let right = 0; right < columns; right++)
      for (let y = 0; y < patch; y++, to += row) {
        const from = start + ((down * stride + y) * width + right * stride) * channels;
        out.set(pixels.subarray(from, from + row), to);
      }
  return {shape: {height: patch, width: patch, channels}, count: rows * columns, pixels: out};
}

/** `mean`: what windows say of a pixel, weighted. `sum`: added up as it is, as the transposed convolution of the paper does. */
export type Blend = 'mean' | 'sum';

/**
 * Scores of all windows of an image (row by row) → a score for each pixel: every window spreads its score over its pixels by a
 * Gaussian about its middle, and pixels add up what they get (receptive-field upsampling, Liznerski et al. 2020: a transposed
 * convolution with one Gaussian kernel as large as the window). Pixels beyond the last window take the nearest one's.
 *
 * With `blend: 'mean'` the sum is divided by the weights, so that a pixel near the edge, under fewer windows, is not scored
 * lower (or higher, where scores are negative) for that.
 */
export function spread(
  scores: ArrayLike<number>,
  {height, width}: {readonly height: number; readonly width: number},
  windows: Windows,
  {sigma, blend}: {readonly sigma: number; readonly blend: Blend},
): Float32Array {
  const [down, across] = [axisOf(height, windows, sigma), axisOf(width, windows, sigma)];
  const columns = windowsAlong(width, windows);
  // The kernel is a product: rows first, (rows of windows, width), then columns.
  const wide = new Float64Array(windowsAlong(height, windows) * width);
  for (let row = 0; row < wide.length / width; row++)
    for (let x = 0; x < width; x++) {
      const {first, weights, total} = across[x]!;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * scores[row * columns + first + i]!;
      wide[row * width + x] = blend === 'mean' ? sum / total : sum;
    }
  const map = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const {first, weights, total} = down[y]!;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * wide[(first + i) * width + x]!;
      map[y * width + x] = blend === 'mean' ? sum / total : sum;
    }
  }
  return map;
}

/** Along an axis, what every pixel gets of the score of every window: (length, windows). `spread` is a product of two of them. */
export function sharesAlong(
  length: number,
  windows: Windows,
  {sigma, blend}: {readonly sigma: number; readonly blend: Blend},
): Float64Array {
  const count = windowsAlong(length, windows);
  const shares = new Float64Array(length * count);
  for (const [pixel, {first, weights, total}] of axisOf(length, windows, sigma).entries())
    for (const [i, weight] of weights.entries())
      shares[pixel * count + first + i] = blend === 'mean' ? weight / total : weight;
  return shares;
}

/** FCDD's standard deviation for a kernel of `patch` pixels: 10 from 32 on. */
export const receptiveSigma = (patch: number): number => (patch < 32 ? Math.log10(0.45 * patch + 1) + 0.25 : 10);

interface Share {
  /** Of the windows that cover the pixel. */
  readonly first: number;
  readonly weights: Float64Array;
  readonly total: number;
}

/** What every pixel of an axis gets of which windows. */
function axisOf(length: number, windows: Windows, sigma: number): readonly Share[] {
  const {patch, stride} = windows;
  const count = windowsAlong(length, windows);
  const covered = (count - 1) * stride + patch;
  const weight = (offset: number): number => Math.exp(-((offset - (patch - 1) / 2) ** 2) / (2 * sigma ** 2));
  return Array.from({length}, (_, at) => {
    const pixel = Math.min(at, covered - 1);
    const first = Math.max(0, Math.ceil((pixel - patch + 1) / stride));
    const last = Math.min(count - 1, Math.floor(pixel / stride));
    const weights = Float64Array.from({length: last - first + 1}, (_, i) => weight(pixel - (first + i) * stride));
    // A stride that is larger than the patch leaves gaps: the window before takes them.
    if (weights.length === 0) return {first: Math.floor(pixel / stride), weights: Float64Array.of(1), total: 1};
    return {first, weights, total: weights.reduce((sum, value) => sum + value, 0)};
  });
}

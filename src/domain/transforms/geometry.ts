/** Where the pixels go: crop, flips, quarter turns. None of them invents a value outside the image's range. */

import type {FloatImage} from '../../core/contracts/data.ts';
import {defineTransform} from '../../core/contracts/transform.ts';
import {Type} from '../../core/plugin/type.ts';

/** Turned by k · 90° counter-clockwise; k is any integer. Odd k swaps height and width. */
export function quarterTurn(image: FloatImage, k: number): FloatImage {
  const {height: h, width: w, channels, data} = image;
  const turns = ((k % 4) + 4) % 4;
  if (turns === 0) return {...image, data: data.slice()};
  const out = new Float32Array(data.length);
  const height = turns === 2 ? h : w;
  const width = turns === 2 ? w : h;
  // Pixel (y, x) of the result comes from `start + y · down + x · right` of the image, in pixels.
  const start = turns === 1 ? w - 1 : turns === 2 ? h * w - 1 : (h - 1) * w;
  const down = turns === 1 ? -1 : turns === 2 ? -w : 1;
  const right = turns === 1 ? w : turns === 2 ? -1 : -w;
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = (start + y * down) * channels;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
      from += right * channels;
    }
  }
  return {height, width, channels, data: out};
}

/** Left and right swapped. */
export function flipHorizontal(image: FloatImage): FloatImage {
  const {height, width, channels, data} = image;
  const out = new Float32Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++)
    for (let x = width - 1; x >= 0; x--)
      for (let c = 0; c < channels; c++) out[to++] = data[(y * width + x) * channels + c]!;
  return {...image, data: out};
}

/** Top and bottom swapped. */
export function flipVertical(image: FloatImage): FloatImage {
  const {height, width, channels, data} = image;
  const row = width * channels;
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) out.set(data.subarray((height - 1 - y) * row, (height - y) * row), y * row);
  return {...image, data: out};
}

/** A rectangle of whole pixels, inside the image. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** For each of `size` outputs: its two neighbours among `from` inputs, and the weight of the second. */
export function taps(from: number, size: number) {
  const low = new Int32Array(size);
  const high = new Int32Array(size);
  const weight = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = ((i + 0.5) * from) / size - 0.5; // half-pixel centres
    const floor = Math.floor(at);
    low[i] = Math.max(floor, 0);
    high[i] = Math.min(floor + 1, from - 1);
    weight[i] = at - floor;
  }
  return {low, high, weight};
}

/**
 * The window stretched to (height, width): bilinear, half-pixel centres, no antialiasing, as TensorFlow 2's
 * `tf.image.resize` (and PyTorch's `interpolate` with `align_corners=False`) have it.
 */
export function cropResize(image: FloatImage, window: Window, height: number, width: number): FloatImage {
  const {channels, data} = image;
  const out = new Float32Array(height * width * channels);
  const rows = taps(window.height, height);
  const columns = taps(window.width, width);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = (window.top + rows.low[y]!) * image.width + window.left;
    const lower = (window.top + rows.high[y]!) * image.width + window.left;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const left = columns.low[x]!;
      const right = columns.high[x]!;
      const u = columns.weight[x]!;
      for (let c = 0; c < channels; c++) {
        const a = data[(upper + left) * channels + c]!;
        const b = data[(lower + left) * channels + c]!;
        const top = a + (data[(upper + right) * channels + c]! - a) * u;
        const bottom = b + (data[(lower + right) * channels + c]! - b) * u;
        out[to++] = top + (bottom - top) * v;
      }
    }
  }
  return {height, width, channels, data: out};
}

export const crop = defineTransform({
  name: 'crop',
  version: 1,
  summary: 'Crops a random square window and resizes it to the full size (bilinear).',
  paper: 'Sohn et al. 2021: side between half and all of the image',
  options: Type.Object(
    {
      min_side: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.5,
        description:
          "Smallest side of the window, as a fraction of the image's; the side is drawn uniformly from there to 1.",
      }),
    },
    {additionalProperties: false},
  ),
  create: ({min_side}) => ({
    apply(image, rng) {
      const {height, width} = image;
      // Whole sides from floor(min_side · S) to S, each as likely; of an oblong image, windows of its own shape.
      const shorter = Math.min(height, width);
      const smallest = Math.max(1, Math.floor(min_side * shorter));
      const side = smallest + rng.integer(shorter - smallest + 1);
      const window = {height: Math.round((side * height) / shorter), width: Math.round((side * width) / shorter)};
      const top = rng.integer(height - window.height + 1);
      const left = rng.integer(width - window.width + 1);
      return cropResize(image, {...window, top, left}, height, width);
    },
  }),
});

export const hflip = defineTransform({
  name: 'hflip',
  version: 1,
  summary: 'Swaps left and right, with probability p.',
  paper: 'Sohn et al. 2021',
  options: Type.Object(
    {p: Type.Number({minimum: 0, maximum: 1, default: 0.5, description: 'Probability of the flip.'})},
    {additionalProperties: false},
  ),
  create: ({p}) => ({
    apply: (image, rng) => (rng.uniform() < p ? flipHorizontal(image) : {...image, data: image.data.slice()}),
  }),
});

/** Moved by whole pixels, `down` and `right`; what comes in at an edge is the image mirrored there, the edge itself not repeated. */
export function translate(image: FloatImage, down: number, right: number): FloatImage {
  const {height, width, channels, data} = image;
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = reflected(y - down, height) * width;
    for (let x = 0; x < width; x++) {
      const from = (row + reflected(x - right, width)) * channels;
      for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = data[from + c]!;
    }
  }
  return {...image, data: out};
}

/** -1 → 1, -2 → 2, size → size − 2 …; `at` is less than a size beyond the edges. */
function reflected(at: number, size: number): number {
  if (size === 1) return 0;
  if (at < 0) return -at;
  return at < size ? at : 2 * (size - 1) - at;
}

export const shift = defineTransform({
  name: 'shift',
  version: 1,
  summary: 'Moves the image by a random number of pixels; the edges are filled with the mirrored image.',
  paper: 'Li et al. 2021 (CutPaste) translate, but do not say how far; the ICLR code crops the reflect-padded image',
  options: Type.Object(
    {
      by: Type.Number({
        minimum: 0,
        maximum: 0.5,
        default: 0.125,
        description: 'Largest shift in each direction, as a fraction of the side.',
      }),
    },
    {additionalProperties: false},
  ),
  create: ({by}) => ({
    apply(image, rng) {
      const draw = (size: number): number => {
        const most = Math.min(Math.floor(by * size), size - 1);
        return rng.integer(2 * most + 1) - most;
      };
      return translate(image, draw(image.height), draw(image.width));
    },
  }),
});

const always = Type.Object({}, {additionalProperties: false});

export const vflip = defineTransform({
  name: 'vflip',
  version: 1,
  summary: 'Swaps top and bottom, always.',
  options: always,
  create: () => ({apply: flipVertical}),
});

export const rotate90 = defineTransform({
  name: 'rotate90',
  version: 1,
  summary: 'Turns the image a quarter counter-clockwise, always.',
  paper: 'Sohn et al. 2021: distribution augmentation',
  options: always,
  create: () => ({apply: (image) => quarterTurn(image, 1)}),
});

export const rotate180 = defineTransform({
  name: 'rotate180',
  version: 1,
  summary: 'Turns the image by half a turn, always.',
  paper: 'Sohn et al. 2021: distribution augmentation',
  options: always,
  create: () => ({apply: (image) => quarterTurn(image, 2)}),
});

export const rotate270 = defineTransform({
  name: 'rotate270',
  version: 1,
  summary: 'Turns the image three quarters counter-clockwise, always.',
  paper: 'Sohn et al. 2021: distribution augmentation',
  options: always,
  create: () => ({apply: (image) => quarterTurn(image, 3)}),
});

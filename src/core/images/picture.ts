/**
 * JPEG, PNG and WebP files → pixels, and pixels → other sizes. The only importer of `sharp`, which is loaded when it is first used.
 */
import type {Sharp} from 'sharp';
import type {ImageSet} from '../contracts/data.ts';
import type {Mask} from './mask.ts';

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

/** What is wrong with bytes that are not a complete, readable image. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** As a PNG file's bytes. */
export async function encodePng({height, width, pixels}: Picture): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(pixels, {raw: {height, width, channels: 3}})
    .png()
    .toBuffer();
}

/** As a WebP file's bytes, small enough to stand in a page. Pictures of few pixels without loss: there each of them is seen. */
export async function encodeWebp({height, width, pixels}: Picture): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(pixels, {raw: {height, width, channels: 3}})
    .webp(height * width <= 48 * 48 ? {lossless: true} : {quality: 78})
    .toBuffer();
}

let loading: Promise<typeof import('sharp')> | undefined;

/**
 * Decodes as PIL's `convert('RGB')` and OpenCV's `imread` do: values as stored (profiles are ignored, gamma stays), turned
 * by its EXIF orientation, grey copied to three channels, 16 bits cut to the upper 8, transparency dropped. Throws an
 * `ImageError` for a file that is cut short, even in its last row.
 */
export const decodeImage = (bytes: Uint8Array): Promise<Picture> =>
  decoded(bytes, async (image) => {
    const {data, info} = await image
      .toColourspace('srgb')
      .removeAlpha()
      .raw({depth: 'uchar'})
      .toBuffer({resolveWithObject: true});
    if (info.channels !== 3) throw new ImageError(`it has ${info.channels} channels`);
    return {height: info.height, width: info.width, pixels: new Uint8Array(data.buffer, data.byteOffset, data.length)};
  });

/**
 * Decodes a mask: a pixel is marked where any colour channel is not zero as stored, whether the marks are 1 or 255. Where the colours
 * are the same everywhere and the opacity is not, a pixel is marked that is not wholly transparent. Throws an `ImageError`, also
 * where both vary: nobody could tell which is meant.
 */
export const decodeMask = (bytes: Uint8Array): Promise<Mask> =>
  decoded(bytes, async (image) => {
    // 16 bits: in 8 a 1 of 65535 would be nothing.
    const {data, info} = await image.toColourspace('rgb16').raw({depth: 'ushort'}).toBuffer({resolveWithObject: true});
    const {height, width, channels} = info;
    const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
    const varies = (channel: number): boolean => {
      for (let i = channel; i < values.length; i += channels) if (values[i] !== values[channel]) return true;
      return false;
    };
    const colours = [0, 1, 2];
    const hasShape = colours.some(varies);
    const hasOpacity = channels === 4 && varies(3);
    if (hasShape && hasOpacity) throw new ImageError('both its colours and its transparency vary');
    const from = hasOpacity ? [3] : colours;
    const marked = new Uint8Array(height * width);
    for (let i = 0; i < marked.length; i++)
      marked[i] = from.some((channel) => values[i * channels + channel] !== 0) ? 1 : 0;
    return {height, width, marked};
  });

/** Opens an image for `read`; whatever is wrong with it is an `ImageError`. */
async function decoded<T>(bytes: Uint8Array, read: (image: Sharp) => Promise<T>): Promise<T> {
  if (bytes.length === 0) throw new ImageError('it is empty');
  const kind = kindOf(bytes);
  if (kind === undefined) throw new ImageError('it is neither JPEG, PNG nor WebP');
  // libvips accepts a file whose pixels are complete; but a PNG file without its end is incomplete.
  if (kind === 'PNG' && !endsAsPng(bytes)) throw new ImageError('it cannot be decoded as PNG (the file is incomplete)');
  const sharp = await loadSharp();
  try {
    return await read(sharp(bytes, {failOn: 'error', ignoreIcc: true, autoOrient: true}));
  } catch (error) {
    if (error instanceof ImageError || !(error instanceof Error)) throw error;
    throw new ImageError(`it cannot be decoded as ${kind} (${firstLine(error.message)})`);
  }
}

async function loadSharp(): Promise<typeof import('sharp')['default']> {
  loading ??= import('sharp').then((module) => {
    // Callers decode several images at a time, and never the same twice.
    module.default.concurrency(1);
    module.default.cache(false);
    return module;
  });
  return (await loading).default;
}

/** The last messages of libvips are consequences of the first one. */
const firstLine = (message: string): string => message.trim().split('\n')[0]!.trim();

function kindOf(bytes: Uint8Array): 'JPEG' | 'PNG' | 'WebP' | undefined {
  const begins = (...magic: readonly (number | undefined)[]): boolean =>
    magic.every((byte, i) => byte === undefined || bytes[i] === byte);
  if (begins(0xff, 0xd8, 0xff)) return 'JPEG';
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'PNG';
  // RIFF, four bytes of length, WEBP.
  return begins(0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50)
    ? 'WebP'
    : undefined;
}

/** Whether there is an end chunk, with its checksum. */
function endsAsPng(bytes: Uint8Array): boolean {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf('IEND');
  return at >= 0 && at + 8 <= bytes.length;
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

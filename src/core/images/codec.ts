/**
 * Files of images → pixels and masks, and pixels → files. The only importer of `sharp` and `@cwasm/nsbmp`, which are loaded when they
 * are first used.
 */
import type {Metadata, Sharp} from 'sharp';
import type {Mask} from './mask.ts';
import type {Picture} from './picture.ts';

/** Formats that are read, for people. */
export const imageFormats = 'JPEG, PNG, WebP, TIFF or BMP';

/** What is wrong with an image: its bytes, or its size. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  /** What to do, if that is special. */
  readonly remedy?: string;

  constructor(message: string, remedy?: string) {
    super(message);
    if (remedy !== undefined) this.remedy = remedy;
  }
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

/**
 * Decodes as PIL's `convert('RGB')` and OpenCV's `imread` do: values as stored (profiles are ignored, gamma stays), turned
 * by its EXIF orientation, grey copied to three channels, 16 bits cut to the upper 8, transparency dropped, inks (CMYK) as their
 * complement times that of black. The content decides on the format, not the file's name. Throws an `ImageError` for a file that is
 * cut short, even in its last row, and for one whose pixels are not 8 or 16 bits a channel or that has several pages.
 */
export const decodeImage = (bytes: Uint8Array): Promise<Picture> =>
  decoded(bytes, async (image, {space}) => {
    const isInk = space === 'cmyk';
    const {data, info} = await (isInk
      ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
      : image.toColourspace('srgb').removeAlpha()
    )
      .raw({depth: 'uchar'})
      .toBuffer({resolveWithObject: true});
    const {height, width, channels} = info;
    if (isInk) return {height, width, pixels: withoutInk(data, channels)};
    if (channels !== 3) throw new ImageError(`it has ${channels} channels`);
    return {height, width, pixels: new Uint8Array(data.buffer, data.byteOffset, data.length)};
  });

/** Cyan, magenta, yellow, black (and more channels, which do not count) → red, green, blue, as PIL does it in whole numbers. */
function withoutInk(inks: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array((inks.length / channels) * 3);
  for (let from = 0, to = 0; to < pixels.length; from += channels) {
    const light = 255 - inks[from + 3]!;
    for (let i = 0; i < 3; i++) {
      const product = inks[from + i]! * light + 128;
      pixels[to++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return pixels;
}

export interface DecodedMask extends Mask {
  /** The highest value in it, of 8 bits: some datasets write the kind of a defect so. */
  readonly highest: number;
}

/**
 * Decodes a mask: a pixel is marked where any colour channel is not zero as stored, whether the marks are 1 or 255. Where the colours
 * are the same everywhere and the opacity is not, a pixel is marked that is not wholly transparent. Throws an `ImageError`, also
 * where both vary, for inks, and for formats that lose something: nobody could tell what is meant.
 */
export const decodeMask = (bytes: Uint8Array): Promise<DecodedMask> =>
  decoded(bytes, async (image, {format, space}) => {
    const remedy = 'Save the mask as a PNG.';
    if (space === 'cmyk') throw new ImageError('its colours are inks (CMYK)', remedy);
    if (format === 'jpeg' || format === 'webp')
      throw new ImageError(`it is ${format}, which may leave marks where there were none`, remedy);
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
    if (hasShape && hasOpacity)
      throw new ImageError('both its colours and its transparency vary', 'Save it without transparency.');
    const from = hasOpacity ? [3] : colours;
    const marked = new Uint8Array(height * width);
    let highest = 0;
    for (let i = 0; i < marked.length; i++)
      for (const channel of from) {
        const value = values[i * channels + channel]!;
        if (value === 0) continue;
        marked[i] = 1;
        if (value > highest) highest = value;
      }
    return {height, width, marked, highest: highest >> 8};
  });

/** Opens an image for `read`; whatever is wrong with it is an `ImageError`. */
async function decoded<T>(bytes: Uint8Array, read: (image: Sharp, about: Metadata) => Promise<T>): Promise<T> {
  if (bytes.length === 0) throw new ImageError('it is empty');
  const kind = kindOf(bytes);
  if (kind === undefined) throw new ImageError(`it is not ${imageFormats}`);
  if (kind === 'GIF' || kind === 'HEIC or AVIF')
    throw new ImageError(`it is ${kind}, which is not read`, 'Convert it to PNG or JPEG, or remove it.');
  // libvips accepts a file whose pixels are complete; but a PNG file without its end is incomplete.
  if (kind === 'PNG' && !endsAsPng(bytes)) throw new ImageError('it cannot be decoded as PNG (the file is incomplete)');
  const sharp = await loadSharp();
  try {
    const image =
      kind === 'BMP' ? await bitmap(bytes, sharp) : sharp(bytes, {failOn: 'error', ignoreIcc: true, autoOrient: true});
    const about = await image.metadata();
    refuseUnusual(about);
    return await read(image, about);
  } catch (error) {
    if (error instanceof ImageError || !(error instanceof Error)) throw error;
    const cause = firstLine(error.message);
    throw new ImageError(
      `it cannot be decoded as ${kind} (${/premature end/i.test(cause) ? 'the file is cut off' : cause})`,
    );
  }
}

/** What readers of images do not agree on. */
function refuseUnusual({space, depth, pages = 1}: Metadata): void {
  const remedy = 'Convert it to a PNG of 8 or 16 bits a channel.';
  if (pages > 1) throw new ImageError(`it has ${pages} pages, but one image is needed`, 'Save its pages as files.');
  const isInk = space === 'cmyk' && depth === 'uchar';
  if (!isInk && !['srgb', 'rgb', 'b-w', 'rgb16', 'grey16'].includes(space))
    throw new ImageError(`its colour space is ${space}${space === 'cmyk' ? ' of 16 bits' : ''}`, remedy);
  if (depth !== 'uchar' && depth !== 'ushort') throw new ImageError(`its values are of type ${depth}`, remedy);
}

/** sharp does not read BMP. */
async function bitmap(bytes: Uint8Array, sharp: SharpFactory): Promise<Sharp> {
  const {decode} = await import('@cwasm/nsbmp');
  // Its 5 bits a channel become 8 in another way than elsewhere.
  if (bytes[28] === 16) throw new ImageError('it has 16 bits a pixel', 'Convert it to PNG.');
  const {height, width, data} = decode(bytes);
  const pixels = new Uint8Array(height * width * 3); // the fourth byte of a pixel is seldom its opacity
  for (let i = 0; i < height * width; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return sharp(pixels, {raw: {height, width, channels: 3}});
}

type SharpFactory = typeof import('sharp')['default'];

let loading: Promise<typeof import('sharp')> | undefined;

async function loadSharp(): Promise<SharpFactory> {
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

type Kind = 'JPEG' | 'PNG' | 'WebP' | 'TIFF' | 'BMP' | 'GIF' | 'HEIC or AVIF';

const any = undefined;
/** What files begin with. */
const beginnings: readonly (readonly [Kind, ...(number | undefined)[]])[] = [
  ['JPEG', 0xff, 0xd8, 0xff],
  ['PNG', 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  ['WebP', 0x52, 0x49, 0x46, 0x46, any, any, any, any, 0x57, 0x45, 0x42, 0x50], // RIFF, the length, WEBP
  ['TIFF', 0x49, 0x49, 0x2a, 0x00],
  ['TIFF', 0x4d, 0x4d, 0x00, 0x2a],
  ['BMP', 0x42, 0x4d],
  ['GIF', 0x47, 0x49, 0x46, 0x38],
  ['HEIC or AVIF', any, any, any, any, 0x66, 0x74, 0x79, 0x70], // the length, ftyp
];

const kindOf = (bytes: Uint8Array): Kind | undefined =>
  beginnings.find(([, ...magic]) => magic.every((byte, i) => byte === any || bytes[i] === byte))?.[0];

/** Whether there is an end chunk, with its checksum. */
function endsAsPng(bytes: Uint8Array): boolean {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf('IEND');
  return at >= 0 && at + 8 <= bytes.length;
}

/**
 * How a picture becomes an image of a dataset, as a list of steps: data, so that the page beside an exported model can say the same in
 * another language (`surface/tables/preparation-python.ts`). What decoding does (`codec.ts`) comes before.
 */
import type {ImageShape} from '../contracts/data.ts';
import {ImageError} from './codec.ts';
import {croppedMask, type Mask, resizedMask} from './mask.ts';
import {cropped, type Interpolation, type Picture, resized} from './picture.ts';

export type Step =
  /** Other sizes are refused. */
  | (Size & {readonly step: 'expect-size'; readonly remedy: string})
  /** Cuts off borders: so many pixels of an image of the size `of`, and as large a part of any other, rounded. */
  | {
      readonly step: 'trim';
      readonly of: Size;
      readonly top: number;
      readonly bottom: number;
      readonly left: number;
      readonly right: number;
    }
  /** Stretches. */
  | (Size & {readonly step: 'resize'; readonly interpolation: Interpolation})
  /** The short side becomes `side` pixels; the long one rounds down. */
  | {readonly step: 'resize-short-side'; readonly side: number; readonly interpolation: Interpolation}
  /** A border that is odd is wider below and on the right. */
  | (Size & {readonly step: 'crop-middle'})
  /** Zeros around, the image in the middle. */
  | (Size & {readonly step: 'frame'});

/** The preparation of a dataset that has none of its own. */
export const stretched = ({height, width}: Size): readonly Step[] => [
  {step: 'resize', height, width, interpolation: 'bicubic'},
];

interface Size {
  readonly height: number;
  readonly width: number;
}

/** What can be cut, resized and framed. */
interface Kit<T extends Size> {
  crop(image: T, window: Window): T;
  resize(image: T, size: Size, interpolation: Interpolation): T;
  frame(image: T, size: Size, top: number, left: number): T;
}

interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * A picture as large as `size` says. One that is as large already stays as it is. Throws an `ImageError` for one that the steps
 * refuse.
 */
export const prepared = (picture: Picture, steps: readonly Step[], size: Size): Picture =>
  run(picture, steps, size, pictures);

/** Of a picture, as it is stored: prepared, and grey where `shape` has one channel. */
export function preparedPixels(picture: Picture, steps: readonly Step[], shape: ImageShape): Uint8Array {
  const {pixels} = prepared(picture, steps, shape);
  return shape.channels === 3 ? pixels : greyOf(pixels);
}

/** ITU-R 601, rounded as PIL's `convert('L')` does; grey stays what it is. */
const greyOf = (pixels: Uint8Array): Uint8Array =>
  Uint8Array.from({length: pixels.length / 3}, (_, i) => {
    const [red, green, blue] = [pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!];
    return (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;
  });

/** The mask of a picture, in the same way: by nearest neighbour, without losing a defect (`resizedMask`). */
export const preparedMask = (mask: Mask, steps: readonly Step[], size: Size): Mask => run(mask, steps, size, masks);

function run<T extends Size>(image: T, steps: readonly Step[], size: Size, kit: Kit<T>): T {
  if (sameSize(image, size)) return image;
  const made = steps.reduce((at, step) => apply(at, step, kit), image);
  if (!sameSize(made, size))
    throw new Error(`Internal error: the steps of a preparation do not lead to ${sizeOf(size)}`);
  return made;
}

function apply<T extends Size>(image: T, step: Step, kit: Kit<T>): T {
  const {height, width} = image;
  switch (step.step) {
    case 'expect-size':
      if (sameSize(image, step)) return image;
      throw new ImageError(`it has ${sizeOf(image)} pixels instead of ${sizeOf(step)}`, step.remedy);
    case 'trim': {
      const rows = (pixels: number): number => Math.round((pixels * height) / step.of.height);
      const columns = (pixels: number): number => Math.round((pixels * width) / step.of.width);
      const [top, left] = [rows(step.top), columns(step.left)];
      return kit.crop(image, {
        top,
        left,
        height: height - top - rows(step.bottom),
        width: width - left - columns(step.right),
      });
    }
    case 'resize':
      return kit.resize(image, step, step.interpolation);
    case 'resize-short-side': {
      const {side, interpolation} = step;
      const size =
        height > width
          ? {height: Math.floor((side * height) / width), width: side}
          : {height: side, width: Math.floor((side * width) / height)};
      return kit.resize(image, size, interpolation);
    }
    case 'crop-middle':
      return kit.crop(image, {
        top: Math.floor((height - step.height) / 2),
        left: Math.floor((width - step.width) / 2),
        height: step.height,
        width: step.width,
      });
    case 'frame':
      return kit.frame(image, step, Math.floor((step.height - height) / 2), Math.floor((step.width - width) / 2));
  }
}

const pictures: Kit<Picture> = {
  crop: cropped,
  resize: (picture, {height, width}, interpolation) => resized(picture, height, width, interpolation),
  frame: ({height, width, pixels}, size, top, left) => ({
    height: size.height,
    width: size.width,
    pixels: framed(pixels, {height, width}, 3, size, top, left),
  }),
};

const masks: Kit<Mask> = {
  crop: croppedMask,
  resize: (mask, {height, width}) => resizedMask(mask, height, width),
  frame: ({height, width, marked}, size, top, left) => ({
    height: size.height,
    width: size.width,
    marked: framed(marked, {height, width}, 1, size, top, left),
  }),
};

/** Values of an image, `channels` a pixel, inside zeros. */
function framed(
  values: Uint8Array,
  {height, width}: Size,
  channels: number,
  size: Size,
  top: number,
  left: number,
): Uint8Array {
  const out = new Uint8Array(size.height * size.width * channels);
  const row = width * channels;
  for (let y = 0; y < height; y++)
    out.set(values.subarray(y * row, (y + 1) * row), ((y + top) * size.width + left) * channels);
  return out;
}

const sameSize = (a: Size, b: Size): boolean => a.height === b.height && a.width === b.width;

/** As people say it. */
const sizeOf = ({height, width}: Size): string => `${width} × ${height}`;

/** Lists folders of images, and reads their images as a stream. */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {codeOf} from '../../../core/base/files.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList} from '../../../core/base/text.ts';
import type {ImageShape} from '../../../core/contracts/data.ts';
import type {DatasetProblem, ImageBatch, Region} from '../../../core/contracts/dataset.ts';
import {type DecodedMask, decodeImage, decodeMask, ImageError, imageFormats} from '../../../core/images/codec.ts';
import {type Contents, contentsOf, isReadable, type LeftOut} from '../../../core/images/files.ts';
import type {Mask} from '../../../core/images/mask.ts';
import {preparedMask, preparedPixels, type Step} from '../../../core/images/preparation.ts';
import {DatasetError, together, whatCame} from '../dataset-error.ts';

/** The contents of a folder. Fails if it has a link to nothing or a special file. */
export function soundContents(folder: string): Result<Contents, DatasetProblem> {
  const contents = contentsOf(folder);
  if (contents.broken.length === 0) return succeed(contents);
  const paths = contents.broken.map((name) => join(folder, name));
  if (!contents.broken.every(isReadable))
    return fail({message: `${clippedList(paths, 5)}: expected names in UTF-8`, hint: 'Rename what has another name.'});
  return fail({
    message: `${clippedList(paths, 5)}: expected files and folders, but found a link to nothing or a special file`,
    hint: 'Remove it, or repair the link.',
  });
}

/** Names of the images in a folder, sorted by code unit. Fails if it has folders; other files are added to `left`. */
export function imagesIn(folder: string, left?: LeftOut): Result<readonly string[], DatasetProblem> {
  const contents = soundContents(folder);
  if (!contents.ok) return contents;
  const {folders, images} = contents.value;
  left?.add(contents.value);
  if (folders.length > 0)
    return fail({
      message: `${folder}: expected images, but found folders: ${clippedList(folders, 5)}`,
      hint: 'Move the images out of them, or move the folders elsewhere.',
    });
  return succeed(images);
}

export interface LabelledFile {
  readonly path: string;
  /** Index into the dataset's classes. */
  readonly label: number;
  /** Path of its mask; absent: no pixel is defective. */
  readonly mask?: string;
  /** Paths of the masks of its defects, one each, instead of `mask`. */
  readonly defects?: readonly string[];
}

/** The share in (0, 1] of a defect of `area` pixels, whose mask's highest value is `value`, that is enough to have found it. Throws for an unknown value. */
export type Enough = (path: string, value: number, area: number) => number;

/** Number of images decoded at the same time: enough to keep the cores busy, few enough to limit memory. */
const ahead = 8;
/** Of so many files that cannot be used is told at once. */
const mostTold = 10;
/** Size of a batch's pixels, in bytes. */
const batchBytes = 4 * 1024 * 1024;

/**
 * Decodes the files in the given order. `preparation` brings each image to `shape`. Throws an error that names the files that are
 * not complete images, that the preparation refuses, or whose masks have no marked pixel. `withMasks`: the batches have masks, empty
 * ones for files without a mask. `enough`: the batches have masks and regions, by `defects`.
 */
export async function* readImageFiles(
  files: Iterable<LabelledFile>,
  shape: ImageShape,
  preparation: readonly Step[],
  {withMasks = false, enough}: {readonly withMasks?: boolean; readonly enough?: Enough} = {},
): AsyncGenerator<ImageBatch> {
  const area = shape.height * shape.width;
  const size = area * shape.channels;
  const capacity = Math.max(1, Math.floor(batchBytes / size));
  const running: {readonly label: number; readonly opening: Promise<Opened>}[] = [];
  const open = async ({path, mask, defects}: LabelledFile): Promise<Opened> => {
    const image = await opened(path, `an image (${imageFormats})`, async (bytes) => {
      const picture = await decodeImage(bytes);
      const {height, width} = picture;
      return {height, width, pixels: preparedPixels(picture, preparation, shape)};
    });
    if (enough && defects) return {pixels: image.pixels, ...(await openDefects(defects, image, enough))};
    if (mask === undefined || !withMasks) return {pixels: image.pixels};
    return {pixels: image.pixels, marked: preparedMask(await openMask(mask, image), preparation, shape).marked};
  };
  const start = (file: LabelledFile): void => {
    const opening = open(file);
    // It is awaited later; until then, its failure must not count as unhandled.
    opening.catch(() => {});
    running.push({label: file.label, opening});
  };
  const room = () => ({
    pixels: new Uint8Array(capacity * size),
    classes: new Int32Array(capacity),
    ...((withMasks || enough) && {masks: new Uint8Array(capacity * area)}),
    ...(enough && {regions: [] as (readonly Region[])[]}),
  });
  let batch = room();
  let filled = 0;
  const wrong: DatasetError[] = [];
  const iterator = files[Symbol.iterator]();
  for (let next = iterator.next(); ; next = iterator.next()) {
    if (!next.done) {
      start(next.value);
      if (running.length < ahead) continue;
    }
    const first = running.shift();
    if (!first) break;
    const image = await first.opening.catch((error: unknown) => {
      if (!(error instanceof DatasetError)) throw error;
      wrong.push(error);
    });
    if (wrong.length === mostTold) break;
    // The others are only looked at.
    if (!image || wrong.length > 0) continue;
    const {pixels, marked, regions = []} = image;
    batch.pixels.set(pixels, filled * size);
    if (marked) batch.masks!.set(marked, filled * area);
    batch.regions?.push(regions);
    batch.classes[filled++] = first.label;
    if (filled < capacity) continue;
    yield {shape, count: filled, ...batch};
    batch = room();
    filled = 0;
  }
  if (wrong.length > 0) throw together(wrong, wrong.length === mostTold);
  if (filled > 0)
    yield {
      shape,
      count: filled,
      ...batch,
      pixels: batch.pixels.slice(0, filled * size),
      classes: batch.classes.slice(0, filled),
      ...(batch.masks && {masks: batch.masks.slice(0, filled * area)}),
    };

  /** The masks of an image's defects, and all of them as one. A defect that the preparation cuts off is left out. */
  async function openDefects(paths: readonly string[], image: Size, share: Enough): Promise<Omit<Opened, 'pixels'>> {
    const all = new Uint8Array(area);
    const regions: Region[] = [];
    for (const path of paths) {
      const mask = await openMask(path, image);
      const whole = mask.marked.reduce((sum, one) => sum + one, 0);
      const {marked} = preparedMask(mask, preparation, shape);
      const pixels = Int32Array.from([...marked.keys()].filter((at) => marked[at] === 1));
      for (const at of pixels) all[at] = 1;
      if (pixels.length > 0) regions.push({pixels, enough: share(path, mask.highest, whole)});
    }
    return {marked: all, regions};
  }
}

/** An image, and its mask if it has one, in the dataset's shape. */
interface Opened {
  readonly pixels: Uint8Array;
  readonly marked?: Uint8Array;
  readonly regions?: readonly Region[];
}

type Size = Pick<Mask, 'height' | 'width'>;

/** Reads a mask. Throws a `DatasetError` unless it is as large as its image and has a marked pixel. */
async function openMask(path: string, {height, width}: Size): Promise<DecodedMask> {
  const mask = await opened(path, 'a mask whose marked pixels are not black', decodeMask);
  if (mask.height !== height || mask.width !== width)
    throw new DatasetError(
      path,
      `a mask of ${width} × ${height} pixels as its image`,
      `${mask.width} × ${mask.height}`,
      'Replace it with the mask of this image.',
    );
  if (!mask.marked.includes(1))
    throw new DatasetError(
      path,
      'a mask with marked pixels, as its image has a defect',
      'all of its pixels are zero',
      'Mark the defect, or move the image to the normal ones.',
    );
  return mask;
}

async function opened<T>(path: string, expected: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await decode(await readFile(path));
  } catch (error) {
    const came = error instanceof ImageError ? error.message : codeOf(error) && whatCame(error);
    if (!came) throw error;
    const remedy = error instanceof ImageError ? error.remedy : undefined;
    throw new DatasetError(path, expected, came, remedy ?? 'Replace it with a complete one.');
  }
}

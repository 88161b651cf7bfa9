/** Lists folders of images, and reads their images as a stream. */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {codeOf} from '../../../core/base/files.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList} from '../../../core/base/text.ts';
import type {ImageShape} from '../../../core/contracts/data.ts';
import type {DatasetProblem, ImageBatch} from '../../../core/contracts/dataset.ts';
import {decodeImage, decodeMask, ImageError, imageFormats} from '../../../core/images/codec.ts';
import {type Contents, contentsOf, type LeftOut} from '../../../core/images/files.ts';
import type {Mask} from '../../../core/images/mask.ts';
import {preparedMask, preparedPixels, type Step} from '../../../core/images/preparation.ts';
import {DatasetError, whatCame} from '../dataset-error.ts';

/** The contents of a folder. Fails if it has a link to nothing or a special file. */
export function soundContents(folder: string): Result<Contents, DatasetProblem> {
  const contents = contentsOf(folder);
  if (contents.broken.length === 0) return succeed(contents);
  const paths = contents.broken.map((name) => join(folder, name));
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
}

/** Number of images decoded at the same time: enough to keep the cores busy, few enough to limit memory. */
const ahead = 8;
/** Size of a batch's pixels, in bytes. */
const batchBytes = 4 * 1024 * 1024;

/**
 * Decodes the files in the given order. `preparation` brings each image to `shape`. Throws a `DatasetError` that names the file if it
 * is not a complete image, if the preparation refuses it, or if a mask has no marked pixel. `withMasks`: the batches have masks, empty
 * ones for files without a mask.
 */
export async function* readImageFiles(
  files: Iterable<LabelledFile>,
  shape: ImageShape,
  preparation: readonly Step[],
  {withMasks = false}: {readonly withMasks?: boolean} = {},
): AsyncGenerator<ImageBatch> {
  const area = shape.height * shape.width;
  const size = area * shape.channels;
  const capacity = Math.max(1, Math.floor(batchBytes / size));
  const running: {readonly label: number; readonly opening: Promise<Opened>}[] = [];
  const open = async ({path, mask}: LabelledFile): Promise<Opened> => {
    const image = await opened(path, `an image (${imageFormats})`, async (bytes) => {
      const picture = await decodeImage(bytes);
      const {height, width} = picture;
      return {height, width, pixels: preparedPixels(picture, preparation, shape)};
    });
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
    ...(withMasks && {masks: new Uint8Array(capacity * area)}),
  });
  let batch = room();
  let filled = 0;
  const iterator = files[Symbol.iterator]();
  for (let next = iterator.next(); ; next = iterator.next()) {
    if (!next.done) {
      start(next.value);
      if (running.length < ahead) continue;
    }
    const first = running.shift();
    if (!first) break;
    const {pixels, marked} = await first.opening;
    batch.pixels.set(pixels, filled * size);
    if (marked) batch.masks!.set(marked, filled * area);
    batch.classes[filled++] = first.label;
    if (filled < capacity) continue;
    yield {shape, count: filled, ...batch};
    batch = room();
    filled = 0;
  }
  if (filled > 0)
    yield {
      shape,
      count: filled,
      pixels: batch.pixels.slice(0, filled * size),
      classes: batch.classes.slice(0, filled),
      ...(batch.masks && {masks: batch.masks.slice(0, filled * area)}),
    };
}

/** An image, and its mask if it has one, in the dataset's shape. */
interface Opened {
  readonly pixels: Uint8Array;
  readonly marked?: Uint8Array;
}

/** Reads a mask. Throws a `DatasetError` unless it is as large as its image and has a marked pixel. */
async function openMask(path: string, {height, width}: Pick<Mask, 'height' | 'width'>): Promise<Mask> {
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

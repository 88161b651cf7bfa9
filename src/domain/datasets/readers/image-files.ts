/** Trees of JPEG and PNG files: what lies in them, and their images as a stream. */

import {readdirSync, statSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {extname, join} from 'node:path';
import {codeOf} from '../../../core/base/files.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList} from '../../../core/base/text.ts';
import type {ImageShape} from '../../../core/contracts/data.ts';
import type {DatasetProblem, ImageBatch} from '../../../core/contracts/dataset.ts';
import {croppedMask, type Mask, resizedMask} from '../../../core/images/mask.ts';
import {
  cropped,
  decodeImage,
  decodeMask,
  ImageError,
  type Interpolation,
  type Picture,
  resized,
} from '../../../core/images/picture.ts';
import {DatasetError, whatCame} from '../dataset-error.ts';

/** What file managers leave in folders of images. */
const litter = /^(\..*|Thumbs\.db|desktop\.ini)$/i;

interface Contents {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** Names in a folder, sorted by code unit. Links are followed; a link to nothing is a problem. */
export function contentsOf(folder: string): Result<Contents, DatasetProblem> {
  const folders: string[] = [];
  const files: string[] = [];
  const broken: string[] = [];
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    if (litter.test(entry.name)) continue;
    const kind = entry.isSymbolicLink() ? statSync(join(folder, entry.name), {throwIfNoEntry: false}) : entry;
    if (kind?.isDirectory()) folders.push(entry.name);
    else if (kind?.isFile()) files.push(entry.name);
    else broken.push(join(folder, entry.name));
  }
  if (broken.length > 0)
    return fail({
      message: `${clippedList(broken.sort(), 5)}: expected files and folders, but found a link to nothing or a special file`,
      hint: 'Remove it, or repair the link.',
    });
  return succeed({folders: folders.sort(), files: files.sort()});
}

const isImage = (name: string): boolean => ['.jpg', '.jpeg', '.png'].includes(extname(name).toLowerCase());

/** Names of the images right in a folder, sorted by code unit. Whatever else is there is a problem, told by name. */
export function imagesIn(folder: string): Result<readonly string[], DatasetProblem> {
  const contents = contentsOf(folder);
  if (!contents.ok) return contents;
  const {folders, files} = contents.value;
  const strange = [...folders.map((name) => `${name}/`), ...files.filter((name) => !isImage(name))];
  if (strange.length > 0)
    return fail({
      message: `${folder}: expected .jpg, .jpeg and .png files, but found ${clippedList(strange, 5)}`,
      hint: 'Move it elsewhere, or convert it.',
    });
  return succeed(files);
}

export interface LabelledFile {
  readonly path: string;
  /** Index into the dataset's classes. */
  readonly label: number;
  /** The file of its mask; absent: no pixel is defective. */
  readonly mask?: string;
}

/** Images decoded at a time: enough to keep the cores busy, and what bounds the memory. */
const ahead = 8;
/** Of the batches that are given, in bytes. */
const batchBytes = 4 * 1024 * 1024;

/**
 * Decodes the files in their order. `prepare` makes each of the shape that the dataset says, or throws a `DatasetError`.
 * A file that is no whole image ends it with a `DatasetError` that names it, and so does a mask without a marked pixel.
 * `prepareMask`, for files with masks: the same for a mask.
 */
export async function* readImageFiles(
  files: Iterable<LabelledFile>,
  shape: ImageShape,
  prepare: (picture: Picture, path: string) => Picture,
  prepareMask?: (mask: Mask) => Mask,
): AsyncGenerator<ImageBatch> {
  const area = shape.height * shape.width;
  const size = area * shape.channels;
  const capacity = Math.max(1, Math.floor(batchBytes / size));
  const running: {readonly label: number; readonly opened: Promise<readonly [Picture, Uint8Array | undefined]>}[] = [];
  const start = ({path, label, mask}: LabelledFile): void => {
    const opened = openImage(path).then(
      async (picture) =>
        [prepare(picture, path), mask && prepareMask && (await openMask(mask, picture, prepareMask))] as const,
    );
    // Awaited in turn: until then a failure is no unhandled one.
    opened.catch(() => {});
    running.push({label, opened: opened as Promise<readonly [Picture, Uint8Array | undefined]>});
  };
  const room = () => ({
    pixels: new Uint8Array(capacity * size),
    classes: new Int32Array(capacity),
    ...(prepareMask && {masks: new Uint8Array(capacity * area)}),
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
    const [picture, mask] = await first.opened;
    batch.pixels.set(picture.pixels, filled * size);
    if (mask) batch.masks!.set(mask, filled * area);
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

/** 1 where the mask is marked, of the shape that `prepare` gives. */
async function openMask(path: string, image: Picture, prepare: (mask: Mask) => Mask): Promise<Uint8Array> {
  const mask = await opened(path, decodeMask, 'a mask whose marked pixels are not black');
  if (mask.height !== image.height || mask.width !== image.width)
    throw new DatasetError(
      path,
      `a mask of ${image.width} × ${image.height} pixels as its image`,
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
  return prepare(mask).marked;
}

const openImage = (path: string): Promise<Picture> => opened(path, decodeImage, 'a JPEG or PNG image');

async function opened<T>(path: string, decode: (bytes: Uint8Array) => Promise<T>, expected: string): Promise<T> {
  try {
    return await decode(await readFile(path));
  } catch (error) {
    const came = error instanceof ImageError ? error.message : codeOf(error) && whatCame(error);
    if (!came) throw error;
    throw new DatasetError(path, expected, came, 'Replace it with a complete one.');
  }
}

/** The short side is resized to `side` (the long one rounds down), then the middle is cut out. */
export function coveringSquare(picture: Picture, side: number, interpolation: Interpolation): Picture {
  const {tall, wide, window} = coveringWindow(picture, side);
  return cropped(resized(picture, tall, wide, interpolation), window);
}

export function coveringSquareOfMask(mask: Mask, side: number): Mask {
  const {tall, wide, window} = coveringWindow(mask, side);
  return croppedMask(resizedMask(mask, tall, wide), window);
}

function coveringWindow({height, width}: {readonly height: number; readonly width: number}, side: number) {
  const tall = height > width ? Math.floor((side * height) / width) : side;
  const wide = height > width ? side : Math.floor((side * width) / height);
  const window = {top: Math.floor((tall - side) / 2), left: Math.floor((wide - side) / 2), height: side, width: side};
  return {tall, wide, window};
}

/** Turns picture files from anywhere into the images that a dataset would have made of them. */
import {realpathSync, statSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {codeOf} from '../../core/base/files.ts';
import type {Dataset} from '../../core/contracts/dataset.ts';
import {createImagesWriter} from '../../core/formats/arrow/images.ts';
import {decodeImage, ImageError, imageFormats} from '../../core/images/codec.ts';
import {contentsOf, LeftOut} from '../../core/images/files.ts';
import {preparedPixels, stretched} from '../../core/images/preparation.ts';

/** Number of files decoded at the same time. */
const ahead = 8;

/** A file that was asked for, with its row in the images or the reason why it has none. */
export interface PictureFile {
  readonly path: string;
  /** Row in the images; absent: it can't be used. */
  readonly row?: number;
  /** What is wrong with it, as a clause such as `it is empty`. */
  readonly problem?: string;
}

export interface Listed {
  readonly files: readonly PictureFile[];
  /** A sentence about files in the folders that are not images; undefined: there are none. */
  readonly leftOut?: string;
}

/** The files that are named, and for each folder that is named, all images in and below it, sorted by code unit. */
export function listPictures(paths: readonly string[]): Listed {
  const left = new LeftOut();
  const files = paths.flatMap((path): readonly PictureFile[] => {
    const info = statSync(path, {throwIfNoEntry: false});
    if (!info) return [{path, problem: 'there is no such file'}];
    if (!info.isDirectory()) return [{path}];
    const inside = below(path, [], left).sort((a, b) => (a.path < b.path ? -1 : 1));
    return inside.length > 0 ? inside : [{path, problem: `the folder has no image (${imageFormats})`}];
  });
  const leftOut = left.say();
  return {files, ...(leftOut !== undefined && {leftOut})};
}

/** `above`: real paths of the folders that contain this one. A link to one of them is not followed. */
function below(folder: string, above: readonly string[], left: LeftOut): PictureFile[] {
  try {
    const place = realpathSync(folder);
    if (above.includes(place)) return [];
    const contents = contentsOf(folder);
    left.add(contents);
    return [
      ...contents.images.map((name) => ({path: join(folder, name)})),
      ...contents.broken.map((name) => ({
        path: join(folder, name),
        problem: 'it is a link to nothing, or a special file',
      })),
      ...contents.folders.flatMap((name) => below(join(folder, name), [...above, place], left)),
    ];
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return [{path: folder, problem: `the folder cannot be read (${code})`}];
  }
}

/**
 * Writes the pictures as a table of images in the dataset's shape, all of one class. Pictures that can't be used are left out. Returns
 * all files, each with its row or its problem.
 */
export async function writePictures(
  path: string,
  files: readonly PictureFile[],
  dataset: Dataset,
  className: string,
): Promise<readonly PictureFile[]> {
  const {shape} = dataset;
  const writer = await createImagesWriter(path, {shape, classes: [className]});
  const written: PictureFile[] = [];
  let row = 0;
  try {
    for (let from = 0; from < files.length; from += ahead) {
      const opened = await Promise.all(files.slice(from, from + ahead).map((file) => open(file, dataset)));
      for (const [i, result] of opened.entries()) {
        const file = files[from + i]!;
        if (typeof result === 'string') written.push({path: file.path, problem: result});
        else {
          await writer.write({shape, count: 1, pixels: result, classes: Int32Array.of(0)});
          written.push({path: file.path, row: row++});
        }
      }
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  return written;
}

/** Returns pixels in the dataset's shape, or what is wrong with the file. */
async function open({path, problem}: PictureFile, dataset: Dataset): Promise<Uint8Array | string> {
  if (problem !== undefined) return problem;
  const {shape, preparation = stretched(shape)} = dataset;
  try {
    return preparedPixels(await decodeImage(await readFile(path)), preparation, shape);
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    const code = codeOf(error);
    if (code !== undefined) return `it cannot be read (${code})`;
    throw error;
  }
}

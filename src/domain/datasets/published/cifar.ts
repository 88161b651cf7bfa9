/**
 * Reads the binary version of CIFAR. A record has one or two label bytes, then 32 × 32 pixels as three planes: all red values, all
 * green, all blue.
 */

import {createReadStream} from 'node:fs';
import {count as thousands} from '../../../core/base/text.ts';
import type {ImageBatch, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {DatasetError, whatCame} from '../dataset-error.ts';
import {filesOfArchive} from '../readers/archive.ts';

export interface Cifar {
  readonly archive: string;
  /** Files of each split in the published order, and the number of records in each file. */
  readonly splits: {readonly [split in Split]: {readonly files: readonly string[]; readonly records: number}};
  /** For each label byte of a record, the number of its possible values. The first byte is the class. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
}

const side = 32;
const area = side * side;
/** Number of records read at a time: about 3 MB. */
const batch = 1000;
const remedy = 'Replace it with the published file.';

export const cifarShape = {height: side, width: side, channels: 3} as const;

/** Throws a `DatasetError` unless each file has the published number of records, and the split as many of each class. */
export async function* readCifar(
  {archive, splits, labels, classes}: Cifar,
  files: readonly SourceFile[],
  split: Split,
): AsyncGenerator<ImageBatch> {
  const {files: wanted, records} = splits[split];
  const counts = new Array<number>(classes.length).fill(0);
  let last = '';
  for await (const part of partsOf(files, wanted, archive)) {
    last = part.path;
    const size = labels.length + 3 * area;
    const expected = `${thousands(records)} records of ${size} bytes`;
    const inside = part.archived ? `${part.name} in it to have ${expected}` : expected;
    const broken = (came: string): DatasetError => new DatasetError(part.path, inside, came, remedy);
    let seen = 0;
    for await (const bytes of recordsOf(part.pieces, size, broken)) {
      const images = unpacked(bytes, labels.length);
      seen += images.count;
      if (seen > records) throw broken('it is longer');
      for (let i = 0; i < images.count; i++) {
        for (const [j, values] of labels.entries()) {
          const label = bytes[i * size + j]!;
          if (label >= values)
            throw broken(`record ${seen - images.count + i} has label ${label}, not one of 0 to ${values - 1}`);
        }
        counts[images.classes[i]!]!++;
      }
      yield images;
    }
    if (seen < records) throw broken(`it ends after ${thousands(seen)}`);
  }
  const each = (records * wanted.length) / classes.length;
  const odd = counts.findIndex((many) => many !== each);
  if (odd >= 0)
    throw new DatasetError(
      last,
      `${thousands(each)} images of each class in ${wanted.join(', ')}`,
      `there are ${thousands(counts[odd]!)} of ${classes[odd]}`,
      remedy,
    );
}

interface Part {
  /** Path of the file, or of the archive that contains it. */
  readonly path: string;
  readonly archived: boolean;
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** The wanted files in the given order, from the folder or from the archive. */
async function* partsOf(
  files: readonly SourceFile[],
  wanted: readonly string[],
  archive: string,
): AsyncGenerator<Part> {
  const pathOf = (name: string): string | undefined => files.find((file) => file.name === name)?.path;
  const packed = pathOf(archive);
  if (packed === undefined) {
    for (const name of wanted) {
      const path = pathOf(name);
      if (path === undefined) throw new Error(`Internal error: ${name} is not among the files`);
      yield {path, archived: false, name, pieces: createReadStream(path)};
    }
    return;
  }
  // An archive can only be read forwards. If the next wanted file lies before this place, the archive is read again from its start.
  let left = wanted;
  while (left.length > 0) {
    const before = left.length;
    for await (const entry of filesOfArchive(packed)) {
      if (entry.name !== left[0]) continue;
      yield {path: packed, archived: true, ...entry};
      left = left.slice(1);
      if (left.length === 0) break;
    }
    if (left.length === before) throw new DatasetError(packed, `an archive with ${left[0]}`, 'it has none', remedy);
  }
}

/** Complete records, `batch` at a time; the last piece may have fewer. */
async function* recordsOf(
  pieces: AsyncIterable<Uint8Array>,
  size: number,
  broken: (came: string) => DatasetError,
): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(batch * size);
  let filled = 0;
  try {
    for await (const piece of pieces)
      for (let from = 0; from < piece.length; ) {
        const take = Math.min(piece.length - from, chunk.length - filled);
        chunk.set(piece.subarray(from, from + take), filled);
        from += take;
        filled += take;
        if (filled < chunk.length) continue;
        yield chunk;
        filled = 0;
      }
  } catch (error) {
    const came = whatCame(error);
    if (came === undefined) throw error;
    throw broken(came);
  }
  if (filled % size !== 0) throw broken('it ends in the middle of a record');
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** Makes pixels of the planes of red, green and blue. The first label is the class. */
function unpacked(records: Uint8Array, labels: number): ImageBatch {
  const size = labels + 3 * area;
  const count = records.length / size;
  const pixels = new Uint8Array(count * 3 * area);
  const classes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    classes[i] = records[i * size]!;
    for (let channel = 0; channel < 3; channel++) {
      const from = i * size + labels + channel * area;
      const to = i * 3 * area + channel;
      for (let at = 0; at < area; at++) pixels[to + 3 * at] = records[from + at]!;
    }
  }
  return {shape: cifarShape, count, pixels, classes};
}

/** Reads IDX, the format of MNIST and its relatives: a magic number, sizes as big-endian 32-bit integers, then the bytes. */

import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {createGunzip} from 'node:zlib';
import {DatasetError, whatCame} from '../dataset-error.ts';

export interface IdxContent {
  /** The number of items first, such as [60000, 28, 28]. */
  readonly shape: readonly number[];
  /** Digest of the unpacked file, so that it does not depend on how the file was packed. */
  readonly sha256: string;
}

/**
 * The items of a gzipped IDX file of unsigned bytes, `items` at a time (fewer at the end). Throws a `DatasetError` unless the file
 * has exactly the expected content. If only the content is wrong and the sizes are right, it throws after the last item.
 */
export async function* readIdx(path: string, expected: IdxContent, items: number): AsyncGenerator<Uint8Array> {
  const {shape} = expected;
  const wanted = `${shape.join(' × ')} bytes`;
  const broken = (came: string): DatasetError =>
    new DatasetError(path, wanted, came, 'Replace it with the published file.');
  const itemSize = shape.slice(1).reduce((product, size) => product * size, 1);
  const header = Buffer.alloc(4 + 4 * shape.length);
  const total = header.length + shape[0]! * itemSize;
  const hash = createHash('sha256');
  let at = 0; // bytes of the unpacked file that were read
  let chunk = new Uint8Array(Math.min(items, shape[0]!) * itemSize);
  let filled = 0;
  for await (const piece of unpacked(path, broken)) {
    hash.update(piece);
    let from = 0;
    if (at < header.length) {
      from = piece.copy(header, at);
      at += from;
      if (at < header.length) continue;
      checkHeader(header, shape, broken);
    }
    if (at + piece.length - from > total) throw broken('it is longer');
    while (from < piece.length) {
      const take = Math.min(piece.length - from, chunk.length - filled);
      chunk.set(piece.subarray(from, from + take), filled);
      from += take;
      filled += take;
      at += take;
      if (filled === chunk.length) {
        yield chunk;
        chunk = new Uint8Array(Math.min(chunk.length, total - at));
        filled = 0;
      }
    }
  }
  if (at < total)
    throw broken(`it ends after ${Math.max(0, Math.floor((at - header.length) / itemSize))} of ${shape[0]}`);
  const digest = hash.digest('hex');
  if (digest !== expected.sha256)
    throw new DatasetError(
      path,
      `unpacked content with SHA-256 ${expected.sha256}`,
      `it is ${digest}: another dataset, or an edited one`,
      'Replace it with the published file.',
    );
}

/**
 * All pictures of a gzipped IDX file, (side, side) each; there is no expected digest. Throws a `DatasetError` if the file is not of this
 * kind, or has no pictures.
 */
export async function readPictures(path: string, side: number): Promise<readonly Uint8Array[]> {
  const broken = (came: string): DatasetError =>
    new DatasetError(path, `images of ${side} × ${side} bytes`, came, 'Replace it with the published file.');
  const pieces: Buffer[] = [];
  for await (const piece of unpacked(path, broken)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const header = bytes.subarray(0, 16);
  if (header.length < 16) throw broken('it ends within its header');
  const count = header.readUInt32BE(4);
  checkHeader(header, [count, side, side], broken);
  const area = side * side;
  if (count === 0) throw broken('there are none');
  if (bytes.length !== header.length + count * area) throw broken(`${bytes.length} bytes in all`);
  return Array.from({length: count}, (_, i) =>
    bytes.subarray(header.length + i * area, header.length + (i + 1) * area),
  );
}

/** The unpacked bytes of a gzip file, piece by piece. */
async function* unpacked(path: string, broken: (came: string) => DatasetError): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  const gunzip = createGunzip();
  file.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const piece of file.pipe(gunzip)) yield piece as Buffer;
  } catch (error) {
    const came = whatCame(error);
    if (came === undefined) throw error;
    throw broken(came);
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

function checkHeader(header: Buffer, shape: readonly number[], broken: (came: string) => DatasetError): void {
  const magic = header.readUInt32BE(0);
  if (magic >>> 8 !== 8)
    throw broken(`it is not an IDX file of bytes (it begins with 0x${header.toString('hex', 0, 4)})`);
  if ((magic & 255) !== shape.length)
    throw broken(`it has ${magic & 255} dimension${(magic & 255) === 1 ? '' : 's'} instead of ${shape.length}`);
  const sizes = shape.map((_, i) => header.readUInt32BE(4 + 4 * i));
  if (sizes.some((size, i) => size !== shape[i])) throw broken(`it says that it has ${sizes.join(' × ')}`);
}

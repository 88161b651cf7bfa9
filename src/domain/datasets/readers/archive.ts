/** Streams the files of a `.tar.gz` in the order in which the archive has them. */

import {createReadStream} from 'node:fs';
import {basename} from 'node:path';
import {createGunzip} from 'node:zlib';
import {DatasetError, whatCame} from '../dataset-error.ts';

interface Entry {
  /** Name of the file without folders. */
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** A caller need not read an entry to its end. Throws a `DatasetError` if the archive is incomplete or not an archive. */
export async function* filesOfArchive(path: string): AsyncGenerator<Entry> {
  const {extract} = await import('tar-stream');
  const file = createReadStream(path);
  const gunzip = createGunzip();
  const entries = extract();
  file.on('error', (error) => gunzip.destroy(error));
  gunzip.on('error', (error) => entries.destroy(error));
  file.pipe(gunzip).pipe(entries);
  /** Turns errors of any of the three streams into errors about the archive. */
  async function* told<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const came = whatCame(error) ?? `it cannot be unpacked (${error.message})`;
      throw new DatasetError(path, 'an archive (.tar.gz)', came, 'Replace it with the published file.');
    }
  }
  try {
    for await (const entry of told(entries)) {
      if (entry.header.type === 'file')
        yield {name: basename(entry.header.name), pieces: told(entry as AsyncIterable<Uint8Array>)};
      entry.resume();
    }
  } finally {
    file.destroy();
    gunzip.destroy();
    entries.destroy();
  }
}

/** Files inside a `.tar.gz`, streamed in the order in which they lie there. */

import {createReadStream} from 'node:fs';
import {basename} from 'node:path';
import {createGunzip} from 'node:zlib';
import {DatasetError, whatCame} from '../dataset-error.ts';

interface Entry {
  /** Its name without folders. */
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** What is not read of an entry is passed over. Throws a `DatasetError` for an archive that is cut short or none at all. */
export async function* filesOfArchive(path: string): AsyncGenerator<Entry> {
  const {extract} = await import('tar-stream');
  const file = createReadStream(path);
  const gunzip = createGunzip();
  const entries = extract();
  file.on('error', (error) => gunzip.destroy(error));
  gunzip.on('error', (error) => entries.destroy(error));
  file.pipe(gunzip).pipe(entries);
  /** Errors of any of the three streams, told as the archive's. */
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

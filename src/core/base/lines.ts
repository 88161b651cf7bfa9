/** Files of lines that may be larger than a text can be: read in pieces, a line at a time. */
import {closeSync, readSync} from 'node:fs';
import {openToRead} from './files.ts';

/** Bytes of one piece. */
export const piece = 4 * 1024 * 1024;
/** Bytes of the longest line that is given; longer ones are passed over. */
const longest = 64 * 1024 * 1024;

/** Gives whole lines, without their ends and without empty ones; what comes after the last end is kept for the next piece. */
export class LineSplitter {
  #rest: Buffer[] = [];
  #restBytes = 0;
  #tooLong = false;

  *push(bytes: Buffer): Iterable<Buffer> {
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      const line =
        this.#rest.length > 0 ? Buffer.concat([...this.#rest, bytes.subarray(from, end)]) : bytes.subarray(from, end);
      if (!this.#tooLong && line.length > 0) yield line;
      this.#forget();
      from = end + 1;
    }
    this.#keep(bytes.subarray(from));
  }

  /** What has no end yet. */
  get rest(): Buffer {
    return Buffer.concat(this.#rest);
  }

  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > longest) {
      this.#rest = [];
      this.#tooLong = true;
    } else if (bytes.length > 0) this.#rest.push(Buffer.from(bytes));
  }

  #forget(): void {
    this.#rest = [];
    this.#restBytes = 0;
    this.#tooLong = false;
  }
}

/** The lines of a file; `torn`: the last one, where it has no end. Throws as `openToRead` does. */
export function* readLines(path: string): Iterable<{readonly line: Buffer; readonly torn: boolean}> {
  const file = openToRead(path);
  try {
    const splitter = new LineSplitter();
    const buffer = Buffer.allocUnsafe(piece);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      for (const line of splitter.push(buffer.subarray(0, read))) yield {line, torn: false};
    if (splitter.rest.length > 0) yield {line: splitter.rest, torn: true};
  } finally {
    closeSync(file);
  }
}

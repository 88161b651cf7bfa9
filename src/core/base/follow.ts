/** A file that another process goes on writing, line by line. */
import {closeSync, fstatSync, readSync} from 'node:fs';
import {setTimeout as wait} from 'node:timers/promises';
import {codeOf, openToRead} from './files.ts';
import {LineSplitter, piece} from './lines.ts';

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Milliseconds between two looks. Looking is certain where notification is not: on network file systems. */
  readonly every: number;
}

/**
 * At every look the whole lines that are new, none if there are none; at the first all that are there. The file may come
 * later. A last line without its end is not given before that comes. Ends when aborted.
 */
export async function* follow(file: string, {signal, every}: FollowOptions): AsyncGenerator<readonly string[], void> {
  const look = looker(file);
  while (!signal.aborted) {
    const {lines, more} = await look();
    yield lines;
    if (!more) await wait(every, undefined, {signal}).catch(() => {});
  }
}

/** The whole lines that are there now, some at a time. */
export async function* linesOf(file: string): AsyncGenerator<string, void> {
  yield* newLines(looker(file));
}

type Look = () => Promise<{readonly lines: readonly string[]; readonly more: boolean}>;

/** All lines that have come since the last look. */
export async function* newLines(look: Look): AsyncGenerator<string, void> {
  for (let more = true; more; ) {
    const looked = await look();
    yield* looked.lines;
    more = looked.more;
  }
}

/** Each call gives the lines of the next piece; `more`: there may be another piece at once. */
export function looker(file: string): Look {
  let offset = 0;
  const splitter = new LineSplitter();
  return async () => {
    const bytes = readFrom(file, offset);
    offset += bytes.length;
    return {lines: [...splitter.push(bytes)].map(String), more: bytes.length === piece};
  };
}

function readFrom(path: string, offset: number): Buffer {
  try {
    const file = openToRead(path);
    try {
      const buffer = Buffer.alloc(Math.min(piece, Math.max(0, fstatSync(file).size - offset)));
      return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENXIO', 'ESTALE'].includes(codeOf(error) ?? '')) return Buffer.alloc(0);
    throw error;
  }
}

/** A file that another process goes on writing, line by line. */
import {open} from 'node:fs/promises';
import {setTimeout as wait} from 'node:timers/promises';
import {codeOf} from '../../core/base/files.ts';

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
  let offset = 0;
  let begun: Buffer = Buffer.alloc(0);
  while (!signal.aborted) {
    const bytes = await readFrom(file, offset);
    offset += bytes.length;
    begun = Buffer.concat([begun, bytes]);
    const end = begun.lastIndexOf(10);
    const whole = begun.subarray(0, end + 1).toString('utf8');
    begun = begun.subarray(end + 1);
    yield whole.split('\n').filter((line) => line !== '');
    await wait(every, undefined, {signal}).catch(() => {});
  }
}

/** The whole lines that are there now. */
export async function linesOf(file: string): Promise<readonly string[]> {
  const first = await follow(file, {signal: new AbortController().signal, every: 0}).next();
  return first.value ?? [];
}

async function readFrom(file: string, offset: number): Promise<Buffer> {
  try {
    const handle = await open(file);
    try {
      const {size} = await handle.stat();
      const buffer = Buffer.alloc(Math.max(0, size - offset));
      const {bytesRead} = await handle.read(buffer, 0, buffer.length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

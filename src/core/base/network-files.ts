/**
 * What a network file system says wrongly for a moment, and how to ask again: the one place that knows of it. A name whose file was
 * replaced on the server may answer ESTALE; a folder's entries may be as they were half a minute ago.
 */
import {readdirSync} from 'node:fs';
import {codeOf} from './files.ts';

/** Milliseconds before each new attempt: a name that is looked up anew is right at once, but for a server that is starting again. */
const waits = [0, 5, 50, 200] as const;

/** Does it, and again as long as the answer is ESTALE. */
export function insistently<T>(work: () => T): T {
  for (const wait of waits) {
    try {
      return work();
    } catch (error) {
      if (codeOf(error) !== 'ESTALE') throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait);
  }
  return work();
}

/**
 * The names in a folder as the server has them now: opening a folder makes a client ask, while a look at a name that was not there some
 * seconds ago may be answered from memory. None where there is no folder.
 */
export function namesNow(folder: string): readonly string[] {
  try {
    return insistently(() => readdirSync(folder));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

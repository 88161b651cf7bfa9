/** Faults to inject into what promises to survive them. */
import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync, readSync, writeSync} from 'node:fs';
import {compiledUrl} from '../../src/core/base/compiled.ts';
import {watchWrites} from './disk.js';

/** Flips the lowest bit of one byte in place. */
export function flipByte(path: string, at: number): void {
  const file = openSync(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= 1;
    writeSync(file, byte, 0, 1, at);
  } finally {
    closeSync(file);
  }
}

/** While `work` runs, every write from the n-th on (from 0) fails with this code. */
export async function withFailingDisk<T>(n: number, code: string, work: () => Promise<T>): Promise<T> {
  const restore = watchWrites((write) => {
    if (write >= n) throw Object.assign(new Error(`${code}: a test's disk`), {code});
  });
  try {
    return await work();
  } finally {
    restore();
  }
}

/** Starts Node on a module given as text; `NAME` in `imports` becomes an import of that compiled source file. */
export function startScript(script: string, imports: {readonly [name: string]: string}): ChildProcess {
  const head = Object.entries(imports).map(
    ([names, source]) => `import {${names}} from ${JSON.stringify(urlOf(source))};`,
  );
  return spawn(process.execPath, ['--input-type=module', '-e', [...head, script].join('\n')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

// Node 20 runs no TypeScript: sources are taken from dist, which is fresh (`build.ts`).
const urlOf = (source: string): string => compiledUrl(new URL(`../../${source}`, import.meta.url).href).href;

/** Everything that a script printed, and how it ended: its status, or the signal's name. */
export async function ended(child: ChildProcess): Promise<{readonly output: string; readonly end: number | string}> {
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
  return {output, end: status ?? signal ?? -1};
}

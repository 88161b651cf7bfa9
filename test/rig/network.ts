/** What a network file system does to who uses it. */
import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';

// biome-ignore lint/suspicious/noExplicitAny: any of fs
type Call = (real: (...args: any[]) => any, ...args: any[]) => unknown;

/** While `work` runs, these functions of `node:fs` are called through others, which get the real one first. */
export async function withFs<T>(calls: {readonly [name: string]: Call}, work: () => T | Promise<T>): Promise<T> {
  const all = fs as unknown as {[name: string]: (...args: unknown[]) => unknown};
  const originals = Object.keys(calls).map((name) => [name, all[name]!] as const);
  for (const [name, real] of originals) all[name] = (...args) => calls[name]!(real, ...args);
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    for (const [name, real] of originals) all[name] = real;
    syncBuiltinESMExports();
  }
}

/** An error of the operating system. */
export const systemError = (code: string): Error => Object.assign(new Error(code), {code});

/**
 * A disk that does something else at its n-th write: for tests (`faults.ts`) and, in plain JavaScript, for the child
 * processes that they start. Counts every call that changes the disk but for removals, which a full disk allows.
 */
import fs from 'node:fs';
import fsp, {open} from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';

const handle = await open('/dev/null');
const handles = Object.getPrototypeOf(handle);
await handle.close();

const writes = (/** @type {unknown[]} */ [, flags]) => typeof flags === 'string' && /[wa+]/.test(flags);

/** @type {readonly [object: any, name: string, counts?: (args: unknown[]) => boolean][]} */
const watched = [
  [fs, 'openSync', writes],
  [fs, 'writeSync'],
  [fs, 'writeFileSync'],
  [fs, 'mkdirSync'],
  [fs, 'linkSync'],
  [fs, 'renameSync'],
  [fsp, 'rename'],
  [fsp, 'mkdir'],
  [fsp, 'open', writes],
  [handles, 'write'],
  [handles, 'writeFile'],
  [handles, 'sync'],
];

/**
 * @param {(write: number, name: string) => void} beforeWrite called with 0, 1, 2 … and the function's name before each write; when it
 * throws, the write fails.
 * @returns {() => void} puts everything back
 */
export function watchWrites(beforeWrite) {
  let count = 0;
  const originals = watched.map(([object, name, counts = () => true]) => {
    const original = object[name];
    object[name] = function (/** @type {unknown[]} */ ...args) {
      if (!counts(args)) return original.apply(this, args);
      if (object === fs) {
        beforeWrite(count++, name);
        return original.apply(this, args);
      }
      return (async () => {
        beforeWrite(count++, name);
        return await original.apply(this, args);
      })();
    };
    return () => {
      object[name] = original;
    };
  });
  syncBuiltinESMExports();
  return () => {
    for (const restore of originals) restore();
    syncBuiltinESMExports();
  };
}

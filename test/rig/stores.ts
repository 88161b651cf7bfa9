/** Stores for tests: folders, their faults, and entries to put into them. */
import {mkdtempSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {sha256} from '../../src/core/base/canonical.ts';
import {type Cache, type Entry, openCache} from '../../src/pipeline/store/cache/cache.ts';
import {openFolder} from '../../src/pipeline/store/remote/folder.ts';
import {type ObjectStore, StoreError} from '../../src/pipeline/store/remote/objects.ts';
import {holder} from './holder.ts';

export const freshFolder = (): string => mkdtempSync(join(tmpdir(), 'store-'));

/** A store in a folder, and the folder. */
export function freshStore(): {readonly objects: ObjectStore; readonly folder: string} {
  const folder = freshFolder();
  return {objects: openFolder(folder), folder};
}

/** A cache that must have nothing to complain of. */
export const freshCache = (root = freshFolder()): Cache =>
  openCache(root, {
    warn(message) {
      throw new Error(message);
    },
  });

export async function commitEntry(
  cache: Cache,
  name: string,
  files: {readonly [file: string]: string} = {out: name},
  provenance: {readonly [key: string]: string} = {run: 'a-run', host: 'a-host'},
): Promise<Entry> {
  const fingerprint = sha256(name);
  const draft = await cache.begin(fingerprint, holder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(draft.folder, file), text);
  return draft.commit({kind: 'score', label: `score ${name}`, fingerprint, key: {name}, summary: null, provenance});
}

/** The same store; before each operation the test is asked, and may throw or never answer. */
export function disturbed(objects: ObjectStore, before: (operation: string, key: string) => unknown): ObjectStore {
  const changed = Object.entries(objects).map(([name, work]: [string, (...args: unknown[]) => unknown]) => {
    if (name === 'close') return [name, work];
    if (name === 'list')
      return [
        name,
        async function* (prefix: string) {
          await before(name, prefix);
          yield* objects.list(prefix);
        },
      ];
    return [
      name,
      async (...args: unknown[]) => {
        await before(name, String(args[0]));
        return work(...args);
      },
    ];
  });
  return Object.fromEntries(changed) as ObjectStore;
}

export const unreachable = (): never => {
  throw new StoreError('unreachable', 'the test’s store does not answer');
};

/** A question that is never answered. */
export const silence = (): Promise<never> => new Promise(() => undefined);

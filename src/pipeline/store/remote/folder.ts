/** A store in a plain folder, such as a team's shared mount. By links and renames alone, as NFS has no locks that hold. */

import {randomBytes} from 'node:crypto';
import {createReadStream, createWriteStream, readdirSync} from 'node:fs';
import {link, mkdir, open, rename, rm, stat, unlink, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {codeOf, readRange, syncToDisk, writeFileAtomic} from '../../../core/base/files.ts';
import {systemProblem} from '../../../core/base/system-error.ts';
import {type Listed, type ObjectStore, StoreError} from './objects.ts';

/** Drafts lie beside the objects: a rename stays in one file system. */
const drafts = '.drafts';

export function openFolder(root: string): ObjectStore {
  const at = (key: string): string => join(root, ...key.split('/'));

  async function orStoreError<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const problem = systemProblem(error);
      const kind = ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '') ? 'refused' : 'unreachable';
      throw new StoreError(kind, problem?.message ?? (error as Error).message, problem?.hint);
    }
  }

  /** Undefined where there is none. */
  async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** The folder itself is the user's: one that is missing is a mount that is not there, and is not made. */
  async function draft(): Promise<string> {
    await stat(root);
    await mkdir(join(root, drafts), {recursive: true});
    return join(root, drafts, randomBytes(8).toString('hex'));
  }

  async function put(
    key: string,
    fill: (path: string) => Promise<unknown>,
    last: (from: string, to: string) => Promise<void>,
  ) {
    const path = await draft();
    try {
      await fill(path);
      await syncToDisk(path);
      await mkdir(dirname(at(key)), {recursive: true});
      await last(path, at(key));
    } finally {
      await rm(path, {force: true});
    }
  }

  return {
    read: (key, range) =>
      orStoreError(() =>
        ifThere(async () => {
          const file = await open(at(key));
          try {
            return range ? await readRange(file, range.from, range.bytes) : await file.readFile();
          } finally {
            await file.close();
          }
        }),
      ),

    size: (key) => orStoreError(async () => (await ifThere(() => stat(at(key))))?.size),

    write: (key, body) =>
      orStoreError(async () => {
        await stat(root);
        await writeFileAtomic(at(key), body);
      }),

    create: (key, body) =>
      orStoreError(async () => {
        try {
          await put(key, (path) => writeFile(path, body), link);
          return true;
        } catch (error) {
          if (codeOf(error) === 'EEXIST') return false;
          throw error;
        }
      }),

    upload: (key, path, _bytes, onBytes) =>
      orStoreError(() =>
        put(
          key,
          (to) => {
            const from = createReadStream(path);
            if (onBytes) from.on('data', (chunk) => onBytes(chunk.length));
            return pipeline(from, createWriteStream(to));
          },
          rename,
        ),
      ),

    async *list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      yield* await orStoreError(async () => {
        await stat(root);
        const found: Listed[] = [];
        const visit = async (below: string): Promise<void> => {
          const entries = (await ifThere(async () => readdirSync(at(below), {withFileTypes: true}))) ?? [];
          for (const entry of entries) {
            const key = `${below}${entry.name}`;
            if (entry.isDirectory()) await visit(`${key}/`);
            // A draft of `writeFileAtomic` has a name that begins with a point.
            else if (key.startsWith(prefix) && !entry.name.startsWith('.')) {
              const {size, mtimeMs, ino} = (await ifThere(() => stat(at(key)))) ?? {};
              if (size !== undefined) found.push({key, bytes: size, tag: `${ino} ${mtimeMs}`, written: mtimeMs!});
            }
          }
        };
        await visit(folder);
        return found.sort((a, b) => (a.key < b.key ? -1 : 1));
      });
    },

    remove: (key) =>
      orStoreError(async () => {
        await ifThere(() => unlink(at(key)));
      }),

    sweep: (before) =>
      orStoreError(async () => {
        for (const name of (await ifThere(async () => readdirSync(join(root, drafts)))) ?? []) {
          const found = await ifThere(() => stat(join(root, drafts, name)));
          if (found && found.mtimeMs < before) await rm(join(root, drafts, name), {force: true});
        }
      }),

    close() {},
  };
}

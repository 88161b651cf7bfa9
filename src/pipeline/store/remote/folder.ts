/** A store in a plain folder, such as a team's shared mount. By links and renames alone, as NFS has no locks that hold. */

import {randomBytes} from 'node:crypto';
import {createReadStream, createWriteStream, readdirSync, type Stats} from 'node:fs';
import {link, lstat, mkdir, open, rename, rm, stat, unlink, writeFile} from 'node:fs/promises';
import {dirname, join, relative, sep} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {clearForFolder, codeOf, moveAway, readRange, syncToDisk} from '../../../core/base/files.ts';
import {systemProblem} from '../../../core/base/system-error.ts';
import {DamagedCopy, type Listed, type ObjectStore, StoreError} from './objects.ts';

/** Drafts lie beside the objects: a rename stays in one file system. */
const drafts = '.drafts';

/** Of a key. A folder that lies as deep is in the place of an object. */
const mostParts = 3;

export function openFolder(root: string): ObjectStore {
  const at = (key: string): string => join(root, ...key.split('/'));

  /** `path`: for errors that name none. */
  async function orStoreError<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StoreError || error instanceof DamagedCopy) throw error;
      throw toStoreError(error, path);
    }
  }

  /** The folder itself is the user's: one that is missing is a mount that is not there, and is not made. */
  async function checkRoot(): Promise<void> {
    if (!(await stat(root)).isDirectory())
      throw new StoreError('refused', `${root} is not a folder`, 'Name the folder of the store.');
  }

  /** What lies where a folder is wanted is moved aside: it must not stop the whole store. */
  async function makeFolder(path: string): Promise<void> {
    try {
      await mkdir(path, {recursive: true});
    } catch (error) {
      const names = relative(root, path).split(sep);
      const moved = names.map((_, i) => clearForFolder(join(root, ...names.slice(0, i + 1))));
      if (moved.every((to) => to === undefined)) throw error;
      await mkdir(path, {recursive: true});
    }
  }

  async function put(
    key: string,
    fill: (path: string) => Promise<unknown>,
    last: (from: string, to: string) => Promise<void>,
  ) {
    await checkRoot();
    await makeFolder(join(root, drafts));
    const path = join(root, drafts, randomBytes(8).toString('hex'));
    try {
      await fill(path);
      await syncToDisk(path);
      await makeFolder(dirname(at(key)));
      await last(path, at(key));
    } finally {
      await rm(path, {force: true});
    }
  }

  return {
    read: (key, range) =>
      orStoreError(at(key), async () => {
        const found = await lookAt(at(key));
        if (!found) return undefined;
        if (found.damage !== undefined) throw new DamagedCopy(`${found.damage} (${at(key)})`);
        return ifThere(async () => {
          const file = await open(at(key));
          try {
            return range ? await readRange(file, range.from, range.bytes) : await file.readFile();
          } finally {
            await file.close();
          }
        });
      }),

    size: (key) =>
      orStoreError(at(key), async () => {
        const found = await lookAt(at(key));
        return found?.damage === undefined ? found?.stats.size : undefined;
      }),

    write: (key, body) => orStoreError(at(key), () => put(key, (path) => writeFile(path, body), replace)),

    create: (key, body) =>
      orStoreError(at(key), async () => {
        try {
          await put(key, (path) => writeFile(path, body), link);
          return true;
        } catch (error) {
          if (codeOf(error) === 'EEXIST') return false;
          throw error;
        }
      }),

    upload: (key, path, _bytes, onBytes) =>
      orStoreError(at(key), () =>
        put(
          key,
          (to) => {
            const from = createReadStream(path);
            if (onBytes) from.on('data', (chunk) => onBytes(chunk.length));
            return pipeline(from, createWriteStream(to));
          },
          replace,
        ),
      ),

    async *list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      yield* await orStoreError(at(folder), async () => {
        await checkRoot();
        const listed: Listed[] = [];
        const visit = async (below: string): Promise<void> => {
          for (const name of (await ifThere(async () => readdirSync(at(below)))) ?? []) {
            const key = `${below}${name}`;
            // Hidden files are not objects: servers of NFS leave some.
            const found = name.startsWith('.') ? undefined : await lookAt(at(key));
            if (!found) continue;
            const {stats, damage} = found;
            if (stats.isDirectory() && key.split('/').length < mostParts) await visit(`${key}/`);
            else if (key.startsWith(prefix))
              listed.push({
                key,
                bytes: damage === undefined ? stats.size : 0,
                tag: `${stats.ino} ${stats.mtimeMs}`,
                written: stats.mtimeMs,
                ...(damage !== undefined && {damage}),
              });
          }
        };
        await visit(folder);
        return listed.sort((a, b) => (a.key < b.key ? -1 : 1));
      });
    },

    remove: (key) =>
      orStoreError(at(key), async () => {
        if ((await ifThere(() => lstat(at(key))))?.isDirectory()) return moveAway(at(key), 'moved');
        await ifThere(() => unlink(at(key)));
        return undefined;
      }),

    sweep: (before) =>
      orStoreError(join(root, drafts), async () => {
        for (const name of (await ifThere(async () => readdirSync(join(root, drafts)))) ?? []) {
          const stats = await ifThere(() => lstat(join(root, drafts, name)));
          if (stats?.isFile() && stats.mtimeMs < before) await rm(join(root, drafts, name), {force: true});
        }
      }),

    close() {},
  };
}

/** Undefined where there is none. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** What lies in an object's place, without opening it, as an open may wait for ever; undefined: nothing. */
async function lookAt(path: string): Promise<{readonly stats: Stats; readonly damage?: string} | undefined> {
  const own = await ifThere(() => lstat(path));
  if (!own) return undefined;
  const stats = own.isSymbolicLink() ? await ifThere(() => stat(path)) : own;
  if (!stats) return {stats: own, damage: 'is a link to nothing'};
  if (stats.isFile()) return {stats};
  const kind = stats.isDirectory() ? 'a folder' : 'a named pipe, a device or a socket';
  return {stats, damage: `is ${kind}, not a file`};
}

/** A rename that replaces whatever lies there; a folder may be somebody's work, and is moved aside. */
async function replace(from: string, to: string): Promise<void> {
  if ((await ifThere(() => lstat(to)))?.isDirectory()) moveAway(to, 'moved');
  await rename(from, to);
}

function toStoreError(error: unknown, path: string): StoreError {
  const code = codeOf(error) ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError(
      'unreachable',
      code === 'ENOSPC' ? 'its disk is full' : 'the quota of its disk is used up',
      'Free some space there; "pipeline store prune" removes old runs and results from the store.',
    );
  const named = error instanceof Error && 'path' in error ? error : Object.assign(error as Error, {path});
  const problem = systemProblem(named);
  const kind = ['EACCES', 'EPERM', 'EROFS'].includes(code) ? 'refused' : 'unreachable';
  return new StoreError(kind, problem?.message ?? (error as Error).message, problem?.hint);
}

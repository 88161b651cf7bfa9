/** A folder that a process fills, and that one rename turns into an entry of the cache. */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {lstat, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {codeOf, digestOfFile, type FileDigest, syncToDisk, walk} from '../../../core/base/files.ts';
import {type Lock, sweepLocks, tryLock} from '../../../core/base/lock.ts';
import {invariant} from '../../../core/base/result.ts';
import type {Manifest} from '../../stages/stage.ts';
import {manifestName, sealManifest} from './entry.ts';

/** What the maker of an entry knows about it; the commit adds files and digests. */
type Parts = Omit<Manifest, 'format' | 'files' | 'self'>;

export interface Entry {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Whether it was just fetched from a shared store. */
  readonly fetched?: true;
}

export interface Draft {
  /** Empty folder: every file left here becomes part of the entry. */
  readonly folder: string;
  /**
   * Makes the entry and returns it. If another process was first, it returns that entry and drops this draft. Throws if the disk is full
   * or not writable, and throws `LeaseLost` if another process now has the right to publish: then nothing is left of the draft.
   */
  commit(parts: Parts): Promise<Entry>;
  /** False after other processes have taken its maker for dead and swept it. */
  isThere(): boolean;
  /** Drops it; does nothing after a commit. */
  discard(): Promise<void>;
}

/** Other processes took this one for dead, so it may not publish what it has computed. */
export class LeaseLost extends Error {}

export interface DraftOptions {
  /** Called if the target exists. Returns the sound entry, or sets a damaged one aside and returns undefined. */
  existing(): Promise<Entry | undefined>;
  /** Called right before the entry is made. After its answer the rename protects the entry: it never replaces one. */
  mayPublish(): boolean;
}

/** A draft in `tmp` that `commit` moves to `target`. */
export function openDraft(tmp: string, target: string, options: DraftOptions): Draft {
  const folder = join(tmp, randomBytes(8).toString('hex'));
  // The lock tells other processes that the folder's owner is alive. It is made before the folder and removed after it, so a folder
  // without a lock is always litter.
  const lock = reserve(folder);
  const discard = async (): Promise<void> => {
    await rm(folder, {recursive: true, force: true});
    lock.release();
  };
  return {
    folder,
    isThere: () => existsSync(folder),
    discard,
    async commit(parts) {
      try {
        return await commit(folder, target, parts, options);
      } catch (error) {
        if (codeOf(error) === 'ENOENT' && !existsSync(folder)) throw new LeaseLost(`${folder} was swept`);
        throw toDiskError(error, dirname(tmp));
      } finally {
        await discard();
      }
    },
  };
}

function reserve(folder: string): Lock {
  let lock: Lock | undefined;
  try {
    lock = tryLock(`${folder}.lock`);
    invariant(lock, `the new draft ${folder} is locked already`);
    mkdirSync(folder);
    return lock;
  } catch (error) {
    lock?.release();
    throw toDiskError(error, dirname(dirname(folder)));
  }
}

/** Removes drafts whose owner is dead. */
export function sweepDrafts(tmp: string): void {
  sweepLocks(tmp);
  for (const entry of readdirSync(tmp, {withFileTypes: true})) {
    if (!entry.isDirectory() || existsSync(join(tmp, `${entry.name}.lock`))) continue;
    rmSync(join(tmp, entry.name), {recursive: true, force: true});
  }
}

async function commit(
  folder: string,
  target: string,
  parts: Parts,
  {existing, mayPublish}: DraftOptions,
): Promise<Entry> {
  const files: {[name: string]: FileDigest} = {};
  for (const name of walk(folder)) {
    const path = join(folder, name);
    invariant(name !== manifestName, `a ${parts.kind} stage left a file named ${manifestName}`);
    invariant((await lstat(path)).isFile(), `a ${parts.kind} stage left ${name}, which is not a file`);
    files[name] = await digestOfFile(path);
  }
  const {manifest, text} = sealManifest({format: 1, ...parts, files});
  writeFileSync(join(folder, manifestName), text, {flag: 'wx'});
  const whole = [...Object.keys(files), manifestName].map((name) => join(folder, name));
  await Promise.all([...whole, ...foldersOf(folder)].map(syncToDisk));
  const shelf = dirname(target);
  if (mkdirSync(shelf, {recursive: true}) !== undefined) await syncToDisk(dirname(shelf));
  for (let attempt = 1; ; attempt++) {
    if (!mayPublish()) throw new LeaseLost(`another process holds the lock of ${parts.fingerprint}`);
    try {
      await rename(folder, target);
      await syncToDisk(shelf);
      return {folder: target, manifest};
    } catch (error) {
      // A folder with files in it is never overwritten by a rename.
      if ((codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') || attempt === 3) throw error;
      const first = await existing();
      if (first) return first;
    }
  }
}

/** The folder and all folders in it, the deepest first. */
const foldersOf = (folder: string): readonly string[] => [
  ...readdirSync(folder, {withFileTypes: true})
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => foldersOf(join(folder, entry.name))),
  folder,
];

const remedies: {readonly [code: string]: string} = {
  ENOSPC: 'the disk is full. Free some space (`pipeline cache prune` helps)',
  EDQUOT: 'the disk quota is used up. Free some space (`pipeline cache prune` helps)',
  EACCES: 'you may not write to it. Check its owner and permissions',
  EPERM: 'you may not write to it. Check its owner and permissions',
  EROFS: 'its file system is read-only. Use another folder for the cache',
};

function toDiskError(error: unknown, root: string): unknown {
  const remedy = remedies[codeOf(error) ?? ''];
  if (!remedy) return error;
  return new Error(`cannot write to the cache ${root}: ${remedy}, then run the command again.`, {cause: error});
}

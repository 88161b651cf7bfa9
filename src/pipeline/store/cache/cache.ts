/**
 * The cache keeps results of stages by fingerprint: `<root>/<ab>/<fingerprint>/{manifest.json,*.arrow}`. An entry is complete or absent:
 * one rename makes it, after everything in it is on the disk. Every byte is verified before anybody reads it. The cache does not know
 * what the bytes mean, or when a stage must run.
 */
import {existsSync, lstatSync, mkdirSync, rmSync, statSync} from 'node:fs';
import {readdir, rename, stat, utimes} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {Digest} from '../../../core/base/canonical.ts';
import {clearForFolder, codeOf, walk} from '../../../core/base/files.ts';
import {acquireLock, heartbeat, type Lock, type LockOptions, sweepLocks, tryLock} from '../../../core/base/lock.ts';
import {namesNow} from '../../../core/base/network-files.ts';
import {type Draft, type Entry, openDraft, sweepDrafts} from './draft.ts';
import {entryFolder, fingerprintsIn, inspect, readManifest} from './entry.ts';
import {dropScratch, highestFence, scratchIn, takeScratch} from './scratch.ts';

export type {Lock} from '../../../core/base/lock.ts';
export {type Entry, LeaseLost} from './draft.ts';

interface Listed extends Entry {
  /** Bytes of all its files. */
  readonly size: number;
  /** When it was made or last found, to the day. */
  readonly used: Date;
}

type Verdict =
  | {readonly fingerprint: Digest; readonly state: 'ok'; readonly label: string}
  | {readonly fingerprint: Digest; readonly state: 'damaged'; readonly reason: string; readonly movedTo?: string};

export interface Cache {
  readonly root: string;
  /** The entry, every byte verified. A damaged one is set aside with a warning and not found. */
  find(fingerprint: Digest): Promise<Entry | undefined>;
  /** Waits for the right to compute this fingerprint, among all processes that share the cache. It is taken over from dead holders. */
  lock(fingerprint: Digest, options?: LockOptions): Promise<Lock>;
  /** Makes an empty folder for the files of a new entry. `lock`: the caller holds the lock of the fingerprint. */
  begin(fingerprint: Digest, lock: Lock): Promise<Draft>;
  /** The folder for checkpoints of the lock's holder. It survives crashes, and has what earlier holders have left. */
  scratch(fingerprint: Digest, lock: Pick<Lock, 'fence'>): string;
  dropScratch(fingerprint: Digest, lock: Pick<Lock, 'fence'>): Promise<void>;
  /** Lists the entries whose manifest is sound, by fingerprint. Their files are not verified. */
  list(): AsyncIterable<Listed>;
  /** Verifies every entry; damaged ones are set aside, as by `find`. */
  verify(): AsyncIterable<Verdict>;
  /**
   * Removes entries and their checkpoints, except those to keep or used lately, and everything that was set aside as damaged. Stages that
   * are being computed stay. A run that is reading an entry when it is removed fails, and computes it again the next time.
   */
  prune(what: {readonly keep: ReadonlySet<Digest>} | {readonly olderThanDays: number}): Promise<Pruned>;
}

interface Pruned {
  readonly entries: number;
  /** Freed bytes, including those of damaged entries and checkpoints. */
  readonly bytes: number;
}

const day = 24 * 3600 * 1000;

/** Opens the cache, making its folders and removing what crashed processes have left. */
export function openCache(root: string, {warn}: {warn(message: string): void}): Cache {
  const at = (...parts: string[]): string => join(root, ...parts);
  /** Finds what is in the place of a folder of the cache before the work, not after it. */
  const clear = (folder: string): void => {
    const moved = clearForFolder(folder);
    if (moved !== undefined) warn(`${folder} is to be a folder of the cache: what lay there was moved to ${moved}.`);
  };
  clear(root);
  for (const folder of ['tmp', 'locks', 'scratch', 'damaged']) {
    clear(at(folder));
    mkdirSync(at(folder), {recursive: true});
  }
  const sweep = (): void => {
    sweepDrafts(at('tmp'));
    sweepLocks(at('locks'));
  };
  sweep();
  // Again later: some locks can only be judged after they have been watched for a while.
  setTimeout(
    () => {
      try {
        sweep();
      } catch {
        // It is only litter, and the cache may have been removed.
      }
    },
    1000 * (heartbeat.deadAfter + 1),
  ).unref();

  const folderOf = (fingerprint: Digest): string => entryFolder(root, fingerprint);

  const sweepScratch = (name: string, fingerprint: Digest): void => {
    if (!existsSync(folderOf(fingerprint))) return;
    try {
      const lock = tryLock(at('locks', fingerprint));
      if (lock) rmSync(at('scratch', name), {recursive: true, force: true});
      lock?.release();
    } catch {
      // A read-only cache is fine: it is only litter.
    }
  };
  // A process that is killed between a commit and the removal of its checkpoints leaves a folder that nobody needs.
  for (const {name, fingerprint} of scratchIn(at('scratch'))) sweepScratch(name, fingerprint);

  /** Sets a damaged entry aside; undefined when it is gone already or can't be moved. */
  const setAside = async (folder: string, fingerprint: Digest, inspected: number): Promise<string | undefined> => {
    const place = at('damaged', `${fingerprint}-${Date.now().toString(36)}-${process.pid}`);
    try {
      // Another process may have set it aside and put a sound one in its place since.
      if ((await stat(folder)).ino !== inspected) return undefined;
      await rename(folder, place);
      return place;
    } catch {
      return undefined;
    }
  };

  /** Removes a link to nowhere: it looks as if nothing were there, but no entry could be made in its place. */
  const clearLink = (folder: string): void => {
    try {
      clearForFolder(folder);
    } catch {
      // A read-only cache: nothing is to be put there either.
    }
  };

  const examine = async (
    fingerprint: Digest,
  ): Promise<Entry | {readonly damage: string; readonly movedTo?: string} | undefined> => {
    const folder = folderOf(fingerprint);
    const seen = await inspect(folder, fingerprint);
    // On a network disk, an entry that another host has just made is seen if the names of the folder are read.
    const isThere = (): boolean => namesNow(root).length > 0 && namesNow(dirname(folder)).includes(fingerprint);
    const found = seen ?? (isThere() ? await inspect(folder, fingerprint) : undefined);
    if (found === undefined) {
      clearLink(folder);
      return undefined;
    }
    if ('manifest' in found) return {folder, manifest: found.manifest};
    const movedTo = await setAside(folder, fingerprint, found.inode);
    return {damage: `${found.file} ${found.reason}`, ...(movedTo !== undefined && {movedTo})};
  };

  const remove = async (folder: string): Promise<number> => {
    const bytes = await sizeOf(folder);
    // One rename first: a kill in the middle of the removal then leaves litter, not half an entry.
    const draft = openDraft(at('tmp'), folder, {existing: async () => undefined, mayPublish: () => true});
    try {
      await rename(folder, join(draft.folder, 'removed'));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    } finally {
      await draft.discard();
    }
    return bytes;
  };

  const find = async (fingerprint: Digest): Promise<Entry | undefined> => {
    const found = await examine(fingerprint);
    if (found === undefined || 'manifest' in found) return found;
    const moved = found.movedTo === undefined ? '' : `, was moved to ${found.movedTo}`;
    warn(
      `cache entry ${fingerprint.slice(0, 12)} is damaged: ${found.damage}. It is not used${moved} and will be computed again.`,
    );
    return undefined;
  };

  return {
    root,
    async find(fingerprint) {
      const entry = await find(fingerprint);
      if (entry) await markUsed(entry.folder);
      return entry;
    },
    lock: (fingerprint, options) =>
      acquireLock(at('locks', fingerprint), {...options, above: () => highestFence(at('scratch'), fingerprint)}),
    async begin(fingerprint, lock) {
      clear(dirname(folderOf(fingerprint)));
      return openDraft(at('tmp'), folderOf(fingerprint), {
        existing: () => find(fingerprint),
        mayPublish: () => lock.renew(),
      });
    },
    scratch: (fingerprint, {fence}) => takeScratch(at('scratch'), fingerprint, fence, clear),
    dropScratch: (fingerprint, {fence}) => dropScratch(at('scratch'), fingerprint, fence),
    async *list() {
      for await (const fingerprint of fingerprintsIn(root)) {
        const folder = folderOf(fingerprint);
        const manifest = readManifest(folder, fingerprint);
        if (!manifest || 'reason' in manifest) continue;
        const {mtime} = await stat(folder);
        yield {folder, manifest, size: await sizeOf(folder), used: mtime};
      }
    },
    async *verify() {
      for await (const fingerprint of fingerprintsIn(root)) {
        const found = await examine(fingerprint);
        if (found === undefined) continue;
        if ('manifest' in found) yield {fingerprint, state: 'ok', label: found.manifest.label};
        else
          yield {fingerprint, state: 'damaged', reason: found.damage, ...(found.movedTo && {movedTo: found.movedTo})};
      }
    },
    async prune(what) {
      let entries = 0;
      let bytes = 0;
      const doomed = async (fingerprint: Digest, folder: string): Promise<boolean> =>
        'keep' in what
          ? !what.keep.has(fingerprint)
          : (await stat(folder)).mtimeMs < Date.now() - what.olderThanDays * day;
      /** Removes a folder unless it is to stay or its stage is being computed. */
      const free = async (fingerprint: Digest, folder: string): Promise<boolean> => {
        if (!(await doomed(fingerprint, folder))) return false;
        const lock = tryLock(at('locks', fingerprint));
        if (!lock) return false;
        try {
          bytes += await remove(folder);
          return true;
        } finally {
          lock.release();
        }
      };
      for await (const fingerprint of fingerprintsIn(root))
        if (await free(fingerprint, folderOf(fingerprint))) entries++;
      for (const {name, fingerprint} of scratchIn(at('scratch'))) await free(fingerprint, at('scratch', name));
      for (const name of await readdir(at('damaged'))) bytes += await remove(at('damaged', name));
      return {entries, bytes};
    },
  };
}

/** Records the last use, for `prune`. It is written at most once a day, so that a run in which all is cached does not write a thousand times. */
async function markUsed(folder: string): Promise<void> {
  const now = Date.now();
  if (now - statSync(folder).mtimeMs < day) return;
  await utimes(folder, now / 1000, now / 1000).catch(() => undefined); // a read-only cache is fine
}

async function sizeOf(folder: string): Promise<number> {
  const itself = lstatSync(folder);
  if (!itself.isDirectory()) return itself.size;
  let bytes = 0;
  for (const file of walk(folder)) bytes += lstatSync(join(folder, file)).size;
  return bytes;
}

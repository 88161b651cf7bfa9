/** Everything that a folder of runs has and its store has not. Begun anew after a kill, it goes on where it was: what is there is compared, and not sent again. */
import {join} from 'node:path';
import type {Digest} from '../../../core/base/canonical.ts';
import type {Cache, Entry} from '../cache/cache.ts';
import {type Pushed, pushEntry} from './entries.ts';
import {openJournal} from './journal.ts';
import {digestIn, folders} from './layout.ts';
import {type ObjectStore, StoreError} from './objects.ts';
import {inParallel} from './parallel.ts';
import {noticeOf} from './pushes.ts';
import {pushRun, remoteRuns} from './run-records.ts';

export interface PushAllOptions {
  /** Its name. */
  readonly store: string;
  readonly cache: Cache;
  /** Of the runs. */
  readonly root: string;
  /** Ids of runs whose records are pushed. */
  readonly runs: readonly string[];
  /** Entries to push; absent: all of the cache. */
  readonly only?: ReadonlySet<Digest>;
  /** Is kept up to date. */
  readonly progress: {done: number; all: number; bytes: number};
  warn(message: string): void;
}

export interface PushedAll {
  readonly entries: number;
  /** That the store had already. */
  readonly there: number;
  /** Of those, the ones that have other bytes in the store. */
  readonly differing: number;
  readonly failed: number;
  readonly runs: number;
  /** That were sent. */
  readonly bytes: number;
}

export async function pushAll(
  objects: ObjectStore,
  {store, cache, root, runs, only, progress, warn}: PushAllOptions,
): Promise<PushedAll> {
  const journal = openJournal(cache.root, store);
  const listed = new Set<Digest>();
  for await (const {key} of objects.list(folders.entries)) {
    const fingerprint = digestIn(key);
    if (fingerprint !== undefined) listed.add(fingerprint);
  }
  const wanted: Entry[] = [];
  for await (const entry of cache.list()) if (!only || only.has(entry.manifest.fingerprint)) wanted.push(entry);
  progress.all = wanted.length;
  let [entries, there, differing, failed] = [0, 0, 0, 0];
  await inParallel(3, wanted, async (entry) => {
    const {fingerprint, label} = entry.manifest;
    let pushed: Pushed;
    try {
      pushed = await pushEntry(objects, entry, {
        listed: listed.has(fingerprint),
        onBytes: (more) => {
          progress.bytes += more;
        },
      });
    } catch (error) {
      if (error instanceof StoreError) throw error;
      failed++;
      return warn(`"${label}" was not pushed: ${(error as Error).message}`);
    }
    const said = noticeOf(pushed, label);
    if (said !== undefined) warn(said);
    if (pushed.state === 'pushed') entries++;
    else there++;
    if (pushed.state === 'differs') differing++;
    progress.done++;
    journal.there(fingerprint);
  });
  const remote = new Map((await remoteRuns(objects)).map((run) => [run.id, run]));
  let sent = 0;
  await inParallel(4, runs, async (id) => {
    if (!(await pushRun(objects, join(root, id), id, remote.get(id)))) return;
    sent++;
  });
  for (const id of runs) journal.there(id);
  return {entries, there, differing, failed, runs: sent, bytes: progress.bytes};
}

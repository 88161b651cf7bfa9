/** A store as a command uses it: opened once, told what to fetch and to push, and closed. */
import type {Digest} from '../../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {bytes, plural} from '../../../core/base/text.ts';
import type {Problem} from '../../failures.ts';
import type {Cache} from '../cache/cache.ts';
import {parseStore, type StoreAddress} from './address.ts';
import {openJournal} from './journal.ts';
import {type ObjectStore, StoreError} from './objects.ts';
import {Pushes} from './pushes.ts';
import {gone, Reach} from './reach.ts';
import {pushRun, type RemoteRun, sizesOf} from './run-records.ts';
import {openSharedCache} from './shared-cache.ts';

export interface Connection {
  readonly address: StoreAddress;
  readonly objects: ObjectStore;
  /** It did not answer. */
  readonly silent?: StoreError;
}

/** The store of this address, and whether it can be used. An address that can't be is the user's mistake; a server that does not answer is not. */
export async function connectStore(text: string): Promise<Result<Connection, Problem>> {
  const parsed = parseStore(text);
  if (!parsed.ok) return parsed;
  const address = parsed.value;
  let objects: ObjectStore | undefined;
  try {
    objects =
      address.kind === 's3'
        ? (await import('./s3.ts')).openS3(address.bucket, address.prefix)
        : (await import('./folder.ts')).openFolder(address.folder);
    for await (const _ of objects.list('none/')) break;
    return succeed({address, objects});
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (objects && error.kind === 'unreachable') return succeed({address, objects, silent: error});
    objects?.close();
    return fail({message: `the store ${address.name}: ${error.message}`, ...(error.hint && {hint: error.hint})});
  }
}

interface Followed {
  readonly id: string;
  readonly folder: string;
}

export interface RunStore {
  /** The cache with the store behind it. */
  readonly cache: Cache;
  /** Pushes the record of this run, and again every minute while it goes on. */
  follow(run: Followed): void;
  /** Waits until all is pushed; what can't be is said, and owed. */
  finish(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Seconds between pushes of the events of a run that goes on. */
const recordEvery = 60;

export interface RunStoreOptions {
  readonly local: Cache;
  /** Of the runs. */
  readonly root: string;
  warn(message: string): void;
  note(message: string): void;
}

export function openRunStore({address, objects, silent}: Connection, options: RunStoreOptions): RunStore {
  const {local, warn, note} = options;
  const {name, readOnly} = address;
  const journal = openJournal(local.root, name);
  const damaged = new Set<Digest>();
  const fetched = {entries: 0, bytes: 0};
  const reach = new Reach(objects, {
    onLost: ({message, hint}) =>
      warn(
        `the store ${name} can't be used: ${message}.${hint === undefined ? '' : ` ${hint}`} The run goes on with the cache of this machine${readOnly ? '' : '; what it computes is pushed later'}.`,
      ),
    onFound() {
      note(`the store ${name} answers again`);
      pushes?.again();
    },
  });
  const pushes = readOnly ? undefined : new Pushes({objects, reach, journal, damaged, warn});
  if (silent) reach.lose(silent);
  const cache = openSharedCache(local, {
    objects,
    reach,
    journal,
    damaged,
    ...(pushes && {pushes}),
    warn,
    note,
    onFetched(more) {
      fetched.entries++;
      fetched.bytes += more;
    },
  });
  let recorded: RemoteRun | undefined;
  const record = ({folder, id}: Followed): Promise<unknown> =>
    reach
      .attempt(async () => {
        const now = sizesOf(folder, id);
        await pushRun(objects, folder, id, recorded);
        recorded = now;
      })
      .catch((error: Error) => warn(`the record of this run was not pushed: ${error.message}`));
  let following: Followed | undefined;
  let timer: NodeJS.Timeout | undefined;
  let recording: Promise<unknown> = Promise.resolve();
  let owing: Promise<void> = Promise.resolve();
  return {
    cache,
    follow(run) {
      if (readOnly) return;
      following = run;
      journal.owe(run.id);
      recording = record(run);
      timer = setInterval(() => {
        recording = recording.then(() => record(run));
      }, recordEvery * 1000).unref();
      owing = payOwed(run.id);
    },
    async finish(signal) {
      clearInterval(timer);
      if (pushes) {
        await owing;
        await pushes.finish(signal, note);
        if (!reach.isGone) await cache.settled();
        await recording;
      }
      for (const line of summary()) note(line);
      if (pushes) {
        if (following && !signal.aborted && (await record(following)) !== gone) journal.there(following.id);
      }
    },
    close() {
      clearInterval(timer);
      reach.close();
      objects.close();
    },
  };

  /** What earlier runs could not push. */
  async function payOwed(current: string): Promise<void> {
    for (const one of journal.owed())
      if (/^[0-9a-f]{64}$/.test(one)) {
        const entry = await local.find(one as Digest);
        if (entry) pushes!.add(entry);
      } else if (one !== current) {
        const pushed = await reach.attempt(() => pushRun(objects, `${options.root}/${one}`, one));
        if (pushed !== gone) journal.there(one);
      }
  }

  function summary(): readonly string[] {
    const lines: string[] = [];
    if (fetched.entries > 0)
      lines.push(
        `${plural(fetched.entries, 'result was', 'results were')} fetched from ${name} (${bytes(fetched.bytes)})`,
      );
    const {entries = 0, bytes: sent = 0} = pushes?.done ?? {};
    if (entries > 0) lines.push(`${plural(entries, 'result was', 'results were')} pushed to ${name} (${bytes(sent)})`);
    if (pushes && pushes.left > 0)
      lines.push(
        `${plural(pushes.left, 'result is', 'results are')} still to be pushed to ${name}: the next run does it, or "pipeline store push"`,
      );
    return lines;
  }
}

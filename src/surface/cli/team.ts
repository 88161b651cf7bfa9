/** What a team shares by a store: its runs and their results, as far as a command is asked about them. */
import {existsSync} from 'node:fs';
import type {Digest} from '../../core/base/canonical.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {plural} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {Manifest} from '../../pipeline/stages/stage.ts';
import {type Cache, openCache} from '../../pipeline/store/cache/cache.ts';
import {remoteManifest} from '../../pipeline/store/remote/entries.ts';
import {DamagedCopy} from '../../pipeline/store/remote/objects.ts';
import {inParallel} from '../../pipeline/store/remote/parallel.ts';
import {fetchRun, isHere, type RemoteRun, remoteRuns} from '../../pipeline/store/remote/run-records.ts';
import {type Connection, connectStore, openRunStore} from '../../pipeline/store/remote/session.ts';
import {readRecord, type StageRecord} from '../../pipeline/store/runs/record.ts';
import {nameIn, slugOf} from '../../pipeline/store/runs/run-id.ts';
import {err, folders, type Globals} from './session.ts';

/** The session's store; undefined: it has none. */
const connectionOf = async ({store}: Globals): Promise<Result<Connection | undefined, Problem>> =>
  store === undefined ? succeed(undefined) : connectStore(store);

/** Does something with the store, if there is one that can be reached; if not, says why, and goes on with what is here. */
async function withStore<T>(globals: Globals, work: (connection: Connection) => Promise<T>): Promise<T | undefined> {
  const connected = await connectionOf(globals);
  if (!connected.ok) return void warnOf(connected.failures[0]!);
  const connection = connected.value;
  if (!connection) return undefined;
  try {
    if (connection.silent) throw connection.silent;
    return await work(connection);
  } catch (error) {
    return void err(
      `warning: the store ${connection.address.name}: ${(error as Error).message}. What is here is shown.`,
    );
  } finally {
    connection.objects.close();
  }
}

const warnOf = ({message, hint}: Problem): void =>
  err(`warning: ${message}.${hint === undefined ? '' : ` ${hint}`} What is here is shown.`);

/** True for a run whose id has the word in it, or that has it as its name. */
export const isMeant =
  (word: string) =>
  (id: string): boolean =>
    id.includes(word) || nameIn(id) === slugOf(word);

/** Results that a command reads: those with numbers; or all, for what looks closer. */
export type Wanted = 'numbers' | 'everything' | 'nothing';

/** Fetches the runs that are meant, if the store has some that are not here, with the results that are read of them. */
export async function fetchAsked(words: readonly string[], wanted: Wanted, globals: Globals): Promise<void> {
  const {runs} = folders(globals);
  const meant = words.filter((word) => word !== 'latest').map(isMeant);
  if (meant.length === 0) return;
  await withStore(globals, async (connection) => {
    const asked = (await remoteRuns(connection.objects)).filter(({id}) => meant.some((is) => is(id)));
    await fetchRuns(asked, wanted, connection, runs, globals);
  });
}

/** Fetches records, and results that are not here. Returns how many results. */
export async function fetchRuns(
  asked: readonly RemoteRun[],
  wanted: Wanted,
  connection: Connection,
  root: string,
  globals: Globals,
): Promise<number> {
  const {address, objects} = connection;
  const absent = asked.filter((run) => !isHere(root, run));
  await inParallel(8, absent, (run) => fetchRun(objects, root, run, address.name));
  if (absent.length > 0) err(`fetched ${plural(absent.length, 'run')} from ${address.name}`);
  if (wanted === 'nothing') return 0;
  const cache = sharedCacheOf(connection, globals);
  const fingerprints = fingerprintsOf(
    root,
    asked.map(({id}) => id),
    wanted,
  );
  const found = await inParallel(4, fingerprints, (fingerprint) => cache.find(fingerprint));
  return found.filter((entry) => entry?.fetched).length;
}

/** The results of these runs that are wanted. */
export function fingerprintsOf(root: string, ids: readonly string[], wanted: Wanted): ReadonlySet<Digest> {
  const found = new Set<Digest>();
  for (const id of ids) {
    const record = readRecord(`${root}/${id}`);
    if (record.ok) for (const stage of record.value.stages) if (isWanted(stage, wanted)) found.add(stage.fingerprint!);
  }
  return found;
}

const isWanted = ({fingerprint, node}: StageRecord, wanted: Wanted): boolean =>
  fingerprint !== undefined && (wanted === 'everything' || node.results !== undefined);

/** The cache of this machine, with the store behind it to read from. */
function sharedCacheOf({address, ...connection}: Connection, globals: Globals): Cache {
  const {runs, cache: folder} = folders(globals);
  const warn = (message: string): void => err(`warning: ${message}`);
  const local = openCache(folder, {warn});
  return openRunStore({...connection, address: {...address, readOnly: true}}, {local, root: runs, warn, note: err})
    .cache;
}

/** The cache to read results from: of this machine, with the store behind it if there is one. Undefined: there is neither. */
export async function readingCache(globals: Globals): Promise<Cache | undefined> {
  const {cache: folder} = folders(globals);
  const connected = await connectionOf(globals);
  if (connected.ok && connected.value) return sharedCacheOf(connected.value, globals);
  if (!connected.ok) warnOf(connected.failures[0]!);
  return existsSync(folder) ? openCache(folder, {warn: (message) => err(`warning: ${message}`)}) : undefined;
}

/** What a plan asks of the cache, and of the store behind it: what a run would find there, of which nothing is fetched. */
export async function planningCache(local: Cache, globals: Globals): Promise<PlanningCache> {
  const connected = await connectionOf(globals);
  if (!connected.ok || !connected.value || connected.value.silent) {
    const why = connected.ok ? connected.value?.silent?.message : connected.failures[0]!.message;
    if (why !== undefined) err(`warning: ${why}. The plan is made with the cache of this machine.`);
    return {find: local.find, list: local.list, close() {}};
  }
  const {objects, address} = connected.value;
  let isGone = false;
  return {
    list: local.list,
    async find(fingerprint) {
      const entry = await local.find(fingerprint);
      if (entry || isGone) return entry;
      try {
        const manifest = await remoteManifest(objects, fingerprint);
        return manifest && {manifest};
      } catch (error) {
        if (error instanceof DamagedCopy) return undefined;
        isGone = true;
        return void err(`warning: the store ${address.name}: ${(error as Error).message}`);
      }
    },
    close: () => objects.close(),
  };
}

interface PlanningCache extends Pick<Cache, 'list'> {
  find(fingerprint: Digest): Promise<{readonly manifest: Manifest} | undefined>;
  close(): void;
}

/** Ids of runs in the store that are not here. */
export async function runsElsewhere(known: readonly string[], globals: Globals): Promise<readonly string[]> {
  const here = new Set(known);
  const ids = await withStore(globals, async ({objects}) => (await remoteRuns(objects)).map(({id}) => id));
  return (ids ?? []).filter((id) => !here.has(id));
}

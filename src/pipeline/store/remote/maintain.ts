/** A store looked through as a whole: how much there is, whether it is sound, and what nobody needs any more. */
import {createHash} from 'node:crypto';
import type {Digest} from '../../../core/base/canonical.ts';
import {eventOf} from '../runs/shape.ts';
import {remoteManifest} from './entries.ts';
import {blobKey, digestIn, entryKey, folders, runPrefix} from './layout.ts';
import {DamagedCopy, type Listed, type ObjectStore} from './objects.ts';
import {inParallel} from './parallel.ts';
import {remoteRuns} from './run-records.ts';

const day = 24 * 3600 * 1000;

interface Usage {
  readonly objects: number;
  readonly bytes: number;
}

export interface StoreUsage {
  readonly entries: Usage;
  /** Files of entries: equal ones once. */
  readonly files: Usage;
  readonly runs: Usage;
}

export async function usageOf(objects: ObjectStore): Promise<StoreUsage> {
  const sum = async (prefix: string): Promise<Usage> => {
    const usage = {objects: 0, bytes: 0};
    for await (const {bytes, damage} of objects.list(prefix)) {
      if (damage !== undefined) continue;
      usage.objects++;
      usage.bytes += bytes;
    }
    return usage;
  };
  const [entries, files, runs] = await Promise.all([folders.entries, folders.blobs, folders.runs].map(sum));
  const {length} = await remoteRuns(objects);
  return {entries: entries!, files: files!, runs: {...runs!, objects: length}};
}

export interface Finding {
  /** Key of the object. */
  readonly key: string;
  readonly reason: string;
  /** Where it was moved instead of being removed: it is a folder, perhaps somebody's work. */
  readonly movedTo?: string;
}

const chunk = 8 * 2 ** 20;

/**
 * Reads every file and every record. What is damaged is found; entries whose files are, too. `remove`: then it is removed, so that the next
 * push of the same result puts it there again.
 */
export async function* verifyStore(
  objects: ObjectStore,
  {remove, onBytes = () => undefined}: {readonly remove: boolean; onBytes?(bytes: number): void},
): AsyncIterable<Finding> {
  /** undefined: it is damaged. */
  const sizes = new Map<Digest, number | undefined>();
  const findings: Finding[] = [];
  const report = async (key: string, reason: string): Promise<void> => {
    const movedTo = remove ? await objects.remove(key) : undefined;
    findings.push({key, reason, ...(movedTo !== undefined && {movedTo})});
  };
  await inParallel(4, objects.list(folders.blobs), async ({key, bytes, damage}) => {
    const digest = digestIn(key);
    if (digest === undefined) return;
    const reason = damage ?? ((await digestIt(key, bytes)) === digest ? undefined : 'differs from its checksum');
    sizes.set(digest, reason === undefined ? bytes : undefined);
    if (reason !== undefined) await report(key, reason);
  });
  yield* findings.splice(0);
  await inParallel(8, objects.list(folders.entries), async ({key, damage}) => {
    const fingerprint = digestIn(key);
    if (fingerprint === undefined) return;
    if (damage !== undefined) return report(key, damage);
    const manifest = await remoteManifest(objects, fingerprint).catch(onlyDamage);
    if (manifest === undefined) return;
    if (manifest instanceof DamagedCopy) return report(key, manifest.message);
    for (const [name, {sha256, bytes}] of Object.entries(manifest.files)) {
      // Put there since they were listed?
      const there = sizes.has(sha256) ? sizes.get(sha256) : await objects.size(blobKey(sha256));
      if (there !== bytes) return report(key, `its file ${name} is missing or damaged`);
    }
    return undefined;
  });
  yield* findings;

  async function digestIt(key: string, bytes: number): Promise<string> {
    const hash = createHash('sha256');
    for (let from = 0; from < bytes; from += chunk) {
      const part = await objects.read(key, {from, bytes: Math.min(chunk, bytes - from)});
      if (part === undefined) return 'gone';
      hash.update(part);
      onBytes(part.length);
    }
    return hash.digest('hex');
  }
}

/** The damage that an error tells; a store that does not answer is none. */
function onlyDamage(error: unknown): DamagedCopy {
  if (error instanceof DamagedCopy) return error;
  throw error;
}

export interface StorePruned {
  readonly runs: number;
  readonly entries: number;
  /** Of files and records. */
  readonly bytes: number;
}

/**
 * Removes runs that began more than `days` ago, then entries as old that no other run has used, then files that no entry names, leases and
 * unfinished uploads. What is younger than a day stays whatever it is: somebody may be pushing.
 */
export async function pruneStore(
  objects: ObjectStore,
  {days, now}: {readonly days: number; readonly now: number},
): Promise<StorePruned> {
  let bytes = 0;
  const remove = async ({key, bytes: size}: Pick<Listed, 'key' | 'bytes'>): Promise<void> => {
    await objects.remove(key);
    bytes += size;
  };
  const isOld = ({written}: Listed, age = 1): boolean => written < now - age * day;
  const limit = new Date(now - days * day).toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const used = new Set<string>();
  let runs = 0;
  await inParallel(8, await remoteRuns(objects), async ({id, files}) => {
    if (id < limit) {
      runs++;
      // The plan first: then it is no run any more.
      for (const name of ['plan.json', ...[...files.keys()].filter((one) => one !== 'plan.json')])
        await remove({key: `${runPrefix(id)}${name}`, bytes: files.get(name)!});
      return;
    }
    const events = files.has('events.ndjson') ? await objects.read(`${runPrefix(id)}events.ndjson`) : undefined;
    for (const line of events?.toString('utf8').split('\n') ?? []) {
      const event = eventOf(line);
      if (event?.type === 'stage-finished') used.add(event.fingerprint);
    }
  });
  let entries = 0;
  const named = new Set<Digest>();
  await inParallel(8, objects.list(folders.entries), async (found) => {
    const fingerprint = digestIn(found.key);
    if (fingerprint === undefined) return;
    const manifest = await remoteManifest(objects, fingerprint).catch(onlyDamage);
    if (isOld(found, days) && !used.has(fingerprint)) {
      entries++;
      await remove({...found, key: entryKey(fingerprint)});
    } else if (manifest && !(manifest instanceof DamagedCopy))
      for (const {sha256} of Object.values(manifest.files)) named.add(sha256);
  });
  await inParallel(8, objects.list(folders.blobs), async (found) => {
    const digest = digestIn(found.key);
    if (digest !== undefined && !named.has(digest) && isOld(found)) await remove(found);
  });
  await inParallel(8, objects.list(folders.leases), async (found) => {
    if (isOld(found)) await remove(found);
  });
  await objects.sweep(now - day);
  return {runs, entries, bytes};
}

/**
 * The right to compute a fingerprint, among runners that share nothing but a store. A lease is an object with a number that only one
 * runner can create; its holder writes a new heartbeat into it every few seconds. A lease that does not change while it is watched is dead:
 * who sees that creates the next number, which only one can. No clocks are compared. What keeps results apart at last is not the lease but
 * the record of the entry, which is created once.
 */
import {randomBytes} from 'node:crypto';
import {setTimeout as delay} from 'node:timers/promises';
import type {Digest} from '../../../core/base/canonical.ts';
import type {Holder, LockOptions} from '../../../core/base/lock.ts';
import {thisProcess} from '../../../core/base/process-identity.ts';
import {leaseKey, leasePrefix} from './layout.ts';
import type {ObjectStore} from './objects.ts';

/** Seconds between heartbeats, of watching without one until a holder counts as dead, and between looks. */
export const remoteHeartbeat = {every: 10, deadAfter: 60, look: 2} as const;

export interface RemoteLease {
  /** Aborted when a heartbeat finds that it has a successor. */
  readonly lost: AbortSignal;
  /** Never rejects. */
  release(): Promise<void>;
}

/** Waits for the lease and takes it. Rejects with the signal's reason when aborted, and as the store does. */
export async function takeLease(
  objects: ObjectStore,
  fingerprint: Digest,
  {signal, onWait, onSilent}: Omit<LockOptions, 'above'>,
): Promise<RemoteLease> {
  let seen: {readonly tag: string; readonly since: number} | undefined;
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const highest = await highestLease(objects, fingerprint);
    const isSilent = seen !== undefined && performance.now() - seen.since > remoteHeartbeat.deadAfter * 1000;
    if (!highest || (highest.tag === seen?.tag && isSilent)) {
      const lease = await create(objects, fingerprint, (highest?.fence ?? 0) + 1);
      if (lease) {
        if (highest) {
          onSilent?.();
          await objects.remove(leaseKey(fingerprint, highest.fence));
        }
        return lease;
      }
    } else if (highest.tag !== seen?.tag) seen = {tag: highest.tag, since: performance.now()};
    if (highest && !told) {
      told = true;
      onWait?.(await holderOf(objects, leaseKey(fingerprint, highest.fence)));
    }
    await delay(remoteHeartbeat.look * 1000, undefined, signal ? {signal} : {}).catch(() => signal?.throwIfAborted());
  }
}

interface Found {
  readonly fence: number;
  readonly tag: string;
}

async function highestLease(objects: ObjectStore, fingerprint: Digest): Promise<Found | undefined> {
  let highest: Found | undefined;
  for await (const {key, tag} of objects.list(leasePrefix(fingerprint))) {
    const fence = Number(key.slice(leasePrefix(fingerprint).length));
    if (Number.isSafeInteger(fence) && fence > (highest?.fence ?? 0)) highest = {fence, tag: `${fence} ${tag}`};
  }
  return highest;
}

async function holderOf(objects: ObjectStore, key: string): Promise<Holder | undefined> {
  try {
    return JSON.parse((await objects.read(key))?.toString('utf8') ?? '') as Holder;
  } catch {
    return undefined;
  }
}

/** Undefined where another runner was faster. */
async function create(objects: ObjectStore, fingerprint: Digest, fence: number): Promise<RemoteLease | undefined> {
  const key = leaseKey(fingerprint, fence);
  const holder = {...thisProcess(), token: randomBytes(4).toString('hex'), fence, since: new Date().toISOString()};
  const text = (beats: number): Buffer => Buffer.from(`${JSON.stringify({...holder, beats})}\n`);
  // The answer to a first attempt may have been lost: then it is ours, though it is said to exist.
  if (!(await objects.create(key, text(0))) && (await holderOf(objects, key))?.token !== holder.token) return undefined;
  // A successor of a dead holder may have taken a higher number, and removed the lower ones, since we looked.
  if ((await highestLease(objects, fingerprint))?.fence !== fence) {
    await objects.remove(key);
    return undefined;
  }
  const lost = new AbortController();
  let beats = 0;
  let beating: Promise<void> = Promise.resolve();
  const beat = async (): Promise<void> => {
    const highest = await highestLease(objects, fingerprint);
    if (highest?.fence === fence) await objects.write(key, text(++beats));
    else lost.abort(new Error('the lease has another holder'));
  };
  const timer = setInterval(() => {
    // A server that is gone for a while: others can't take the lease either.
    beating = beating.then(beat).catch(() => undefined);
    if (lost.signal.aborted) clearInterval(timer);
  }, remoteHeartbeat.every * 1000).unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await beating;
      // A store that is gone: without a heartbeat the lease dies by itself.
      if (!lost.signal.aborted) await objects.remove(key).catch(() => undefined);
    },
  };
}

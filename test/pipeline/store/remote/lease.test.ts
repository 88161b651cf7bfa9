import {afterAll, beforeEach, expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {leaseKey, leasePrefix} from '../../../../src/pipeline/store/remote/layout.ts';
import {remoteHeartbeat, takeLease} from '../../../../src/pipeline/store/remote/lease.ts';
import type {ObjectStore} from '../../../../src/pipeline/store/remote/objects.ts';
import {disturbed, freshStore} from '../../../rig/stores.ts';

const fingerprint = sha256('a');
const usual = {...remoteHeartbeat};
beforeEach(() => void Object.assign(remoteHeartbeat, {every: 0.02, deadAfter: 0.3, look: 0.01}));
afterAll(() => void Object.assign(remoteHeartbeat, usual));

async function leases(objects: ObjectStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const {key} of objects.list(leasePrefix(fingerprint)))
    found.push(key.slice(leasePrefix(fingerprint).length));
  return found;
}

test('one holder at a time; who waits hears who it is, and has it when it is given back', async () => {
  const {objects} = freshStore();
  const lease = await takeLease(objects, fingerprint, {});
  let holder: unknown;
  const next = takeLease(objects, fingerprint, {
    onWait(found) {
      holder = found;
      void lease.release();
    },
  });
  const second = await next;
  expect(holder).toMatchObject({pid: process.pid, fence: 1});
  await second.release();
  expect(await leases(objects)).toEqual([]);
});

test('of many at once one has it', async () => {
  const {objects} = freshStore();
  let [holding, most, turns] = [0, 0, 0];
  const take = async (): Promise<void> => {
    const lease = await takeLease(objects, fingerprint, {});
    most = Math.max(most, ++holding);
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
    holding--;
    await lease.release();
  };
  await Promise.all(Array.from({length: 8}, take));
  expect([most, turns]).toEqual([1, 8]);
});

test('a holder that gives no sign of life while it is watched has a successor; when it goes on, it finds that out and leaves it alone', async () => {
  const {objects} = freshStore();
  let paused = true;
  let goOn = (): void => undefined;
  const stopped = disturbed(objects, (operation) => {
    if (operation !== 'list' || !paused) return undefined;
    return new Promise<void>((resolve) => {
      goOn = resolve;
    });
  });
  paused = false;
  const first = await takeLease(stopped, fingerprint, {});
  paused = true; // as a machine that is stopped: its next heartbeat waits
  const said: string[] = [];
  const second = await takeLease(objects, fingerprint, {
    onWait: () => said.push('wait'),
    onSilent: () => said.push('silent'),
  });
  expect(said).toEqual(['wait', 'silent']);
  expect(await leases(objects)).toEqual(['2']);
  paused = false;
  goOn();
  await expect.poll(() => first.lost.aborted).toBe(true);
  await first.release();
  expect(await leases(objects)).toEqual(['2']);
  expect(second.lost.aborted).toBe(false);
  await second.release();
  expect(await leases(objects)).toEqual([]);
});

test('a holder that lives is never taken for dead', async () => {
  const {objects} = freshStore();
  // A busy machine may keep a heartbeat waiting.
  Object.assign(remoteHeartbeat, {every: 0.02, deadAfter: 2, look: 0.05});
  const lease = await takeLease(objects, fingerprint, {});
  const controller = new AbortController();
  let silent = false;
  let looks = 0;
  const watched = disturbed(objects, (operation) => {
    // Twice as long as the dead are watched.
    if (operation === 'list' && ++looks > 80) controller.abort(new Error('enough'));
  });
  const waiting = takeLease(watched, fingerprint, {
    signal: controller.signal,
    onSilent() {
      silent = true;
    },
  });
  await expect(waiting).rejects.toThrow('enough');
  expect(silent).toBe(false);
  await lease.release();
});

test('a lease whose creation was answered too late is known as one’s own', async () => {
  const {objects} = freshStore();
  const late: ObjectStore = {
    ...objects,
    async create(key, body) {
      await objects.create(key, body);
      return false; // what a second attempt is told
    },
  };
  const lease = await takeLease(late, fingerprint, {});
  expect(await leases(objects)).toEqual(['1']);
  await lease.release();
});

test('who creates a number that a successor has passed gives it back', async () => {
  const {objects} = freshStore();
  await objects.write(leaseKey(fingerprint, 2), Buffer.from('{}'));
  let looks = 0;
  // Its first look is of a time when there was none.
  const slow: ObjectStore = {
    ...objects,
    async *list(prefix) {
      if (looks++ > 0) yield* objects.list(prefix);
    },
  };
  const lease = await takeLease(slow, fingerprint, {});
  expect(await leases(objects)).toEqual(['3']);
  await lease.release();
});

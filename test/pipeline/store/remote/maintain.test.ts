import {mkdirSync, rmSync, symlinkSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {openCache} from '../../../../src/pipeline/store/cache/cache.ts';
import {pushEntry, remoteManifest} from '../../../../src/pipeline/store/remote/entries.ts';
import {blobKey, entryKey, leaseKey} from '../../../../src/pipeline/store/remote/layout.ts';
import {pruneStore, usageOf, verifyStore} from '../../../../src/pipeline/store/remote/maintain.ts';
import type {ObjectStore} from '../../../../src/pipeline/store/remote/objects.ts';
import {pushAll} from '../../../../src/pipeline/store/remote/push-all.ts';
import {fetchRun, isHere, pushRun, remoteRuns} from '../../../../src/pipeline/store/remote/run-records.ts';
import {readRecord} from '../../../../src/pipeline/store/runs/record.ts';
import {listRuns} from '../../../../src/pipeline/store/runs/runs.ts';
import {lineOf} from '../../../../src/pipeline/store/runs/shape.ts';
import {flipByte} from '../../../rig/faults.ts';
import {auc, makeRun} from '../../../rig/runs.ts';
import {commitEntry, disturbed, freshCache, freshFolder, freshStore, unreachable} from '../../../rig/stores.ts';

const [old, young] = ['20260101-000000.000-made-up-aaaa', '20260301-000000.000-made-up-bbbb'];
const pushing = {
  progress: {done: 0, all: 0, bytes: 0},
  warn: (message: string) => expect.unreachable(message),
  store: 'x',
};

const cacheAt = (root: string) => openCache(join(root, 'cache'), {warn: (message) => expect.unreachable(message)});

/** A folder of runs, as `run` leaves it. */
function project(...ids: readonly string[]): string {
  const root = freshFolder();
  for (const id of ids) makeRun(root, {id, pruned: true, tasks: [{inlier: 'bag', seed: 0, scores: auc(0.9)}]});
  return root;
}

/** The record of a run that has used these entries. */
async function pushUse(objects: ObjectStore, id: string, names: readonly string[]): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  const ends = names.map((name) => {
    const stage = {type: 'stage-finished', stage: name, kind: 'score', label: name} as const;
    return lineOf({at, ...stage, how: 'cached', fingerprint: sha256(name), seconds: 1, summary: null});
  });
  await objects.write(`runs/${id}/events.ndjson`, Buffer.from(ends.map((line) => `${line}\n`).join('')));
  await objects.write(`runs/${id}/plan.json`, Buffer.from('{}'));
}

test('everything is pushed once; a second time, nothing', async () => {
  const {objects} = freshStore();
  const root = project(old, young);
  const cache = cacheAt(root);
  for (const name of ['a', 'b', 'c']) await commitEntry(cache, name, {same: 'same'});
  const all = {...pushing, cache, root, runs: listRuns(root)};
  expect(await pushAll(objects, all)).toEqual({
    entries: 3,
    failed: 0,
    there: 0,
    differing: 0,
    runs: 2,
    bytes: expect.any(Number),
  });
  expect(await pushAll(objects, all)).toMatchObject({entries: 0, there: 3, runs: 0});
  expect(await usageOf(objects)).toMatchObject({
    entries: {objects: 3},
    files: {objects: 1, bytes: 4},
    runs: {objects: 2},
  });
});

test('a run is fetched whole, and again when it has gone on; one of this machine is left alone', async () => {
  const {objects} = freshStore();
  const root = project(young);
  await pushRun(objects, join(root, young), young);
  const [run] = await remoteRuns(objects);
  const there = freshFolder();
  expect([run!.id, isHere(there, run!), isHere(root, run!)]).toEqual([young, false, true]);
  await fetchRun(objects, there, run!, 'the store');
  expect(isHere(there, run!)).toBe(true);
  const record = readRecord(join(there, young));
  expect(record.ok && record.value.outcome).toBe('done');
  await objects.write(`runs/${young}/events.ndjson`, Buffer.from(''));
  const [later] = await remoteRuns(objects);
  expect([isHere(there, later!), isHere(root, later!)]).toEqual([false, true]);
  await fetchRun(objects, there, later!, 'the store');
  expect(isHere(there, later!)).toBe(true);
});

test('a run without its plan is none: it is being pushed or removed', async () => {
  const {objects} = freshStore();
  await objects.write(`runs/${young}/events.ndjson`, Buffer.from(''));
  await objects.write('runs/../plan.json', Buffer.from(''));
  expect(await remoteRuns(objects)).toEqual([]);
});

test('damage of every kind is found, and removed with the entries that it spoils', async () => {
  const {objects, folder} = freshStore();
  const cache = freshCache();
  for (const [name, files] of Object.entries({
    sound: {out: 'sound'},
    flipped: {out: 'flipped', other: 'other'},
    lost: {out: 'lost'},
    spoilt: {out: 'spoilt'},
    linked: {out: 'linked'},
    foldered: {out: 'foldered'},
  }))
    await pushEntry(objects, await commitEntry(cache, name, files));
  flipByte(join(folder, blobKey(sha256('flipped'))), 2);
  rmSync(join(folder, blobKey(sha256('lost'))));
  flipByte(join(folder, entryKey(sha256('spoilt'))), 30);
  const [linked, foldered] = [join(folder, blobKey(sha256('linked'))), join(folder, entryKey(sha256('foldered')))];
  for (const path of [linked, foldered]) rmSync(path);
  symlinkSync('/nowhere/x', linked);
  mkdirSync(join(foldered, 'work'), {recursive: true});
  const find = async (remove: boolean) => {
    const found = [];
    for await (const finding of verifyStore(objects, {remove})) found.push(finding);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  };
  const expected = [
    {key: blobKey(sha256('flipped')), reason: 'differs from its checksum'},
    {key: entryKey(sha256('flipped')), reason: 'its file out is missing or damaged'},
    {key: entryKey(sha256('lost')), reason: 'its file out is missing or damaged'},
    {key: entryKey(sha256('spoilt')), reason: expect.stringContaining('its manifest.json ')},
    {key: blobKey(sha256('linked')), reason: 'is a link to nothing'},
    {key: entryKey(sha256('linked')), reason: 'its file out is missing or damaged'},
    {key: entryKey(sha256('foldered')), reason: 'is a folder, not a file'},
  ].sort((a, b) => (a.key < b.key ? -1 : 1));
  expect(await find(false)).toEqual(expected);
  const moved = {key: entryKey(sha256('foldered')), movedTo: `${foldered}.moved`};
  expect(await find(true)).toEqual(expected.map((one) => (one.key === moved.key ? {...one, ...moved} : one)));
  expect(await find(false)).toEqual([]);
  expect(await remoteManifest(objects, sha256('sound'))).toBeDefined();
  // Who has the results puts them there again.
  expect(await pushAll(objects, {...pushing, cache, root: freshFolder(), runs: []})).toMatchObject({
    entries: 5,
    there: 1,
  });
  expect(await find(false)).toEqual([]);
});

test('a server that does not answer is not taken for damage', async () => {
  const {objects} = freshStore();
  await pushEntry(objects, await commitEntry(freshCache(), 'one'));
  const silent = disturbed(objects, (operation, key) => operation === 'read' && key.endsWith('.json') && unreachable());
  const verifying = (async () => {
    for await (const _ of verifyStore(silent, {remove: true}));
  })();
  await expect(verifying).rejects.toMatchObject({kind: 'unreachable'});
  expect(await remoteManifest(objects, sha256('one'))).toBeDefined();
});

test('a push of a whole folder says which results have other bytes in the store, each time', async () => {
  const {objects} = freshStore();
  const [ann, bob] = [cacheAt(freshFolder()), cacheAt(freshFolder())];
  await commitEntry(ann, 'same');
  await commitEntry(ann, 'other', {out: 'first'}, {run: 'run-a', host: 'host-a'});
  await commitEntry(bob, 'same');
  await commitEntry(bob, 'other', {out: 'second'}, {run: 'run-b', host: 'host-b'});
  await pushAll(objects, {...pushing, cache: ann, root: freshFolder(), runs: []});
  for (let time = 0; time < 2; time++) {
    const said: string[] = [];
    const warn = (message: string) => void said.push(message);
    const pushed = await pushAll(objects, {...pushing, cache: bob, root: freshFolder(), runs: [], warn});
    expect(pushed).toMatchObject({entries: 0, there: 2, differing: 1, failed: 0});
    expect(said).toEqual([expect.stringMatching(/"score other" has other bytes.* run-a on host-a .* run-b on host-b/)]);
  }
});

test('pruning removes old runs and what they alone have used; what is younger than a day stays', async () => {
  const {objects, folder} = freshStore();
  const cache = freshCache();
  for (const name of ['both', 'old', 'young', 'none']) await pushEntry(objects, await commitEntry(cache, name));
  await pushUse(objects, old, ['both', 'old']);
  await pushUse(objects, young, ['both', 'young']);
  await objects.write(blobKey(sha256('an orphan')), Buffer.from('an orphan'));
  await objects.write(leaseKey(sha256('a'), 1), Buffer.from('{}'));
  const now = Date.parse('2026-03-20T00:00:00.000Z');
  // All of it was written just now, by the clock of this machine.
  expect(await pruneStore(objects, {days: 90, now})).toEqual({runs: 0, entries: 0, bytes: 0});
  for (const prefix of ['entries/', 'blobs/', 'leases/'])
    for await (const {key} of objects.list(prefix)) utimesSync(join(folder, key), 1, 1);
  expect(await pruneStore(objects, {days: 60, now})).toMatchObject({runs: 1, entries: 2});
  expect((await remoteRuns(objects)).map(({id}) => id)).toEqual([young]);
  const there = async (name: string): Promise<boolean> =>
    (await remoteManifest(objects, sha256(name))) !== undefined &&
    (await objects.size(blobKey(sha256(name)))) !== undefined;
  expect(await Promise.all(['both', 'young', 'old', 'none'].map(there))).toEqual([true, true, false, false]);
  for (const key of [blobKey(sha256('old')), blobKey(sha256('an orphan')), leaseKey(sha256('a'), 1)])
    expect(await objects.size(key)).toBeUndefined();
});

test('what could not be pushed is said; begun again, the push goes on where it was', async () => {
  const {objects} = freshStore();
  const cache = freshCache();
  for (let i = 0; i < 6; i++) await commitEntry(cache, `${i}`);
  let left = 4;
  const dying = disturbed(objects, (operation) => {
    if (operation === 'create' && left-- <= 0) throw new Error('died');
  });
  const all = {...pushing, cache, root: freshFolder(), runs: []};
  const said: string[] = [];
  const first = await pushAll(dying, {...all, warn: (message) => said.push(message)});
  expect(first).toMatchObject({entries: 4, failed: 2});
  expect(said).toHaveLength(2);
  expect(await pushAll(objects, all)).toMatchObject({entries: 2, there: 4});
});

/** Runs of fake stages on caches of their own, with one store between them. */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {openCache} from '../../../../src/pipeline/store/cache/cache.ts';
import {openFolder} from '../../../../src/pipeline/store/remote/folder.ts';
import {folders} from '../../../../src/pipeline/store/remote/layout.ts';
import {remoteHeartbeat} from '../../../../src/pipeline/store/remote/lease.ts';
import {StoreError} from '../../../../src/pipeline/store/remote/objects.ts';
import {askAgain} from '../../../../src/pipeline/store/remote/reach.ts';
import {flipByte} from '../../../rig/faults.ts';
import {machine, runOn} from '../../../rig/machines.ts';
import {disturbed, freshFolder, freshStore, silence, unreachable} from '../../../rig/stores.ts';
import {fates, told, World} from '../../../rig/world.ts';

const usual = {lease: {...remoteHeartbeat}, ask: {...askAgain}};
beforeAll(() => {
  Object.assign(remoteHeartbeat, {look: 0.02});
  Object.assign(askAgain, {every: 0.05});
});
afterAll(() => {
  Object.assign(remoteHeartbeat, usual.lease);
  Object.assign(askAgain, usual.ask);
});

const stages = {a: {}, b: {needs: ['a']}, c: {needs: ['a', 'b']}};
const all = (fate: string) => ({a: fate, b: fate, c: fate});

test('what one machine has computed is a hit on the next, and is said to be fetched', async () => {
  using world = new World();
  const {objects} = freshStore();
  const one = machine(objects);
  expect(fates(await runOn(world, one, stages))).toEqual(all('computed'));
  expect(one.notes).toEqual([expect.stringMatching(/^3 results were pushed to the store \(\d+ B\)$/)]);
  const two = machine(objects);
  const second = await runOn(world, two, stages);
  expect(fates(second)).toEqual(all('cached'));
  expect(told(second.events, 'stage-finished')).toMatchObject([{fetched: true}, {fetched: true}, {fetched: true}]);
  expect(two.notes).toEqual([expect.stringMatching(/^3 results were fetched from the store \(\d+ B\)$/)]);
  // From then on it is here.
  const third = await runOn(world, machine(objects, {root: two.root}), stages);
  expect(told(third.events, 'stage-finished')).toEqual([
    expect.not.objectContaining({fetched: true}),
    expect.not.objectContaining({fetched: true}),
    expect.not.objectContaining({fetched: true}),
  ]);
  expect([...one.warnings, ...two.warnings]).toEqual([]);
});

test('two machines that run at once compute each stage once', async () => {
  using world = new World();
  const {objects, folder} = freshStore();
  const ids = Array.from({length: 6}, (_, i) => `s${i}`);
  const many = {
    ...Object.fromEntries(ids.map((id) => [id, {script: [['tell', id]]}] as const)),
    last: {needs: ids},
  };
  const machines = [machine(objects), machine(openFolder(folder))];
  const runs = await Promise.all(machines.map((one) => runOn(world, one, many)));
  const started = world.journal.filter((line) => line.startsWith('start'));
  expect(started.sort()).toEqual([...ids, 'last'].map((id) => `start ${id}`).sort());
  for (const run of runs) expect(run.outcome).toBe('done');
  const leases: string[] = [];
  for await (const {key} of objects.list(folders.leases)) leases.push(key);
  expect(leases).toEqual([]);
});

test('what was computed before there was a store is pushed when a run uses it', async () => {
  using world = new World();
  const root = freshFolder();
  await world.run(stages, {cache: openCache(join(root, 'cache'), {warn: () => undefined})});
  const {objects} = freshStore();
  await runOn(world, machine(objects, {root}), stages);
  expect(fates(await runOn(world, machine(objects), stages))).toEqual(all('cached'));
});

test('a store that is only read gets nothing, neither results nor leases', async () => {
  using world = new World();
  const {objects, folder} = freshStore();
  await runOn(world, machine(objects), {a: {}});
  const before = readdirSync(folder, {recursive: true}).sort();
  const reader = machine(objects, {readOnly: true});
  expect(fates(await runOn(world, reader, stages))).toEqual({a: 'cached', b: 'computed', c: 'computed'});
  expect(readdirSync(folder, {recursive: true}).sort()).toEqual(before);
});

test('a frozen run computes nothing: it names what is not there, and why', async () => {
  using world = new World();
  const {objects} = freshStore();
  await runOn(world, machine(objects), {a: {}});
  const run = await runOn(world, machine(objects), stages, true);
  expect(fates(run)).toEqual({a: 'cached', b: 'failed', c: 'skipped'});
  expect(told(run.events, 'stage-failed')).toMatchObject([
    {stage: 'b', message: expect.stringMatching(/^it is not cached, and with --frozen nothing is computed \(.+\)$/)},
  ]);
  expect(world.journal).toEqual(['start a', 'end a']);
});

test('a store that is gone when a run begins ends nothing; the next run pushes what this one owes', async () => {
  using world = new World();
  const {objects} = freshStore();
  const dead = disturbed(objects, unreachable);
  const one = machine(dead, {silent: new StoreError('unreachable', 'it does not answer')});
  expect(fates(await runOn(world, one, stages))).toEqual(all('computed'));
  expect(one.warnings).toEqual([
    'the store the store can’t be used: it does not answer. The run goes on with the cache of this machine; what it computes is pushed later.'.replace(
      '’',
      "'",
    ),
  ]);
  expect(one.notes.at(-1)).toBe(
    '3 results are still to be pushed to the store: the next run does it, or "pipeline store push"',
  );
  // Another spec, the same folder.
  const later = machine(objects, {root: one.root});
  later.store.follow({id: '20260101-000000.000-later-0000', folder: world.root});
  await runOn(world, later, {d: {}});
  expect(fates(await runOn(world, machine(objects), stages))).toEqual(all('cached'));
});

test('a store that dies in the middle is said once, and the run goes on; what is owed is pushed when it answers again', async () => {
  using world = new World();
  const {objects} = freshStore();
  let dead = false;
  const mortal = disturbed(objects, () => (dead ? unreachable() : undefined));
  const one = machine(mortal);
  const happening = world.start(
    {
      ...stages,
      d: {
        needs: ['c'],
        script: [
          ['tell', 'd'],
          ['wait', 'go'],
        ],
      },
    },
    {cache: one.store.cache},
  );
  await happening.told('d');
  dead = true;
  world.write('go');
  expect((await happening.outcome).outcome).toBe('done');
  await one.store.finish(new AbortController().signal);
  expect(one.warnings).toHaveLength(1);
  // That of "d", and what was still on its way when the store died.
  expect(one.notes.at(-1)).toMatch(/^[1-4] results? (is|are) still to be pushed/);
  dead = false;
  await expect.poll(() => one.notes).toContain('the store the store answers again');
  await one.store.finish(new AbortController().signal);
  one.store.close();
  expect(fates(await runOn(world, machine(objects), stages))).toEqual(all('cached'));
});

test('when a store is gone, nobody waits for questions that it has not answered', async () => {
  using world = new World();
  const {objects} = freshStore();
  let asked = 0;
  const hanging = disturbed(objects, (operation, key) => {
    if (key.startsWith(folders.leases)) return silence();
    return operation !== 'read' || ++asked > 3 ? unreachable() : undefined;
  });
  const one = machine(hanging);
  expect(fates(await runOn(world, one, {a: {}, b: {}, c: {}, d: {}}))).toEqual({...all('computed'), d: 'computed'});
  expect(one.warnings).toHaveLength(1);
});

test('an upload that never ends does not hang the end of a run: a small question finds out that the server is dead', async () => {
  using world = new World();
  const {objects} = freshStore();
  let dead = false;
  const stuck = disturbed(objects, (operation) => {
    if (operation === 'upload') {
      dead = true;
      return silence();
    }
    return dead ? unreachable() : undefined;
  });
  const one = machine(stuck);
  expect(fates(await runOn(world, one, {a: {}}))).toEqual({a: 'computed'});
  expect(one.notes.at(-1)).toContain('1 result is still to be pushed');
});

test('a wrong byte in the store is found, said, and put right by who computes it', async () => {
  using world = new World();
  const {objects, folder} = freshStore();
  await runOn(world, machine(objects), {a: {}});
  const [blob] = readdirSync(join(folder, 'blobs'), {recursive: true, encoding: 'utf8'}).filter(
    (name) => name.length > 60,
  );
  flipByte(join(folder, 'blobs', blob!), 0);
  const two = machine(objects);
  expect(fates(await runOn(world, two, {a: {}}))).toEqual({a: 'computed'});
  expect(two.warnings).toEqual([
    expect.stringMatching(
      /^the store's copy of [0-9a-f]{12} is damaged: out differs from its checksum\. It is not used, and is replaced/,
    ),
  ]);
  expect(readFileSync(join(folder, 'blobs', blob!), 'utf8')).toBe('a()');
  const three = machine(objects);
  expect(fates(await runOn(world, three, {a: {}}))).toEqual({a: 'cached'});
  expect(three.warnings).toEqual([]);
});

test('the record of a run is in the store while it goes on and when it has ended', async () => {
  using world = new World();
  const {objects} = freshStore();
  const one = machine(objects);
  const id = '20260101-000000.000-test-abcd';
  for (const name of ['plan.json', 'environment.json', 'pipeline.yaml']) world.write(name, name);
  const record = world.root;
  writeFileSync(join(record, 'events.ndjson'), 'one\n');
  one.store.follow({id, folder: record});
  await expect.poll(() => objects.read(`runs/${id}/plan.json`).then(String)).toBe('plan.json');
  expect(String(await objects.read(`runs/${id}/events.ndjson`))).toBe('one\n');
  writeFileSync(join(record, 'events.ndjson'), 'one\ntwo\n');
  await one.store.finish(new AbortController().signal);
  one.store.close();
  expect(String(await objects.read(`runs/${id}/events.ndjson`))).toBe('one\ntwo\n');
});

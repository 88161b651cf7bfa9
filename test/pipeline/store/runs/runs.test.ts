import {appendFileSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {Plan} from '../../../../src/pipeline/config/spec.ts';
import {emitter} from '../../../../src/pipeline/events.ts';
import {createRun, describeEnvironment, listRuns, readRun} from '../../../../src/pipeline/store/runs/runs.ts';
import {World} from '../../../rig/world.ts';

const plan: Plan = {name: 'Quick start!', source: 'name: Quick start!\n', tasks: [], pluginUrls: []};
const now = new Date('2026-11-24T03:15:00.123Z');

const environment = await describeEnvironment({version: '1.0.0', folder: '.', command: ['run', 'quickstart.yaml']});

const start = (world: World, at = now, name = plan.name) =>
  createRun({root: join(world.root, 'runs'), plan: {...plan, name}, graph: world.graph({a: {}}), environment, now: at});

test('a run has a folder whose name sorts by time, with what was asked and where', async () => {
  using world = new World();
  const run = await start(world);
  run.close();
  expect(run.id).toMatch(/^20261124-031500\.123-quick-start-[0-9a-f]{4}$/);
  expect(readdirSync(run.folder).sort()).toEqual(['environment.json', 'events.ndjson', 'pipeline.yaml', 'plan.json']);
  expect(readFileSync(join(run.folder, 'pipeline.yaml'), 'utf8')).toBe(plan.source);
  expect(JSON.parse(readFileSync(join(run.folder, 'plan.json'), 'utf8'))).toEqual({
    format: 1,
    self: expect.stringMatching(/^[0-9a-f]{64}$/),
    name: plan.name,
    tasks: [],
    stages: [
      {
        ...{id: 'a', kind: 'data', label: 'stage a', lane: 'cpu', inputs: {}, tasks: []},
        recipe: {world: world.root, name: 'a'},
      },
    ],
  });
  expect(JSON.parse(readFileSync(join(run.folder, 'environment.json'), 'utf8'))).toMatchObject({
    version: '1.0.0',
    node: process.versions.node,
    command: ['run', 'quickstart.yaml'],
    cores: expect.any(Number),
    memory: expect.any(Number),
  });
});

test('two runs in the same second have different ids', async () => {
  using world = new World();
  const runs = [await start(world), await start(world), await start(world)];
  for (const run of runs) run.close();
  expect(new Set(runs.map((run) => run.id)).size).toBe(3);
});

test('a run sorts after those that were there, even if the clock of one of them was ahead', async () => {
  using world = new World();
  const tomorrow = await start(world, new Date('2026-11-25T23:59:59.999Z'));
  const today = await start(world);
  const next = await start(world);
  for (const run of [tomorrow, today, next]) run.close();
  expect(today.id).toMatch(/^20261126-000000\.000-/);
  expect(next.id).toMatch(/^20261126-000000\.001-/);
  expect(listRuns(join(world.root, 'runs'))).toEqual([next.id, today.id, tomorrow.id]);
});

test('events are one line each; progress of a training is recorded every few seconds', async () => {
  using world = new World();
  const run = await start(world);
  let time = 0;
  const emit = emitter([run.log], () => new Date(time));
  const items = (done: number) =>
    emit({type: 'stage-progress', stage: 'a', label: 'a', progress: {of: 'items', done, unit: 'images'}});
  for (; time < 12_000; time += 1000) items(time / 1000);
  emit({type: 'warning', message: 'two\nlines'});
  run.close();
  const lines = readFileSync(join(run.folder, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).progress?.done ?? JSON.parse(line).message)).toEqual([
    0,
    5,
    10,
    'two\nlines',
  ]);
});

test('after a kill, only an incomplete last line is lost', async () => {
  using world = new World();
  const run = await start(world);
  emitter([run.log])({type: 'run-started', run: run.id, spec: 'quick', tasks: 0, stages: 1});
  run.close();
  appendFileSync(join(run.folder, 'events.ndjson'), '{"at":"2026-11-24T03:15:01.000Z","type":"run-fin');
  const record = readRun(join(world.root, 'runs'), 'latest');
  expect(record).toMatchObject({ok: true, value: {id: run.id, outcome: 'unfinished', stages: [{status: 'waiting'}]}});
});

test('runs are listed newest first, and found by id, by a part of it, or by latest', async () => {
  using world = new World();
  const root = join(world.root, 'runs');
  expect(listRuns(root)).toEqual([]);
  expect(readRun(root, 'latest')).toMatchObject({ok: false, failures: [{message: `there is no run in ${root}`}]});
  const old = await start(world, now, 'first');
  const recent = await start(world, new Date('2026-11-25T00:00:00Z'), 'second');
  const inside = await start(world, new Date('2026-11-26T00:00:00Z'), 'the-first-one');
  for (const run of [old, recent, inside]) run.close();
  for (const other of ['cache', 'results', '.tmp']) mkdirSync(join(root, other));
  expect(listRuns(root)).toEqual([inside.id, recent.id, old.id]);
  const found = (which: string) => {
    const record = readRun(root, which);
    return record.ok ? record.value.id : record.failures.map(({message, hint}) => `${message} ${hint}`).join();
  };
  expect([found('latest'), found('first'), found(old.id)]).toEqual([inside.id, old.id, old.id]);
  expect(found('third')).toBe(`there is no run "third" The latest is ${inside.id}; "pipeline ls" lists all.`);
  expect(found('2026')).toBe(
    `"2026" is part of 3 runs: ${inside.id}, ${recent.id}, ${old.id} Give a longer part of the id, or "latest".`,
  );
});

test('outside a git repository the environment has no git state', async () => {
  using world = new World();
  const described = await describeEnvironment({version: '1.0.0', folder: world.root, command: []});
  expect(described.git).toBeUndefined();
});

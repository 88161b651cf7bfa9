/** Real processes, killed or at the same time: nothing is lost, half-written, or done twice. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {finished, startRunner} from '../../rig/runners.ts';
import {type FakeStage, told, World} from '../../rig/world.ts';

/** a → b → c and d; `b` is where it happens. */
const chain = (script: FakeStage['script'] = [], last: FakeStage['script'] = []) => ({
  a: {},
  b: {needs: ['a'], script},
  c: {needs: ['b']},
  d: {needs: ['a', 'c'], script: last},
});

const result = 'd(a(),c(b(a())))';

interface Moment {
  readonly when: string;
  readonly script: NonNullable<FakeStage['script']>;
}

const moments: readonly Moment[] = [
  {when: 'while a stage computes', script: [['checkpoint'], ['murder']]},
  // Somewhere between the end of the stage, the hashing of what it left, the commit and the next stage.
  ...[0, 3, 12].map((delay): Moment => ({when: `${delay} ms after a stage ended`, script: [['murder', delay]]})),
];

test.for(moments)('a runner killed $when continues where it stopped', async ({script}) => {
  using world = new World();
  // The last stage waits, so that no machine is so fast that the runner is done before it is killed.
  const stages = chain(script, [['wait', 'go']]);
  const first = startRunner(world, stages);
  expect(await first.ended).toEqual({code: null, signal: 'SIGKILL'});
  world.write('go');

  const second = startRunner(world, stages);
  expect(await second.ended).toEqual({code: 0, signal: null});
  const how = finished(second.events);
  for (const stage of Object.keys(finished(first.events))) expect(how[stage]).toBe('cached');
  expect(told(second.events, 'stage-finished').at(-1)).toMatchObject({stage: 'd', summary: {text: result}});
  expect(told(second.events, 'run-finished')).toMatchObject([{outcome: 'done', failed: 0, skipped: 0}]);
  for (const litter of ['tmp', 'scratch', 'locks', 'damaged'])
    expect(readdirSync(join(world.cacheRoot, litter))).toEqual([]);

  const third = startRunner(world, stages);
  await third.ended;
  expect(Object.values(finished(third.events))).toEqual(['cached', 'cached', 'cached', 'cached']);
});

const hasProc = existsSync('/proc/self/stat');

/** Processes that a process has started and that are still there; one that has ended and waits to be noticed does not count. */
function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid, (of) => of === parent));
}

function isRunning(pid: number, startedBy: (parent: number) => boolean = () => true): boolean {
  try {
    // "pid (name) state parent …": the name may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return state !== 'Z' && startedBy(Number(parent));
  } catch {
    return false; // it has ended
  }
}

test.skipIf(!hasProc)('a runner killed while its worker starts leaves no worker behind', async () => {
  using world = new World();
  const stages = chain([
    ['tell', 'b'],
    ['wait', 'go'],
  ]);
  const first = startRunner(world, stages);
  await first.heard((event) => event.type === 'stage-started' && event.stage === 'a');
  await expect.poll(() => childrenOf(first.child.pid!), {timeout: 20_000}).not.toEqual([]);
  const workers = childrenOf(first.child.pid!);
  first.child.kill('SIGKILL');
  await first.ended;
  await expect.poll(() => workers.filter((pid) => isRunning(pid)), {timeout: 20_000}).toEqual([]);
  world.write('go');
  const second = startRunner(world, stages);
  expect((await second.ended).code).toBe(0);
  expect(told(second.events, 'stage-finished').at(-1)).toMatchObject({summary: {text: result}});
});

test.skipIf(!hasProc)('a worker that computes without a pause ends with its runner', async () => {
  using world = new World();
  const first = startRunner(world, {deaf: {script: [['pid'], ['tell', 'deaf'], ['spin']]}});
  await first.heard((event) => event.type === 'stage-progress');
  const pid = world.journal.find((line) => line.startsWith('pid'))!.split(' ')[1]!;
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  first.child.kill('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${pid}`), {timeout: 20_000}).toBe(false);
});

test('Ctrl-C ends a runner and keeps finished results', async () => {
  using world = new World();
  const stages = chain([
    ['tell', 'b'],
    ['wait', 'go'],
  ]);
  const first = startRunner(world, stages);
  await first.heard((event) => event.type === 'stage-progress');
  first.child.kill('SIGINT');
  expect(await first.ended).toEqual({code: 1, signal: null});
  expect(told(first.events, 'run-finished')).toMatchObject([{outcome: 'interrupted', computed: 1, skipped: 3}]);
  world.write('go');
  const second = startRunner(world, stages);
  await second.ended;
  expect(finished(second.events)).toEqual({a: 'cached', b: 'computed', c: 'computed', d: 'computed'});
});

test('two runners on one cache run every stage once between them', async () => {
  using world = new World();
  const stages = {
    ...chain([
      ['tell', 'b'],
      ['wait', 'go'],
    ]),
    ...Object.fromEntries(Array.from({length: 6}, (_, i) => [`free ${i}`, {}])),
  };
  const runners = [startRunner(world, stages), startRunner(world, stages)] as const;
  const waits = (event: RunEvent): boolean => event.type === 'warning' && event.message.includes('"stage b"');
  // One of them computes b; the other waits for it, in no lane.
  await Promise.race(runners.map((runner) => runner.heard(waits)));
  world.write('go');
  for (const runner of runners) expect(await runner.ended).toEqual({code: 0, signal: null});
  const started = world.journal.filter((line) => line.startsWith('start')).sort();
  expect(started).toEqual(
    Object.keys(stages)
      .map((id) => `start ${id}`)
      .sort(),
  );
  for (const {events} of runners) {
    expect(told(events, 'stage-finished')).toHaveLength(10);
    expect(events.filter((event) => event.type === 'stage-finished' && event.stage === 'd')).toMatchObject([
      {summary: {text: result}},
    ]);
  }
});

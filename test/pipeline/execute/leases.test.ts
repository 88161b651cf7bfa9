/** Runners that are stopped, taken for dead, and go on; and runners on hosts of their own that share one store. */
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {finished, type Runner, startRunner} from '../../rig/runners.ts';
import {told, World} from '../../rig/world.ts';

const hasProc = existsSync('/proc/self/stat');
const quick = {CAMPAIGN_BEATS: '0.1 1'};
const summaryOf = (runner: Runner, stage: string): unknown =>
  (told(runner.events, 'stage-finished') as {stage: string; summary: unknown}[]).find((end) => end.stage === stage)
    ?.summary;
const litter = (world: World): readonly string[] =>
  ['tmp', 'scratch', 'locks', 'damaged'].flatMap((name) => readdirSync(join(world.cacheRoot, name)));

/** A stage that leaves a checkpoint, and waits to go on. */
const slow = {
  b: {script: [['checkpoint'], ['tell', 'b'], ['wait', 'go'], ['checkpoint'], ['wait', 'end']]},
  c: {needs: ['b']},
} as const;

test.skipIf(!hasProc)(
  'a run that somebody has stopped is taken over; when it goes on, it takes what its successor has made',
  async () => {
    using world = new World();
    const first = startRunner(world, slow, quick);
    await first.heard((event) => event.type === 'stage-progress');
    process.kill(-first.child.pid!, 'SIGSTOP'); // with its worker, as Ctrl-Z does
    const second = startRunner(world, slow, quick);
    await second.heard((event) => event.type === 'stage-progress');
    world.write('go');
    world.write('end');
    expect(await second.ended).toEqual({code: 0, signal: null});
    expect(finished(second.events)).toEqual({b: 'computed', c: 'computed'});
    // It went on from the checkpoint of the first.
    expect(summaryOf(second, 'b')).toMatchObject({count: 3});
    const made = readFileSync(entryOf(world, second), 'utf8');
    process.kill(-first.child.pid!, 'SIGCONT');
    expect(await first.ended).toEqual({code: 0, signal: null});
    expect(finished(first.events)).toEqual({b: 'cached', c: 'cached'});
    expect(told(first.events, 'warning')).toMatchObject([
      {stage: 'b', message: expect.stringContaining('"stage b" was taken over by another process')},
    ]);
    expect(readFileSync(entryOf(world, second), 'utf8')).toBe(made);
    expect(litter(world)).toEqual([]);
  },
);

test('a worker whose runner is taken for dead writes on, and spoils neither the checkpoints nor the result of the successor', async () => {
  using world = new World();
  const first = startRunner(world, slow, {...quick, CAMPAIGN_HOST: 'host-a'});
  await first.heard((event) => event.type === 'stage-progress');
  process.kill(first.child.pid!, 'SIGSTOP'); // its worker runs on
  const second = startRunner(world, slow, {...quick, CAMPAIGN_HOST: 'host-b'});
  await second.heard((event) => event.type === 'stage-progress');
  expect(told(second.events, 'warning')).toMatchObject([
    {message: expect.stringMatching(/^waiting for process \d+ on host-a to finish/)},
    {message: expect.stringContaining('gave no sign of life for 1 s')},
  ]);
  world.write('go');
  world.write('end');
  expect(await second.ended).toEqual({code: 0, signal: null});
  expect(summaryOf(second, 'b')).toMatchObject({count: 3});
  const before = statSync(entryOf(world, second), {bigint: true});
  process.kill(first.child.pid!, 'SIGCONT');
  expect(await first.ended).toEqual({code: 0, signal: null});
  expect(finished(first.events)).toEqual({b: 'cached', c: 'cached'});
  expect(statSync(entryOf(world, second), {bigint: true})).toMatchObject({ino: before.ino, mtimeNs: before.mtimeNs});
  expect(litter(world)).toEqual([]);
});

function entryOf(world: World, runner: Runner): string {
  const {fingerprint} = runner.events.find((event) => event.type === 'stage-finished')!;
  return join(world.cacheRoot, fingerprint.slice(0, 2), fingerprint, 'manifest.json');
}

/** Number of stages that are at work in it. */
const working = ({events}: Runner): number =>
  new Set(events.flatMap((event) => (event.type === 'stage-progress' ? [event.stage] : []))).size;

test('three runners on hosts with names and clocks of their own share the stages, each of which is computed once', async () => {
  using world = new World();
  const ids = Array.from({length: 8}, (_, i) => `s${i}`);
  const stages = {
    ...Object.fromEntries(
      ids.map(
        (id) =>
          [
            id,
            {
              script: [
                ['tell', id],
                ['wait', 'go'],
              ],
            },
          ] as const,
      ),
    ),
    last: {needs: ids},
  };
  const day = 86_400_000;
  const runners = [-day, 0, day].map((clock, i) =>
    startRunner(world, stages, {...quick, CAMPAIGN_HOST: `host-${i}`, CAMPAIGN_CLOCK: String(clock)}),
  );
  // Each has two cores, and work in both: none waits for a stage of another while there are others to do.
  await Promise.all(runners.map((runner) => runner.heard(() => working(runner) === 2)));
  expect(world.journal.filter((line) => line.startsWith('start'))).toHaveLength(6);
  world.write('go');
  for (const runner of runners) expect(await runner.ended).toEqual({code: 0, signal: null});
  const computed = runners.flatMap(({events}) =>
    Object.entries(finished(events)).filter(([, how]) => how === 'computed'),
  );
  expect(computed.map(([id]) => id).sort()).toEqual(['last', ...ids].sort());
  for (const {events} of runners) expect(Object.keys(finished(events))).toHaveLength(9);
  expect(litter(world)).toEqual([]);
});

// @module-tag slow
/** The command interrupted, killed, and with plug-ins that fail; and plug-ins of a user's own. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {command, Project, tableOf, tinySpec} from '../../rig/command.ts';

// Several whole runs a test.
vi.setConfig({testTimeout: 180_000});

const reference = new Project();
let table: string;

/** Long enough to be caught in the middle of. */
const spec = tinySpec({
  learner: '{ type: rotation, network: { type: small, width: 8, head: [16] }, epochs: 8, batch: 8 }',
  classifiers: '[kde, rotation]',
});
const everyEpoch = {PIPELINE_CHECKPOINT_EVERY: '0'};

beforeAll(async () => {
  reference.write('tiny.yaml', spec);
  const {status, out} = await reference.start(['run', 'tiny.yaml'], everyEpoch).ended;
  expect(status).toBe(0);
  table = tableOf(out);
});
afterAll(() => reference[Symbol.dispose]());

test('a training that diverges says what to do about it, and not where in the program it was seen', async () => {
  using project = new Project();
  const optimizer = '{ learning_rate: 1e+30 }';
  const learner = `{ type: rotation, network: { type: small, width: 4 }, epochs: 1, batch: 16, optimizer: ${optimizer} }`;
  project.write('tiny.yaml', tinySpec({learner}));
  const {status, out} = await project.run('run', 'tiny.yaml');
  expect(status).not.toBe(0);
  expect(out).toContain('training has diverged. Try a lower optimizer.learning_rate');
  expect(out).not.toContain('Thrown at');
});

const begun =
  (...kinds: readonly string[]) =>
  (event: RunEvent) =>
    event.type === 'stage-started' && kinds.includes(event.kind);
const epochOf = (event: RunEvent): number =>
  event.type === 'stage-progress' && event.progress.of === 'training' ? event.progress.epoch : -1;
const firstEpoch = (events: readonly RunEvent[]): number | undefined => events.map(epochOf).find((epoch) => epoch >= 0);

/** No process of the group is left. */
const gone = (group: number): boolean => {
  try {
    process.kill(-group, 0);
    return false;
  } catch {
    return true;
  }
};

test('killed in the middle of data, training and embedding, and run again: the table of an undisturbed run', async () => {
  using project = new Project();
  project.write('tiny.yaml', spec);
  const moments = [
    {fits: begun('data'), group: true},
    {fits: (event: RunEvent) => epochOf(event) >= 3, group: true},
    {fits: begun('embed', 'score'), group: false}, // the workers find out by themselves
  ];
  let resumed: number | undefined;
  for (const {fits, group} of moments) {
    const run = project.start(['run', 'tiny.yaml', '--json'], everyEpoch);
    await run.heard(fits);
    const pid = run.child.pid!;
    process.kill(group ? -pid : pid, 'SIGKILL');
    expect((await run.ended).status).toBe('SIGKILL');
    await expect.poll(() => gone(pid), {timeout: 20_000}).toBe(true);
    resumed = firstEpoch(run.events);
  }
  // The training of the third run went on where the second was killed.
  expect(resumed).toBeGreaterThanOrEqual(2);
  const last = await project.run('run', 'tiny.yaml');
  expect([last.status, tableOf(last.out)]).toEqual([0, table]);
  expect(project.litter).toEqual([]);
  expect((await project.run('cache', 'verify')).out).toMatch(/^\d+ entries sound, 0 damaged\n$/);
  // Killed runs are listed with what is known of them.
  const listed = JSON.parse((await project.run('ls', '--json')).out) as {outcome: string}[];
  expect(listed.map(({outcome}) => outcome)).toEqual(['done', 'stopped', 'stopped', 'stopped']);
});

test('SIGINT and SIGTERM exit with 130, having written a checkpoint that none was due for, and say how to go on and from where', async () => {
  using project = new Project();
  project.write('tiny.yaml', spec);
  const notes = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.type === 'note' ? event.message : []));
  const goesOn = (events: readonly RunEvent[], epoch: number): void => {
    expect(firstEpoch(events)).toBe(epoch);
    expect(notes(events)).toContainEqual(
      expect.stringMatching(new RegExp(`: goes on from its checkpoint after epoch ${epoch}$`)),
    );
  };
  let kept = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const run = project.start(['run', 'tiny.yaml', '--json', '--checkpoint-every', '1h']);
    await run.heard((event) => epochOf(event) >= kept + 2);
    process.kill(-run.child.pid!, signal);
    const {status, err} = await run.ended;
    expect([status, err]).toEqual([130, 'To continue, run: pipeline run tiny.yaml --json --checkpoint-every 1h\n']);
    expect(run.events.at(-1)).toMatchObject({
      type: 'run-finished',
      outcome: 'interrupted',
      computed: kept === 0 ? 1 : 0,
    });
    if (kept > 0) goesOn(run.events, kept);
    const said = /: stopped; the next run goes on from its checkpoint after epoch (\d+)$/.exec(
      notes(run.events).at(-1)!,
    );
    expect(Number(said?.[1])).toBeGreaterThan(kept);
    kept = Number(said?.[1]);
  }
  const last = await project.events('tiny.yaml');
  expect(last.status).toBe(0);
  goesOn(last.events, kept);
  expect(tableOf((await project.run('compare')).out)).toBe(table);
  expect(project.litter).toEqual([]);
});

test('a reader that closes the pipe ends the command without a word', async () => {
  const child = spawn(process.execPath, [command, 'schema'], {
    cwd: reference.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (text: Buffer) => {
    err += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [status] = (await once(child, 'close')) as [number];
  expect([status, err]).toEqual([0, '']);
});

const plainPlugins = `
const options = {type: 'object', properties: {strength: {type: 'number', minimum: 0, default: 0.1}}, additionalProperties: false};
const none = {type: 'object', properties: {}, additionalProperties: false};
const mean = (row) => row.reduce((sum, x) => sum + x, 0) / row.length;
const rows = ({data, rows, columns}) => Array.from({length: rows}, (_, i) => data.subarray(i * columns, (i + 1) * columns));

export const plugins = [
  {
    kind: 'transform', name: 'dim', version: 1, summary: 'Darkens a little.', options,
    create: ({strength}) => ({apply: (image) => ({...image, data: image.data.map((x) => x * (1 - strength))})}),
  },
  {
    kind: 'classifier', name: 'brightness', version: 1, summary: 'How far the mean feature is from that of training.', options: none,
    layer: 'pool', row: () => 'brightness',
    create: () => ({
      fit(features) {
        const at = mean(rows(features).map(mean));
        return {score: (features) => Float64Array.from(rows(features), (row) => Math.abs(mean(row) - at)), save: () => new Map([['at', {shape: [1], data: Float32Array.of(at)}]])};
      },
      restore: () => { throw new Error('not needed'); },
    }),
  },
  {
    kind: 'classifier', name: 'broken', version: 1, summary: 'Always fails.', options: none, layer: 'pool', row: () => 'broken',
    create: () => ({fit() { throw new Error('the sky fell'); }, restore() {}}),
  },
  {
    kind: 'metric', name: 'spread', version: 1, summary: 'Highest minus lowest score.', options: none, better: 'higher',
    create: () => ({compute: (scores) => Math.max(...scores) - Math.min(...scores)}),
  },
];
`;

const packagedPlugins = `
import {defineTransform, Type} from 'one-class-pipeline';
export const plugins = [
  defineTransform({
    name: 'invert', version: 1, summary: 'Bright becomes dark.',
    options: Type.Object({p: Type.Number({minimum: 0, maximum: 1, default: 0.5})}, {additionalProperties: false}),
    create: ({p}) => ({apply: (image, rng) => (rng.uniform() < p ? {...image, data: image.data.map((x) => 1 - x)} : image)}),
  }),
];
`;

/** Stages of the two classifiers overtake each other: their lines, without their numbers, sorted. */
function inAnyOrder(text: string): string {
  const lines = text.replaceAll('\n    Thrown', '␤    Thrown').split('\n');
  const isLast = (line: string) => /^\[\d\/8\] . (score|evaluate) /.test(line);
  const last = lines.filter(isLast).map((line) => line.replace(/^\[\d/, '[n'));
  const from = lines.findIndex(isLast);
  const others = lines.filter((line) => !isLast(line));
  return [...others.slice(0, from), ...last.sort(), ...others.slice(from)].join('\n').replaceAll('␤', '\n');
}

test('plug-ins of one’s own work in worker processes and threads, and one that fails stops only what needs it', async () => {
  using project = new Project();
  project.install();
  project.write('plain.js', plainPlugins);
  project.write('packaged.js', packagedPlugins);
  project.write('package.json', '{"type": "module"}');
  project.write(
    'own.yaml',
    tinySpec({
      name: 'own',
      plugins: '[./plain.js, ./packaged.js]',
      augment: '[hflip, {dim: {strength: 0.2}}, invert]',
      classifiers: '[brightness, broken]',
      metrics: '[auc, spread]',
    }),
  );
  const {status, out, err} = await project.run('run', 'own.yaml', '--jobs', '1');
  expect(inAnyOrder(project.masked(`${out}--- stderr\n${err}--- status ${status}`))).toMatchInlineSnapshot(`
    "own: 1 task, 8 stages, run <time>-own
    [1/8] ✓ data synthetic: <time> · <memory> peak
    engine wasm 4.22.0 on cpu, 1 thread
    warning: learn rotation · stripes · seed 0: the last epoch's loss is <n>, and guessing gives <n>: the network has learnt almost nothing in 2 epochs. Try more epochs or another optimizer.learning_rate.
    [2/8] ✓ learn rotation · stripes · seed 0: <time> · <memory> peak
    [3/8] ✓ embed train rotation.pool · stripes · seed 0: <time> · <memory> peak
    [4/8] ✓ embed test rotation.pool · stripes · seed 0: <time> · <memory> peak
    [n/8] – evaluate broken · rotation · stripes · seed 0: skipped, "score broken · rotation · stripes · seed 0" failed
    [n/8] ✓ evaluate brightness · rotation · stripes · seed 0: <time> · <memory> peak
    [n/8] ✓ score brightness · rotation · stripes · seed 0: <time> · <memory> peak
    [n/8] ✗ score broken · rotation · stripes · seed 0: the sky fell
        Thrown at Object.fit (file://<folder>/plain.js:25:35).
    Failed in <time>: 6 computed, 0 cached, 1 failed, 1 skipped.
    <time>-own

    normal class  method    classifier  ours       n  note
    ──
    stripes       rotation  brightness  67.8       1
    stripes       rotation  broken         –  0 of 1  [1]

    [1] not computed, "score" failed: the sky fell

    Look closer: pipeline report <time>-own
    --- stderr
    To continue, run: pipeline run own.yaml --jobs 1
    --- status 1"
  `);
  expect((await project.run('compare', '--metric', 'spread')).out).toContain('brightness');

  const dark = await project.run('run', 'own.yaml', '--quiet', '--set', 'augment=[{dim: {strength: 2}}]');
  expect(project.masked(`${dark.out}--- stderr\n${dark.err}--- status ${dark.status}`)).toMatchInlineSnapshot(`
    "<time>-own

    normal class  method    classifier  ours       n  note
    ──
    stripes       rotation  brightness  68.9       1
    stripes       rotation  broken         –  0 of 1  [1]

    [1] not computed, "score" failed: the sky fell
    --- stderr
    ✗ score broken · rotation · stripes · seed 0: the sky fell
        Thrown at Object.fit (file://<folder>/plain.js:25:35).
    To continue, run: pipeline run own.yaml --quiet --set 'augment=[{dim: {strength: 2}}]'
    --- status 1"
  `);

  project.write('plain.js', plainPlugins.replace('x * (1 - strength)', 'x * (1 - strength) * 1'));
  // A process of its own: this one has loaded the file as it was.
  const edited = await project.start(['plan', 'own.yaml', '--explain']).ended;
  expect(project.masked(edited.out)).toContain('plain.js');
});

// @module-tag slow
/** Runs on a real Slurm of two nodes, and all that can happen to its jobs. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {Project, tableOf, tinySpec} from '../../rig/command.ts';
import {SlurmCluster, slurmMissing} from '../../rig/slurm.js';

describe.skipIf(slurmMissing)(`on Slurm (${slurmMissing ?? 'two nodes'})`, () => {
  let cluster: SlurmCluster;
  /** The table of `long`, computed on this machine. */
  let expected: string;
  beforeAll(async () => {
    cluster = await SlurmCluster.start();
    using project = onCluster(long);
    expected = tableOf((await project.run('run', 'spec.yaml')).out);
    expect(expected).toContain('stripes');
  });
  afterAll(() => cluster?.stop());

  /** A training of some seconds. */
  const long = tinySpec({
    learner: '{ type: rotation, network: { type: small, width: 4, head: [16] }, epochs: 300, batch: 16 }',
  });

  function onCluster(spec: string, learn = ''): Project {
    const project = new Project();
    project.write('spec.yaml', spec);
    project.write(
      'site.yaml',
      `resources:
  default: { memory: 900M, cpus: 1, time: 10min }
  learn: { gpus: 1${learn} }
poll: 0.5
`,
    );
    return project;
  }

  const start = (project: Project, ...args: readonly string[]) =>
    project.start(['run', 'spec.yaml', '--executor', 'slurm', '--checkpoint-every', '1s', ...args], cluster.env);

  /** Of the latest run, so far. */
  const eventsOf = (project: Project): readonly RunEvent[] => {
    const run = existsSync(project.path('runs')) ? (project.runs.at(-1) ?? '') : '';
    const file = project.path('runs', run, 'events.ndjson');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.slice(0, -1).map((line) => JSON.parse(line) as RunEvent);
  };

  const wentOn = expect.objectContaining({
    type: 'note',
    message: expect.stringMatching(/goes on from its checkpoint after epoch \d/),
  });

  const warningsOf = (project: Project): readonly string[] =>
    eventsOf(project).flatMap((event) => (event.type === 'warning' ? [event.message] : []));

  /** The job of a training that has made some progress. */
  async function trainingOf(project: Project): Promise<string> {
    let job: string | undefined;
    await cluster.until('a training goes on', () => {
      const events = eventsOf(project);
      const began = events.findLast((event) => event.type === 'stage-started' && event.kind === 'learn');
      job = began && 'where' in began ? began.where?.job : undefined;
      return job !== undefined && events.slice(events.indexOf(began!)).some((event) => event.type === 'stage-progress');
    });
    return job!;
  }

  test('both nodes compute, and the table is that of one machine', async () => {
    using project = onCluster(tinySpec({seeds: '3'}));
    const {out, status, err} = await start(project).ended;
    expect({err, status}).toEqual({err: '', status: 0});
    const local = await project.run('run', 'spec.yaml', '--runs', 'local');
    expect(tableOf(out)).toBe(tableOf(local.out));
    const nodes = eventsOf(project).flatMap((event) => (event.type === 'stage-started' ? [event.where!.node] : []));
    expect([...new Set(nodes)].sort()).toEqual(['n1', 'n2']);
  });

  test('a search whose trainings end early at rungs has the table of one machine', async () => {
    const search = `{space: {learner.optimizer.learning_rate: [0.001, 0.3]}, method: grid,
      objective: {on: test}, halving: {first: 1, factor: 2}}`;
    using project = onCluster(tinySpec({metrics: '[auc]', search}));
    const {out, status, err} = await start(project).ended;
    expect({err, status}).toEqual({err: '', status: 0});
    const table = (text: string) => text.slice(text.indexOf('trial  '), text.indexOf('\n\nLook closer'));
    const local = await project.run('run', 'spec.yaml', '--runs', 'local');
    expect(table(out)).toBe(table(local.out));
    expect(table(out)).toContain('epoch 1');
    const events = eventsOf(project);
    const computed = events.filter((event) => event.type === 'stage-started');
    expect(computed.filter(({where}) => where === undefined)).toEqual([]);
    expect(events).toContainEqual(wentOn);
  });

  test('a job whose time is almost over writes a checkpoint, and the next one goes on from there', async () => {
    using project = onCluster(long);
    const {ended} = start(project);
    // As Slurm itself does before the limit, but not up to a minute later.
    cluster.scancel('--batch', '--signal=USR1', await trainingOf(project));
    const {out, status} = await ended;
    expect(status).toBe(0);
    expect(warningsOf(project)).toContainEqual(
      expect.stringMatching(/its time was over; it is submitted again, from where it was$/),
    );
    expect(eventsOf(project)).toContainEqual(wentOn);
    expect(tableOf(out)).toBe(expected);
  });

  test('a job whose memory ran out gets more', async () => {
    using project = onCluster(long, ', memory: 100M, memory_max: 800M');
    const {out, status} = await start(project).ended;
    expect(warningsOf(project)).toContainEqual(
      expect.stringMatching(/its memory ran out; it is submitted again, with more memory$/),
    );
    expect(status).toBe(0);
    expect(tableOf(out)).toBe(expected);
  });

  test('a job that is cancelled by hand is submitted again', async () => {
    using project = onCluster(long);
    const {ended} = start(project);
    cluster.scancel(await trainingOf(project));
    expect(tableOf((await ended).out)).toBe(expected);
    expect(warningsOf(project)).toContainEqual(expect.stringMatching(/it was cancelled; it is submitted again/));
  });

  test('a job that is requeued by hand goes on', async () => {
    using project = onCluster(long);
    const {ended} = start(project);
    cluster.scontrol('requeue', await trainingOf(project));
    expect(tableOf((await ended).out)).toBe(expected);
    const logs = readdirSync(project.path('runs', project.runs[0]!, 'jobs', 'b2')).filter((name) =>
      /^0\..*ndjson$/.test(name),
    );
    expect(logs).toHaveLength(2);
  });

  test('a driver that is killed leaves its jobs to the next one', async () => {
    using project = onCluster(long);
    const first = start(project);
    const job = await trainingOf(project);
    process.kill(-first.child.pid!, 'SIGKILL');
    await first.ended;
    const {out, status} = await start(project).ended;
    expect(status).toBe(0);
    expect(tableOf(out)).toBe(expected);
    expect(eventsOf(project)).toContainEqual(
      expect.objectContaining({type: 'note', message: expect.stringContaining(`is computed by job ${job}`)}),
    );
    expect(readdirSync(project.path('runs', project.runs[1]!))).not.toContain('jobs');
  });

  test('Ctrl-C cancels the jobs, and the same command goes on from their checkpoints', async () => {
    using project = onCluster(long);
    const first = start(project);
    await trainingOf(project);
    process.kill(-first.child.pid!, 'SIGINT'); // as a terminal does
    expect(await first.ended).toMatchObject({status: 130, out: expect.stringContaining('Interrupted')});
    expect(eventsOf(project).filter(({type}) => type === 'stage-failed')).toEqual([]);
    expect(eventsOf(project)).toContainEqual(
      expect.objectContaining({type: 'note', message: expect.stringMatching(/^2 jobs ran for .* in all \(GPUs: /)}),
    );
    await cluster.until('no job is left', () => cluster.jobs.length === 0);
    expect(tableOf((await start(project).ended).out)).toBe(expected);
    expect(eventsOf(project)).toContainEqual(wentOn);
  });

  test('the controller is killed, and comes back', async () => {
    using project = onCluster(long);
    const {ended} = start(project);
    await trainingOf(project);
    await cluster.kill('slurmctld');
    await cluster.until('the run says that Slurm does not answer', () =>
      warningsOf(project).some((warning) => warning.startsWith('Slurm does not answer')),
    );
    cluster.boot('slurmctld');
    const {out, status} = await ended;
    expect(status).toBe(0);
    expect(tableOf(out)).toBe(expected);
  });

  test("a node's daemon is killed: the job goes to the other node, and nothing is published twice", async () => {
    using project = onCluster(long);
    const {ended} = start(project);
    const job = await trainingOf(project);
    const node = cluster.jobs.find((line) => line.startsWith(`${job} `))!.split(' ')[2] as 'n1' | 'n2';
    await cluster.kill(node);
    const {out, status} = await ended;
    cluster.boot(node);
    expect(status).toBe(0);
    expect(tableOf(out)).toBe(expected);
    const computed = eventsOf(project).filter((event) => event.type === 'stage-finished' && event.how === 'computed');
    expect(computed).toHaveLength(new Set(computed.map((event) => 'stage' in event && event.stage)).size);
    await cluster.until(
      'the node is back',
      () => !/down|drain/.test(cluster.scontrol('show', 'node', node).toLowerCase()),
    );
  });

  test('a run in the background is watched, its logs are read, and it is cancelled', async () => {
    using project = onCluster(long);
    const detached = await start(project, '--detach').ended;
    expect(detached.status).toBe(0);
    const run = detached.out.trim();
    expect(run).toBe(project.runs[0]);
    const job = await trainingOf(project);
    const env = cluster.env;
    const shown = await project.runWith(env, 'show', run);
    expect(shown.out).toMatch(new RegExp(`job ${job} on n\\d, queue \\w+`));
    const watching = project.start(['attach', run, '--plain'], env);
    const cancelled = await project.runWith(env, 'cancel', run);
    expect(cancelled.out).toContain('was asked to stop');
    expect(await watching.ended).toMatchObject({status: 130, out: expect.stringContaining('Interrupted')});
    const logs = await project.runWith(env, 'logs', run, 'learn');
    expect(logs.out).toContain('SIGTERM: the stages write their checkpoints and end.');
    const own = await project.runWith(env, 'logs', run);
    expect(own.out).toContain('==> the run itself');
    await cluster.until('no job is left', () => cluster.jobs.length === 0);
  });

  test('a job that can never run fails with the reason', async () => {
    using project = onCluster(tinySpec(), ', partition: short');
    const {err, out, status} = await start(project).ended;
    expect(status).toBe(1);
    expect(out + err).toContain('can never run: PartitionTimeLimit');
    expect(cluster.jobs).toEqual([]);
  });
});

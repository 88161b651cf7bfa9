/** What a run does about its jobs, with a scheduler that is made up and jobs that leave logs but compute nothing. */
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {expect, test, vi} from 'vitest';
import {attemptFile, readElement} from '../../../src/pipeline/cluster/batch.ts';
import {Cluster} from '../../../src/pipeline/cluster/cluster.ts';
import {commentOf, type QueuedJob} from '../../../src/pipeline/cluster/queue.ts';
import type {Refusal, Said, Slurm} from '../../../src/pipeline/cluster/slurm.ts';
import {defaultSite, type Site} from '../../../src/pipeline/config/site.ts';
import {emitter, type RunEvent, type Unstamped} from '../../../src/pipeline/events.ts';
import {openLog} from '../../../src/pipeline/store/runs/runs.ts';
import {World} from '../../rig/world.ts';
import {digest, stagesOf} from './rig.ts';

const graph = stagesOf(
  'data',
  ...['a', 'b', 'c', 'd'].flatMap((name) => [`learn:${name} < data`, `embed:${name} < learn:${name}`]),
);
const stage = (id: string) => graph.find((node) => node.id === id)!;

class MadeUp implements Slurm, Disposable {
  readonly world = new World();
  readonly events: RunEvent[] = [];
  /** Folders of arrays that were submitted, and what came of it. */
  readonly submitted: string[] = [];
  readonly cancelled: string[] = [];
  jobs: QueuedJob[] = [];
  /** Refuses what is submitted next. */
  refusals: (Refusal & {readonly taken?: true})[] = [];
  readonly stop = new AbortController();
  readonly cluster: Cluster;

  constructor(site: Partial<Site> = {}) {
    this.cluster = new Cluster({
      slurm: this,
      site: {...defaultSite(), poll: 0.2, ...site},
      runs: this.world.root,
      batch: {
        run: 'mine',
        name: 'spec',
        cache: this.world.cacheRoot,
        modules: [],
        engine: {choice: 'wasm', threads: 1},
        checkpointEvery: 1,
        profile: false,
        version: '1',
      },
      command: ['pipeline'],
      cwd: '/',
      isGone: () => true,
    });
    const listen = (event: RunEvent): void => void this.events.push(event);
    this.cluster.begin({graph, emit: emitter([listen]), signal: this.stop.signal});
    this.cluster.has('data', digest('data'));
  }

  [Symbol.dispose](): void {
    this.stop.abort();
    this.world[Symbol.dispose]();
  }

  ask = (id: string) => this.cluster.obtain(stage(id), digest(`of ${id}`));

  get said(): readonly string[] {
    return this.events.flatMap((event) => ('message' in event ? [event.message] : []));
  }

  queue = async () => ({ok: true, value: this.jobs}) as const;
  mostInArray = async () => ({ok: true, value: 1001}) as const;
  release = async () => ({ok: true, value: undefined}) as const;

  async submit(script: string) {
    const refusal = this.refusals.shift();
    if (refusal && !refusal.taken) return refusal;
    const folder = dirname(script);
    this.submitted.push(folder);
    const array = String(this.submitted.length);
    const last = /--array=0-(\d+)/.exec(readFileSync(script, 'utf8'))![1];
    const comment = /--comment=(\S+)/.exec(readFileSync(script, 'utf8'))![1]!;
    for (let index = 0; index <= Number(last); index++)
      this.jobs.push({
        id: `${array}_${index}`,
        array,
        index,
        state: 'RUNNING',
        reason: 'None',
        partition: 'cpu',
        node: 'n1',
        seconds: 20,
        comment,
      });
    return refusal ?? ({ok: true, value: array} as const);
  }

  /** Does not answer so many times when it is to cancel jobs. */
  deaf = 0;

  async cancel(jobs: readonly string[]): Promise<Said<void>> {
    if (this.deaf-- > 0) return {ok: false, why: 'silent', message: 'scancel: Socket timed out'};
    this.cancelled.push(...jobs);
    this.end((job) => jobs.includes(job.id), 'CANCELLED');
    return {ok: true, value: undefined};
  }

  /** Jobs end, without a record where none is written. */
  end(which: (job: QueuedJob) => boolean, state: string): void {
    this.jobs = this.jobs.map((job) => (which(job) ? {...job, state} : job));
  }

  /** Resolves when so many arrays have been submitted. */
  arrays = (count: number) =>
    vi.waitFor(() => expect(this.submitted).toHaveLength(count), {timeout: 20_000, interval: 20});

  /** What a job of an array leaves in its log. */
  leave(array: number, index: number, ...events: readonly Unstamped[]): void {
    const log = openLog(attemptFile(this.submitted[array - 1]!, index, `${array}_${index}`));
    const emit = emitter([log.log]);
    emit({
      type: 'run-started',
      run: 'mine',
      spec: 'spec',
      tasks: 0,
      stages: 2,
      where: {node: 'n1', job: `${array}_${index}`},
    });
    for (const event of events) emit(event);
    log.close();
  }
}

const began = (id: string): Unstamped => ({type: 'stage-started', stage: id, kind: stage(id).kind, label: id});
const finished = (id: string): Unstamped => ({
  type: 'stage-finished',
  stage: id,
  kind: stage(id).kind,
  label: id,
  how: 'computed',
  fingerprint: digest('x'),
  seconds: 1,
  summary: null,
});
const trained = (id: string, epoch: number): Unstamped => ({
  type: 'stage-progress',
  stage: id,
  label: id,
  progress: {
    of: 'training',
    epoch,
    epochs: 10,
    step: 0,
    steps: 2,
    loss: 1,
    learningRate: 1,
    imagesPerSecond: 1,
    secondsLeft: 1,
  },
});
const over = (outcome: 'done' | 'failed' | 'interrupted'): Unstamped => ({
  type: 'run-finished',
  run: 'mine',
  outcome,
  computed: 0,
  cached: 0,
  failed: 0,
  skipped: 0,
  seconds: 1,
});

test.concurrent('trainings go out together, and what follows them is not submitted for itself', async () => {
  using slurm = new MadeUp();
  const asked = [slurm.ask('learn:a'), slurm.ask('learn:b')];
  await slurm.arrays(1);
  expect(readElement(slurm.submitted[0]!, 1).nodes.map(({id}) => id)).toEqual(['learn:b', 'embed:b']);
  for (const [index, name] of ['a', 'b'].entries())
    slurm.leave(1, index, began(`learn:${name}`), finished(`learn:${name}`), finished(`embed:${name}`), over('done'));
  expect(await Promise.all(asked)).toEqual([{status: 'computed'}, {status: 'computed'}]);
  expect(await slurm.ask('embed:a')).toEqual({status: 'computed'});
  expect(slurm.submitted).toHaveLength(1);
  expect(slurm.events).toContainEqual(
    expect.objectContaining({type: 'stage-started', stage: 'learn:a', where: {node: 'n1', job: '1_0'}}),
  );
});

test.concurrent('a stage that fails says where', async () => {
  using slurm = new MadeUp();
  const asked = slurm.ask('learn:a');
  await slurm.arrays(1);
  const failed = {
    type: 'stage-failed',
    stage: 'learn:a',
    kind: 'learn',
    label: 'a',
    message: 'no',
    hint: 'Try it.',
  } as const;
  slurm.leave(1, 0, failed, over('failed'));
  expect(await asked).toEqual({status: 'failed', message: 'no', hint: 'Try it. It was job 1_0 on n1.'});
});

test.concurrent('a stage whose worker was killed is tried again, as often as allowed, and then fails with its own words', async () => {
  using slurm = new MadeUp({retries: 1});
  const asked = slurm.ask('learn:a');
  const killed = {type: 'stage-failed', stage: 'learn:a', kind: 'learn', label: 'a', message: 'killed'} as const;
  const skipped = {type: 'stage-skipped', stage: 'embed:a', kind: 'embed', label: 'e', because: '"a" failed'} as const;
  for (const array of [1, 2]) {
    await slurm.arrays(array);
    slurm.leave(array, 0, {...killed, killed: 'somebody'}, skipped, over('failed'));
  }
  expect(await asked).toMatchObject({status: 'failed', message: 'killed'});
  expect(slurm.said).toContain('job 1_0: the worker process of a stage was killed; it is submitted again');
});

test.concurrent('a job that comes further each time is submitted again without end; one that does not, as often as allowed', async () => {
  using slurm = new MadeUp({retries: 1});
  const asked = slurm.ask('learn:a');
  for (const array of [1, 2, 3, 4]) {
    await slurm.arrays(array);
    slurm.leave(array, 0, began('learn:a'), trained('learn:a', array), over('interrupted'));
    slurm.end(({array: of}) => of === String(array), 'COMPLETED');
  }
  for (const array of [5, 6]) {
    await slurm.arrays(array);
    writeFileSync(join(slurm.submitted[array - 1]!, '0.log'), 'Segmentation fault\n');
    slurm.end(({array: of}) => of === String(array), 'FAILED');
  }
  expect(await asked).toMatchObject({
    status: 'failed',
    message: 'job 6_0: it ended as FAILED without a result, 2 times in a row. Its log ends:\nSegmentation fault',
  });
  expect(slurm.said).toContain('job 4_0: its time was over; it is submitted again, from where it was');
  expect(await slurm.cluster.sum()).toBe('6 jobs ran for 2 min 00 s in all; 5 followed one without a result');
});

test.concurrent('more memory, up to its limit, and then the hint what to change', async () => {
  using slurm = new MadeUp({retries: 0, resources: {learn: {memory: '2G', memory_max: '3G'}}});
  const asked = slurm.ask('learn:a');
  for (const array of [1, 2]) {
    await slurm.arrays(array);
    slurm.end(() => true, 'OUT_OF_MEMORY');
  }
  expect(await asked).toMatchObject({
    status: 'failed',
    hint: expect.stringContaining('resources.learn.memory or memory_max'),
  });
  const memory = slurm.submitted.map(
    (folder) => /--mem=(\S+)/.exec(readFileSync(join(folder, 'script.sh'), 'utf8'))![1],
  );
  expect(memory).toEqual(['2048M', '3072M']);
});

test.concurrent('where the limit on jobs is reached fewer go out at the same time, and the others follow', async () => {
  using slurm = new MadeUp();
  slurm.refusals = [{ok: false, why: 'full', message: 'sbatch: job submit limit'}];
  const names = ['a', 'b', 'c', 'd'];
  const asked = names.map((name) => slurm.ask(`learn:${name}`));
  await slurm.arrays(1);
  expect(slurm.jobs).toHaveLength(2);
  for (const index of [0, 1]) slurm.leave(1, index, finished(`learn:${names[index]!}`), over('done'));
  await slurm.arrays(2);
  for (const index of [0, 1]) slurm.leave(2, index, finished(`learn:${names[2 + index]!}`), over('done'));
  expect((await Promise.all(asked)).map(({status}) => status)).toEqual(names.map(() => 'computed'));
  expect(slurm.said).toContain('sbatch: job submit limit; at most 2 jobs are submitted at the same time from now on');
});

test.concurrent('an array that a silent controller has taken all the same is not submitted again', async () => {
  using slurm = new MadeUp();
  slurm.refusals = [{ok: false, why: 'silent', message: 'Socket timed out', taken: true}];
  const asked = slurm.ask('learn:a');
  await slurm.arrays(1);
  slurm.leave(1, 0, finished('learn:a'), over('done'));
  expect(await asked).toEqual({status: 'computed'});
  expect(slurm.submitted).toHaveLength(1);
});

test.concurrent('one that it has not taken is', async () => {
  using slurm = new MadeUp();
  slurm.refusals = [{ok: false, why: 'silent', message: 'Socket timed out'}];
  const asked = slurm.ask('learn:a');
  await slurm.arrays(1);
  slurm.leave(1, 0, finished('learn:a'), over('done'));
  expect(await asked).toEqual({status: 'computed'});
  expect(slurm.said).toContain('Slurm answers again.');
});

test.concurrent('what sbatch refuses for good fails with its words', async () => {
  using slurm = new MadeUp();
  slurm.refusals = [{ok: false, why: 'wrong', message: 'sbatch: invalid partition specified: gpux'}];
  expect(await slurm.ask('learn:a')).toMatchObject({
    status: 'failed',
    message: 'sbatch: invalid partition specified: gpux',
  });
});

test.concurrent('a stopped run cancels its jobs and takes what they have done', async () => {
  using slurm = new MadeUp();
  const asked = [slurm.ask('learn:a'), slurm.ask('learn:b')];
  await slurm.arrays(1);
  slurm.leave(1, 0, finished('learn:a'), over('done'));
  slurm.leave(1, 1, began('learn:b'), over('interrupted'));
  slurm.stop.abort();
  expect((await Promise.all(asked))[1]).toEqual({status: 'interrupted'});
  await slurm.cluster.close();
  expect(slurm.cancelled).toContain('1_1');
  expect(await slurm.cluster.sum()).toBe('2 jobs ran for 40 s in all');
  expect(await slurm.ask('learn:c')).toEqual({status: 'interrupted'});
});

test.concurrent('a stopped run cancels its jobs again when Slurm did not answer', async () => {
  using slurm = new MadeUp();
  const asked = slurm.ask('learn:a');
  await slurm.arrays(1);
  slurm.deaf = 2;
  slurm.stop.abort();
  expect(await asked).toEqual({status: 'interrupted'});
  expect(slurm.cancelled).toEqual(['1_0']);
});

test.concurrent('a job of a run whose driver was killed is waited for', async () => {
  using slurm = new MadeUp();
  const folder = join(slurm.world.root, 'earlier', 'jobs', 'b1');
  mkdirSync(folder, {recursive: true});
  const element = {nodes: [stage('learn:a')], given: [], roots: [{id: 'learn:a', fingerprint: 'of learn:a'}], jobs: 1};
  writeFileSync(join(folder, '7.json'), JSON.stringify(element));
  slurm.jobs = [
    {
      id: '9_7',
      array: '9',
      index: 7,
      state: 'PENDING',
      reason: 'Priority',
      partition: 'cpu',
      seconds: 0,
      comment: commentOf('earlier', 'b1'),
    },
    {
      id: '8_0',
      array: '8',
      index: 0,
      state: 'RUNNING',
      reason: 'None',
      partition: 'cpu',
      seconds: 0,
      comment: commentOf('elsewhere', 'b1'),
    },
  ];
  const asked = slurm.ask('learn:a');
  await vi.waitFor(() => expect(slurm.said.join()).toContain('is computed by job 9_7'), {timeout: 20_000});
  const log = openLog(attemptFile(folder, 7, '9_7'));
  const emit = emitter([log.log]);
  emit(finished('learn:a'));
  emit(over('done'));
  log.close();
  expect(await asked).toEqual({status: 'computed'});
  expect(slurm.submitted).toEqual([]);
  // What that job did not have is submitted.
  const embed = slurm.ask('embed:a');
  await slurm.arrays(1);
  slurm.leave(1, 0, finished('embed:a'), over('done'));
  expect(await embed).toEqual({status: 'computed'});
});

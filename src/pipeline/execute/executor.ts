/**
 * Runs a graph of stages: takes what is cached and computes the rest, in lanes. A stage enters a lane only when its inputs are ready,
 * because waiting inside would block the lane. Stages with the longest way to the end go first.
 */
import {setMaxListeners} from 'node:events';
import {availableParallelism} from 'node:os';
import PQueue from 'p-queue';
import type {Digest, Json} from '../../core/base/canonical.ts';
import {compiledUrl} from '../../core/base/compiled.ts';
import {plural} from '../../core/base/text.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {EngineInfo, Precision, ResolvedEngine} from '../../core/engine/contract.ts';
import {whyNotIn} from '../../core/engine/precision.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Plan, Task} from '../config/spec.ts';
import type {Emit, Where} from '../events.ts';
import {distinctMakers, isSameMaker, type Maker, makerText} from '../maker.ts';
import {priorities, topological, upstream, within} from '../plan/order.ts';
import {StageError} from '../stages/shared.ts';
import {recorded, type StageNode} from '../stages/stage.ts';
import type {Cache, Entry} from '../store/cache/cache.ts';
import type {FileDigests} from '../store/sources.ts';
import type {Elsewhere} from './elsewhere.ts';
import {KernelTally} from './kernel-notes.ts';
import {makerOf, Skip, type StageOutcome} from './outcome.ts';
import {WorkerPool} from './pool.ts';
import {arrived, runStage} from './run-stage.ts';

export interface ExecuteOptions {
  /** Id of the run. */
  readonly run: string;
  readonly plan: Pick<Plan, 'name' | 'tasks'>;
  readonly graph: readonly StageNode[];
  readonly plugins: Pick<Plugins, 'modules'>;
  readonly cache: Cache;
  readonly digests: FileDigests;
  /** Called at most once: when the first stage that computes tensors is not cached. */
  readonly engine: () => Promise<ResolvedEngine>;
  /** What `engine` will return, as far as it is known. Cached results of another engine are reported. */
  readonly asked?: Maker;
  /** How many stages may compute tensors at the same time. Default: the cores divided by the engine's threads; one on each GPU. */
  readonly jobs?: number;
  /** Processor cores to use. Default: all of the machine. */
  readonly cores?: number;
  /** Stop everything at the first failure; otherwise only what depends on it is skipped. */
  readonly failFast?: boolean;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Kept with every artifact that this run makes: versions, commit, machine. */
  readonly provenance?: {readonly [key: string]: Json};
  /** Module from which workers take `runStage`. Default: `stages/index.ts`. */
  readonly stages?: URL;
  /** When the run is interrupted, a stage may end by itself within this time (milliseconds). Default: 5000. */
  readonly grace?: number;
  /** Seconds between checkpoints of a training; 0: one at the end of every epoch. Default: 120. */
  readonly checkpointEvery?: number;
  /** Compute nothing: a stage that is not cached fails. */
  readonly frozen?: boolean;
  /** Record where the engine's time goes, kernel by kernel. */
  readonly profile?: boolean;
  /** Computes what is not cached, such as a cluster. Default: workers of this process do. */
  readonly elsewhere?: Elsewhere;
  /** Plans more while the run goes on. */
  readonly growth?: Growth;
  /** Stages of the graph that others have made (id → fingerprint): they are read from the cache, and nothing is reported of them. */
  readonly given?: ReadonlyMap<string, Digest>;
  /** Where this process runs, if it is one of several of a run. */
  readonly where?: Where;
}

/** What plans more tasks, from what is known meanwhile. */
export interface Growth {
  /** Called once, as the run begins. The run ends when this has ended, and all stages. */
  grow(run: Growing): Promise<void>;
}

/** A run that can be given more to do. */
export interface Growing {
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** `stages`: of the new tasks; those that are in the graph already with what they are to do besides. */
  add(part: {readonly tasks: readonly Task[]; readonly stages: readonly StageNode[]}): void;
  /** The outcome of a stage of the graph. */
  outcomeOf(stage: string): Promise<StageOutcome>;
}

export interface RunOutcome {
  readonly outcome: 'done' | 'failed' | 'interrupted';
  readonly computed: number;
  readonly cached: number;
  readonly failed: number;
  /** Stages that were not run because of a failure or the interruption. */
  readonly skipped: number;
  readonly seconds: number;
  /** Worker processes that were started. */
  readonly workers: number;
  readonly stages: ReadonlyMap<string, StageOutcome>;
}

export async function execute(options: ExecuteOptions): Promise<RunOutcome> {
  const {run, plan, plugins, cache, digests, emit, signal, elsewhere, given = new Map<string, Digest>()} = options;
  const graph = options.graph.map((node) => (given.has(node.id) ? {...node, inputs: {}} : node));
  const began = performance.now();
  const precisions = [...new Set(plan.tasks.map((task): Precision => task.precision ?? 'float32'))];
  emit({
    type: 'run-started',
    run,
    spec: plan.name,
    tasks: plan.tasks.length,
    stages: graph.length - given.size,
    ...(options.asked && {asked: options.asked}),
    ...(precisions.some((precision) => precision !== 'float32') && {precisions}),
    ...(options.where && {where: options.where}),
  });
  const pool = new WorkerPool({
    plugins: plugins.modules,
    stages: options.stages ?? new URL('../stages/index.js', compiledUrl(import.meta.url)),
    grace: options.grace ?? 5000,
    ...(options.profile !== undefined && {profile: options.profile}),
  });
  const stop = new Stop(signal);
  const lanes = new Lanes(options, stop);
  const context = {
    cache,
    digests,
    pool,
    emit,
    signal: stop.signal,
    provenance: options.provenance ?? {},
    checkpointEvery: options.checkpointEvery ?? 120,
    frozen: options.frozen ?? false,
    known: new Map<never, Promise<StageOutcome>>(),
    look: lanes.look.bind(lanes),
    enter: lanes.enter.bind(lanes),
    ...(elsewhere && {elsewhere}),
    onEngine: (engine: EngineInfo): void => {
      if (!running) emit({type: 'engine-started', engine});
      running = engine;
    },
    onChecks: (checks: KernelChecks): void => tally.add(checks),
  };
  let running: EngineInfo | undefined;
  const tally = new KernelTally();
  const results = new Map<string, Promise<StageOutcome>>();
  const visit = async (node: StageNode): Promise<StageOutcome> => {
    const fingerprint = given.get(node.id);
    if (fingerprint !== undefined) return await arrived(node, fingerprint, context);
    const made = new Map<string, Entry>();
    const inputs = await Promise.all(upstream(node).map(async (id) => ({id, outcome: await results.get(id)!})));
    for (const {id, outcome} of inputs) if ('entry' in outcome) made.set(id, outcome.entry);
    const resumed = node.resumes === undefined ? undefined : await results.get(node.resumes);
    if (resumed && 'entry' in resumed) made.set(node.resumes!, resumed.entry);
    const missing = inputs.find(({id}) => !made.has(id));
    let outcome = missing ? follows(missing.outcome, labels.get(missing.id)!) : await runStage(node, made, context);
    // Stopped by a failure elsewhere, not by the user.
    if (outcome.status === 'interrupted' && stop.because) outcome = {status: 'skipped', because: stop.because};
    if (outcome.status === 'skipped') {
      emit({type: 'stage-skipped', stage: node.id, kind: node.kind, label: node.label, because: outcome.because});
    }
    if ('entry' in outcome) elsewhere?.has(node.id, outcome.entry.manifest.fingerprint);
    if (outcome.status === 'failed' && options.failFast) stop.now(`"${node.label}" failed (--fail-fast)`);
    return outcome;
  };
  const labels = new Map<string, string>();
  const start = (part: readonly StageNode[]): void => {
    const ordered = topological(within(part));
    lanes.rank(ordered);
    for (const {id, label} of part) labels.set(id, label);
    const whole = new Map(part.map((node) => [node.id, node]));
    for (const {id} of ordered) results.set(id, visit(whole.get(id)!));
  };
  const growing: Growing = {
    signal: stop.signal,
    emit,
    add({tasks, stages}) {
      const fresh = stages.filter(({id}) => !results.has(id));
      const shared = stages
        .filter(({id}) => results.has(id))
        .map(({id, tasks, results}) => ({id, tasks, ...(results && {results})}));
      emit({type: 'plan-grown', tasks, stages: fresh.map(recorded), shared});
      elsewhere?.grow(fresh);
      start(fresh);
    },
    outcomeOf: (stage) => results.get(stage)!,
  };
  try {
    elsewhere?.begin({graph, emit, signal: stop.signal});
    start(graph);
    await options.growth?.grow(growing);
    const stages = new Map<string, StageOutcome>();
    for (const [id, outcome] of results) if (!given.has(id)) stages.set(id, await outcome);
    await digests.save();
    const asked: Maker | undefined = running ?? options.asked;
    const foreign = asked && foreignResults(asked, [...stages.values()]);
    if (foreign) emit({type: 'warning', message: foreign});
    for (const said of tally.say()) emit(said);
    const took = await elsewhere?.sum();
    if (took !== undefined) emit({type: 'note', message: took});
    const totals = {...count(stages), seconds: (performance.now() - began) / 1000};
    emit({type: 'run-finished', run, ...totals});
    return {...totals, workers: pool.started, stages};
  } finally {
    stop.dispose();
    await Promise.all([pool.close(), elsewhere?.close()]);
  }
}

/** The outcome of a stage whose input is missing. */
function follows(outcome: StageOutcome, label: string): StageOutcome {
  if (outcome.status === 'failed') return {status: 'skipped', because: `"${label}" failed`};
  return outcome; // skipped or interrupted, for the same reason
}

function count(stages: ReadonlyMap<string, StageOutcome>): Omit<RunOutcome, 'seconds' | 'workers' | 'stages'> {
  const tally = {computed: 0, cached: 0, failed: 0, skipped: 0, interrupted: 0};
  for (const {status} of stages.values()) tally[status]++;
  const {interrupted, ...counts} = tally;
  const outcome = interrupted > 0 ? 'interrupted' : tally.failed > 0 ? 'failed' : 'done';
  return {outcome, ...counts, skipped: counts.skipped + interrupted};
}

/** `12 cached results were computed by wasm; this run's engine is tensorflow with 2 threads`; undefined: none was. */
function foreignResults(asked: Maker, stages: readonly StageOutcome[]): string | undefined {
  const makers = stages.flatMap((stage) => (stage.status === 'cached' ? (makerOf(stage.entry) ?? []) : []));
  const others = makers.filter((maker) => !isSameMaker(maker, asked));
  if (others.length === 0) return undefined;
  const of = (maker: Maker) => others.filter((other) => makerText(other) === makerText(maker)).length;
  const [first, ...rest] = distinctMakers(others).map((maker) => ({count: of(maker), by: makerText(maker)}));
  return [
    `${plural(first!.count, 'cached result was', 'cached results were')} computed by ${first!.by}`,
    ...rest.map(({count, by}) => `${count} by ${by}`),
  ]
    .join(', ')
    .concat(`; this run's engine is ${makerText(asked)}`);
}

/** Ends a run early: on the user's signal, or after a failure with `--fail-fast`. */
class Stop {
  readonly #own = new AbortController();
  readonly #user: AbortSignal;
  readonly #forward = (): void => this.#own.abort();
  /** Why it stopped, if it was not the user. */
  because: string | undefined;

  constructor(user: AbortSignal) {
    this.#user = user;
    setMaxListeners(0, this.#own.signal); // each running stage listens to it
    if (user.aborted) this.#own.abort();
    else user.addEventListener('abort', this.#forward, {once: true});
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  now(because: string): void {
    if (this.#own.signal.aborted) return;
    this.because = because;
    this.#own.abort();
  }

  dispose(): void {
    this.#user.removeEventListener('abort', this.#forward);
  }
}

/** The queues in which stages that are ready wait for their turn. */
class Lanes {
  readonly #cpu: PQueue;
  readonly #accelerator = new PQueue({concurrency: 1});
  readonly #looks = new PQueue({concurrency: 8});
  readonly #options: ExecuteOptions;
  readonly #priorities = new Map<string, number>();
  /** Number of parts in which the graph has come. */
  #parts = 0;
  readonly #stop: Stop;
  readonly #cores: number;
  #engine: Promise<ResolvedEngine> | undefined;

  constructor(options: ExecuteOptions, stop: Stop) {
    this.#options = options;
    this.#stop = stop;
    this.#cores = options.cores ?? availableParallelism();
    this.#cpu = new PQueue({concurrency: this.#cores});
  }

  /** What comes later is less urgent, so that a trial of a search ends before the next one begins. */
  rank(part: readonly StageNode[]): void {
    const before = 1e6 * this.#parts++;
    for (const [id, length] of priorities(part)) this.#priorities.set(id, length - before);
  }

  async look<T>(work: () => Promise<T>): Promise<T> {
    return await this.#looks.add(work);
  }

  async enter<T>(node: StageNode, work: (engine: ResolvedEngine | undefined) => Promise<T>): Promise<T> {
    const priority = this.#priorities.get(node.id)!;
    if (node.lane === 'cpu') return await this.#cpu.add(() => work(undefined), {priority});
    const first = this.#engine === undefined;
    this.#engine ??= this.#resolve();
    const engine = await orAborted(this.#engine, this.#stop.signal).catch((error: unknown) => {
      throw first || this.#stop.signal.aborted ? error : new Skip('there is no engine to compute tensors');
    });
    const unable = node.precision && whyNotIn(node.precision, engine);
    if (unable) throw new StageError(unable.message, unable.hint);
    return await this.#accelerator.add(() => work(engine), {priority});
  }

  async #resolve(): Promise<ResolvedEngine> {
    try {
      const engine = await this.#options.engine();
      const room = engine.gpu ? (engine.gpus?.length ?? 1) : Math.max(1, Math.floor(this.#cores / engine.threads));
      this.#accelerator.concurrency = this.#options.jobs ?? room;
      return engine;
    } catch (error) {
      throw new Error(`no engine to compute tensors: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** Waits for a promise that can't be cancelled, but no longer than until the signal. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, {once: true});
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The one order of steps of a stage: abort? → hit? → lane → lock → hit? → run → inputs unchanged? → lock still ours? → commit → event. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import type {Digest, Json} from '../../core/base/canonical.ts';
import {digestOfFile} from '../../core/base/files.ts';
import {heartbeat} from '../../core/base/lock.ts';
import {clippedList} from '../../core/base/text.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {EngineInfo, ResolvedEngine} from '../../core/engine/contract.ts';
import type {Emit} from '../events.ts';
import {explainMiss} from '../plan/explain.ts';
import {fingerprintOf, keyOf, type StageKey} from '../plan/fingerprint.ts';
import type {Manifest, StageNode} from '../stages/stage.ts';
import {type Cache, type Entry, LeaseLost, type Lock} from '../store/cache/cache.ts';
import type {FileDigests} from '../store/sources.ts';
import type {Elsewhere} from './elsewhere.ts';
import {checkedKernels} from './kernel-notes.ts';
import {asOutcome, type StageOutcome, tell} from './outcome.ts';
import type {WorkerPool} from './pool.ts';
import {foldersOf, stateIfThere} from './source-folders.ts';

/** What the stages of a run share. */
export interface ExecutionContext {
  readonly cache: Cache;
  readonly digests: FileDigests;
  readonly pool: WorkerPool;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly provenance: {readonly [key: string]: Json};
  /** Seconds between checkpoints. */
  readonly checkpointEvery: number;
  /** Nothing is computed: what is not cached fails. */
  readonly frozen: boolean;
  /** Fingerprint → its outcome in this run, or the promise of it: nothing is looked up or computed twice. */
  readonly known: Map<Digest, Promise<StageOutcome>>;
  /** Looks something up. Only a few look-ups go on at a time, because each may hold an open file and its buffers. */
  look<T>(work: () => Promise<T>): Promise<T>;
  /** Waits for a place in the stage's lane. If the engine can't be started, it throws an error for the first stage and `Skip` for the others. */
  enter<T>(node: StageNode, work: (engine: ResolvedEngine | undefined) => Promise<T>): Promise<T>;
  /** Computes what is not cached, in place of the lanes and the pool. */
  readonly elsewhere?: Elsewhere;
  /** Called when a worker has started its engine. */
  onEngine(engine: EngineInfo): void;
  /** Called for every computed stage whose kernels were checked. */
  onChecks(checks: KernelChecks): void;
}

/** Takes a stage from the cache, or runs it. `made`: its inputs, id → entry. Only a bug of this program makes it throw. */
export async function runStage(
  node: StageNode,
  made: ReadonlyMap<string, Entry>,
  context: ExecutionContext,
): Promise<StageOutcome> {
  const began = performance.now();
  try {
    if (context.signal.aborted) return {status: 'interrupted'};
    if (node.absent) {
      const outcome = {status: 'failed', ...node.absent} as const;
      tell(node, outcome, 0, context.emit);
      return outcome;
    }
    const manifest = (id: string): Manifest => made.get(id)!.manifest;
    const states = new Map(foldersOf(node).map((path) => [path, stateIfThere(path)]));
    const digest = async (path: string): Promise<Digest> => {
      const {state, sha256} = await context.digests.look(path);
      states.set(path, state);
      return sha256;
    };
    const key = await context.look(() => keyOf(node, manifest, digest));
    const fingerprint = fingerprintOf(key);
    const first = context.known.get(fingerprint);
    const outcome = first
      ? asSecond(await first)
      : await settle(context.known, fingerprint, new StageExecution(node, made, {key, states}, context).go());
    tell(node, outcome, (performance.now() - began) / 1000, context.emit);
    return outcome;
  } catch (error) {
    const outcome = asOutcome(error, context.signal);
    tell(node, outcome, 0, context.emit);
    return outcome;
  }
}

/** If two stages of a run are equal, the second one takes the result of the first. */
const asSecond = (outcome: StageOutcome): StageOutcome =>
  outcome.status === 'computed' ? {status: 'cached', entry: outcome.entry} : outcome;

async function settle(
  known: ExecutionContext['known'],
  fingerprint: Digest,
  work: Promise<StageOutcome>,
): Promise<StageOutcome> {
  known.set(fingerprint, work);
  return await work;
}

/** Seconds in which a file that another host has written becomes visible here: NFS remembers for a minute that it was not there. */
const patience = 90;

/** Waits until the cache has what another process has computed. */
export async function arrived(
  {label}: StageNode,
  fingerprint: Digest,
  {cache, look, signal}: Pick<ExecutionContext, 'cache' | 'look' | 'signal'>,
): Promise<StageOutcome> {
  const until = performance.now() + patience * 1000;
  for (let wait = 50; ; wait = Math.min(2 * wait, 5000)) {
    const entry = await look(() => cache.find(fingerprint));
    if (entry) return {status: 'cached', entry};
    if (signal.aborted) return {status: 'interrupted'};
    if (performance.now() > until)
      return {
        status: 'failed',
        message: `"${label}" was computed by another process, but its result is not in ${cache.root}`,
        hint: 'All hosts must see the same folder of runs (--runs), under the same path.',
      };
    await delay(wait, undefined, {signal}).catch(() => undefined);
  }
}

/** The inputs of a stage as they were when its key was made. */
interface Basis {
  readonly key: StageKey;
  /** Source files and their folders → their state when the key was made. */
  readonly states: ReadonlyMap<string, string | undefined>;
}

/** Brings one stage from its key to its entry in the cache. */
class StageExecution {
  readonly #node: StageNode;
  readonly #made: ReadonlyMap<string, Entry>;
  readonly #key: StageKey;
  readonly #states: Basis['states'];
  readonly #fingerprint: Digest;
  readonly #context: ExecutionContext;

  constructor(node: StageNode, made: ReadonlyMap<string, Entry>, {key, states}: Basis, context: ExecutionContext) {
    this.#node = node;
    this.#made = made;
    this.#key = key;
    this.#states = states;
    this.#fingerprint = fingerprintOf(key);
    this.#context = context;
  }

  async go(): Promise<StageOutcome> {
    try {
      const {elsewhere, frozen} = this.#context;
      if (elsewhere?.isUnderWay(this.#node.id)) return await this.#fetch(elsewhere);
      const found = await this.#find();
      if (found) return found;
      if (frozen) return await this.#refuse();
      return await (elsewhere ? this.#fetch(elsewhere) : this.#obtain());
    } catch (error) {
      return asOutcome(error, this.#context.signal);
    }
  }

  async #find(): Promise<StageOutcome | undefined> {
    const {look, cache} = this.#context;
    const entry = await look(() => cache.find(this.#fingerprint));
    return entry && {status: 'cached', entry};
  }

  /** Has it computed elsewhere, under the same lock, into the same cache. */
  async #fetch(elsewhere: Elsewhere): Promise<StageOutcome> {
    const obtained = await elsewhere.obtain(this.#node, this.#fingerprint);
    if (obtained.status !== 'computed' && obtained.status !== 'cached') return obtained;
    const found = await arrived(this.#node, this.#fingerprint, this.#context);
    return 'entry' in found ? {...found, status: obtained.status} : found;
  }

  /** With `--frozen`, a stage that is not cached fails. */
  async #refuse(): Promise<StageOutcome> {
    const cached: Manifest[] = [];
    for await (const {manifest} of this.#context.cache.list()) cached.push(manifest);
    const why = explainMiss(this.#key, this.#node.label, cached);
    return {
      status: 'failed',
      message: `it is not cached, and with --frozen nothing is computed (${clippedList(why, 3)})`,
      hint: 'Run it without --frozen, or with a store that has it.',
    };
  }

  /** Computes it under the lock of its fingerprint, so that only one of all runners on this cache does. */
  async #obtain(): Promise<StageOutcome> {
    const {enter, signal} = this.#context;
    let lock: Lock | undefined;
    try {
      for (;;) {
        signal.throwIfAborted();
        const turn = await enter(this.#node, async (engine) => {
          signal.throwIfAborted();
          if (!lock) {
            const asked = await this.#lock();
            if ('later' in asked) return asked;
            lock = asked.now;
            const found = await this.#find();
            if (found) return {outcome: found};
          }
          return {outcome: await this.#compute(engine, lock)};
        });
        if ('outcome' in turn) {
          if (turn.outcome) return turn.outcome;
          this.#warn(
            `"${this.#node.label}" was taken over by another process, as this one gave no sign of life for too long (it was stopped, or could not reach the disk): that process's result counts`,
          );
          lock?.release();
          lock = undefined;
          continue;
        }
        lock = await turn.later;
        const found = await this.#find();
        if (found) return found;
      }
    } finally {
      lock?.release();
    }
  }

  /** Returns the lock, or, if another process has it, a promise of it: nobody waits in a lane. */
  async #lock(): Promise<{readonly now: Lock} | {readonly later: Promise<Lock>}> {
    const {cache, signal} = this.#context;
    let wait = (): void => undefined;
    const waiting = new Promise<undefined>((resolve) => {
      wait = () => resolve(undefined);
    });
    const later = cache.lock(this.#fingerprint, {
      signal,
      onWait: (holder) => {
        const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
        this.#warn(`waiting for ${who} to finish "${this.#node.label}"`);
        wait();
      },
      onSilent: () =>
        this.#warn(
          `the lock of "${this.#node.label}" gave no sign of life for ${heartbeat.deadAfter} s: its holder counts as dead, and the stage is computed here`,
        ),
    });
    const lock = await Promise.race([later, waiting]);
    return lock ? {now: lock} : {later};
  }

  /** What is said even where little is. */
  #warn(message: string): void {
    this.#context.emit({type: 'warning', stage: this.#node.id, message, wait: true});
  }

  /** Undefined: the lock was lost meanwhile, and what was computed is dropped. */
  async #compute(engine: ResolvedEngine | undefined, lock: Lock): Promise<StageOutcome | undefined> {
    const {cache, pool, signal, emit, provenance, onEngine, onChecks} = this.#context;
    const {id, kind, label, recipe, sources, resumes, precision} = this.#node;
    const earlier = resumes === undefined ? undefined : this.#made.get(resumes);
    const started = new Date();
    const began = performance.now();
    emit({type: 'stage-started', stage: id, kind, label});
    const scratch = cache.scratch(this.#fingerprint, lock);
    const draft = await cache.begin(this.#fingerprint, lock);
    try {
      const job = {
        kind,
        recipe,
        inputs: Object.fromEntries(this.#inputs().map(({role, path}) => [role, path])),
        sources,
        ...(precision && {precision}),
        ...(earlier && {earlier: earlier.folder}),
        out: draft.folder,
        scratch,
        checkpointEvery: this.#context.checkpointEvery,
      };
      const result = await pool.run(job, {
        signal: AbortSignal.any([signal, lock.lost]),
        ...(engine ? {engine} : {}),
        onProgress: (progress) => emit({type: 'stage-progress', stage: id, label, progress}),
        onWarning: (message) => emit({type: 'warning', stage: id, message}),
        onNote: (message) => emit({type: 'note', message: `${label}: ${message}`}),
        onEngine,
      });
      if (result.status === 'aborted' && signal.aborted) return {status: 'interrupted'};
      // Who was taken for dead may find its folders taken over or swept, and fails.
      const isHeld = (): boolean => draft.isThere() && existsSync(scratch) && lock.renew();
      if (result.status === 'aborted' || (result.status === 'failed' && !isHeld())) return undefined;
      if (result.status === 'failed') return result;
      if (result.checks) onChecks(result.checks);
      const changed = await this.#changed();
      if (changed.length > 0) {
        return {
          status: 'failed',
          message: `${clippedList(changed, 5)} changed while the stage ran, so its result was discarded.`,
          hint: 'Run it again when nothing writes to it.',
        };
      }
      const finished = new Date();
      const made: Manifest['provenance'] = {
        ...provenance,
        engine: (result.engine as unknown as Json) ?? null,
        started: started.toISOString(),
        finished: finished.toISOString(),
        seconds: (performance.now() - began) / 1000, // the clock may be set meanwhile
        peakMemory: result.peakMemory,
        ...(result.kernels && {kernels: result.kernels as unknown as Json}),
        ...(result.checks && {checked: checkedKernels(result.checks) as unknown as Json}),
      };
      const parts = {kind, label, fingerprint: this.#fingerprint, key: this.#key as unknown as Json};
      const entry = await draft.commit({...parts, summary: result.summary, provenance: made});
      await cache.dropScratch(this.#fingerprint, lock);
      // Otherwise another process was first.
      return {status: entry.manifest.provenance === made ? 'computed' : 'cached', entry};
    } catch (error) {
      if (error instanceof LeaseLost) return undefined;
      throw error;
    } finally {
      await draft.discard();
    }
  }

  #inputs(): readonly {readonly role: string; readonly path: string; readonly sha256: Digest}[] {
    return Object.entries(this.#node.inputs).map(([role, {stage, file}]) => {
      const {folder, manifest} = this.#made.get(stage)!;
      return {role, path: join(folder, file), sha256: manifest.files[file]!.sha256};
    });
  }

  /**
   * Finds files whose content is no longer what the fingerprint says, and files that may have been different in between: those that
   * were written and restored, or whose folder was changed. Code is left out: a worker has loaded it and does not read its files again.
   */
  async #changed(): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const {path, sha256} of this.#inputs()) {
      if ((await digestOfFile(path).catch(() => undefined))?.sha256 !== sha256) changed.push(path);
    }
    for (const {name, path} of this.#node.sources) {
      const now = await this.#context.digests.rehash(path).catch(() => undefined);
      if (now !== this.#key.sources[name]) changed.push(path);
    }
    const late = (this.#node.code ?? []).flatMap(({path, late}) => (late === undefined ? [] : [[path, late] as const]));
    for (const [path, before] of [...this.#states, ...late])
      if (stateIfThere(path) !== before && !changed.includes(path)) changed.push(path);
    return changed;
  }
}

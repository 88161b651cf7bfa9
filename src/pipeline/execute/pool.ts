/** Worker processes: started when needed, kept for the next stage, replaced when they crash. The lanes decide how many work at once. */
import {type ChildProcess, fork} from 'node:child_process';
import {setTimeout as delay} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import type {Json} from '../../core/base/canonical.ts';
import {compiledUrl} from '../../core/base/compiled.ts';
import {withLargePages} from '../../core/base/large-pages.ts';
import {outOfMemoryKills} from '../../core/base/out-of-memory.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {EngineInfo, ResolvedEngine} from '../../core/engine/contract.ts';
import type {KernelTime} from '../../core/engine/profile.ts';
import type {ModuleRef} from '../../core/plugin/code.ts';
import type {Killed, StageProgress} from '../events.ts';
import type {FromWorker, Job, ToWorker} from './protocol.ts';

export interface PoolOptions {
  /** Modules of plug-ins (`Plugins.modules`). */
  readonly plugins: readonly ModuleRef[];
  /** Module that exports `runStage`. */
  readonly stages: URL;
  /** Milliseconds between the request to stop and the kill. */
  readonly grace: number;
  /** Time the engine's kernels. */
  readonly profile?: boolean;
}

export interface JobOptions {
  /** Absent if the stage computes no tensors. */
  readonly engine?: ResolvedEngine;
  readonly signal: AbortSignal;
  onProgress(progress: StageProgress): void;
  onWarning(message: string): void;
  onNote(message: string): void;
  onEngine(engine: EngineInfo): void;
}

export type JobResult =
  | {
      readonly status: 'done';
      readonly summary: Json;
      readonly peakMemory: number;
      readonly engine?: EngineInfo;
      readonly kernels?: readonly KernelTime[];
      readonly checks?: KernelChecks;
    }
  | {readonly status: 'failed'; readonly message: string; readonly hint?: string; readonly killed?: Killed}
  | {readonly status: 'aborted'};

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #idle = new Set<WorkerProcess>();
  readonly #all = new Set<WorkerProcess>();
  #started = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Workers started so far. */
  get started(): number {
    return this.#started;
  }

  /** Runs one stage; never throws for what a stage or a worker does. */
  async run(job: Job, options: JobOptions): Promise<JobResult> {
    if (options.signal.aborted) return {status: 'aborted'};
    const worker = this.#take(options.engine);
    const result = await worker.run(job, options);
    if (worker.alive) this.#idle.add(worker);
    else this.#all.delete(worker);
    return result;
  }

  /** The GPU on which the fewest stages are computed now; of several, the first. */
  #freest(gpus: readonly string[]): string {
    const busy = [...this.#all].filter((worker) => !this.#idle.has(worker));
    const load = (gpu: string): number => busy.filter((worker) => worker.gpu === gpu).length;
    return gpus.reduce((freest, gpu) => (load(gpu) < load(freest) ? gpu : freest));
  }

  /** Ends all workers, and waits until they have ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.kill()));
  }

  #take(engine: ResolvedEngine | undefined): WorkerProcess {
    const gpu = engine?.gpus && this.#freest(engine.gpus);
    for (const worker of this.#idle) {
      if (!worker.alive) this.#idle.delete(worker);
      else if ((worker.engine === undefined) === (engine === undefined) && worker.gpu === gpu) {
        this.#idle.delete(worker);
        return worker;
      }
    }
    const worker = new WorkerProcess(this.#options, engine, gpu);
    this.#started++;
    this.#all.add(worker);
    return worker;
  }
}

/** How much of what a worker prints is kept for the message about its crash. */
const tail = {characters: 4000, lines: 12} as const;

class WorkerProcess {
  readonly engine: ResolvedEngine | undefined;
  /** The one that it sees, where there are several. */
  readonly gpu: string | undefined;
  readonly #child: ChildProcess;
  readonly #grace: number;
  readonly #exited: Promise<{readonly code: number | null; readonly signal: NodeJS.Signals | null}>;
  #running = true;
  #printed = '';
  #words: Promise<string> | undefined;
  #info: EngineInfo | undefined;
  #ready = false;
  #listen: ((message: FromWorker) => void) | undefined;

  constructor(
    {plugins, stages, grace, profile = false}: PoolOptions,
    engine: ResolvedEngine | undefined,
    gpu: string | undefined,
  ) {
    this.engine = engine;
    this.gpu = gpu;
    this.#grace = grace;
    const entry = fileURLToPath(new URL('./worker.js', compiledUrl(import.meta.url)));
    this.#child = fork(entry, [String(process.pid)], {
      execArgv: [],
      env: {...withLargePages(process.env), ...(gpu !== undefined && {CUDA_VISIBLE_DEVICES: gpu})},
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced', // JSON would turn a loss that is NaN into null
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(-tail.characters);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#running = false;
        resolve({code, signal});
      });
      this.#child.once('error', (error) => {
        this.#printed += error.message;
        if (this.#child.pid === undefined) {
          this.#running = false;
          resolve({code: null, signal: null});
        }
      });
    });
    this.#child.on('message', (message: FromWorker) => this.#listen?.(message));
    this.#send({
      type: 'start',
      plugins: plugins.map((module) => (module.code ? module : {url: ours(module.url)})),
      stages: stages.href,
      profile,
      ...(engine ? {engine} : {}),
    });
  }

  get alive(): boolean {
    return this.#running && this.#ready;
  }

  async run(job: Job, options: JobOptions): Promise<JobResult> {
    const answer = new Promise<JobResult>((resolve) => {
      this.#listen = (message) => {
        switch (message.type) {
          case 'ready':
            this.#ready = true;
            this.#info = message.engine;
            if (message.engine) options.onEngine(message.engine);
            this.#send({type: 'run', job});
            break;
          case 'progress':
            options.onProgress(message.progress);
            break;
          case 'warning':
            options.onWarning(message.message);
            break;
          case 'note':
            options.onNote(message.message);
            break;
          case 'done': {
            const {type: _, ...result} = message;
            resolve({status: 'done', ...result, ...(this.#info ? {engine: this.#info} : {})});
            break;
          }
          case 'failed': {
            const {message: text, hint} = message;
            resolve({status: 'failed', message: text, ...(hint === undefined ? {} : {hint})});
            break;
          }
        }
      };
    });
    const before = outOfMemoryKills();
    const crash = this.#exited.then(async (end) => {
      const now = outOfMemoryKills();
      const outOfMemory = before === undefined || now === undefined ? undefined : now > before;
      this.#words ??= this.#lastWords(); // asked for by every stage that it has run
      return crashed(end, await this.#words, outOfMemory);
    });
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.#send({type: 'abort'});
      killing = setTimeout(() => this.#stop(options), this.#ready ? this.#grace : 0);
    };
    options.signal.addEventListener('abort', stop, {once: true});
    if (this.#ready) this.#send({type: 'run', job});
    const result = await Promise.race([answer, crash]);
    if (isStopSignal(this.#child.signalCode) && result.status === 'failed') await isStopped(options.signal);
    options.signal.removeEventListener('abort', stop);
    clearTimeout(killing);
    this.#listen = undefined;
    // A worker that could not load its plug-ins or its engine can't run the next stage either.
    if (!this.#ready) await this.kill();
    return result.status === 'failed' && options.signal.aborted ? {status: 'aborted'} : result;
  }

  /** Kills it, as it did not end by itself in time. */
  #stop({onWarning}: JobOptions): void {
    if (this.#ready && this.#grace > 0)
      onWarning(
        `it did not stop within ${this.#grace / 1000} s and was ended: what it has done since its last checkpoint is lost`,
      );
    this.#child.kill('SIGKILL');
  }

  async kill(): Promise<void> {
    if (this.#running) this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #send(message: ToWorker): void {
    // A worker that has just died gets no message; its exit is reported instead.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** What it printed last; its pipes may end a little after the process, or never where a child of it holds them. */
  async #lastWords(): Promise<string> {
    const ends = [this.#child.stdout!, this.#child.stderr!].map(
      (stream) => new Promise((resolve) => (stream.readableEnded ? resolve(true) : stream.once('end', resolve))),
    );
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, 500);
    });
    await Promise.race([Promise.all(ends), patience]);
    clearTimeout(timer);
    return this.#printed.trimEnd().split('\n').slice(-tail.lines).join('\n');
  }
}

/** Under vitest our own sources are TypeScript, which a worker can't load. */
const ours = (url: string): string => (import.meta.url.endsWith('.ts') ? compiledUrl(url).href : url);

/** A worker obeys these only while it starts; then the main process decides. */
const isStopSignal = (signal: NodeJS.Signals | null): boolean => signal === 'SIGINT' || signal === 'SIGTERM';

/** Milliseconds in which a signal to all processes of a group, or of a job, reaches this one too: in no certain order. */
const soon = 1000;

/** Resolves when the run is told to stop, or is not soon. */
const isStopped = async (signal: AbortSignal): Promise<void> =>
  void (signal.aborted || (await delay(soon, undefined, {signal}).catch(() => undefined)));

function crashed(
  {code, signal}: {readonly code: number | null; readonly signal: NodeJS.Signals | null},
  lastWords: string,
  outOfMemory: boolean | undefined,
): JobResult {
  const said = lastWords === '' ? '' : ` Its last output was:\n${lastWords}`;
  if (signal === 'SIGKILL') return {status: 'failed', ...killed(outOfMemory, said)};
  if (isStopSignal(signal))
    return {
      status: 'failed',
      message: `its worker process was ended by ${signal}, which another process has sent.${said}`,
      hint: 'Run it again.',
      killed: 'somebody',
    };
  const how = signal ? `was ended by ${signal}` : code === null ? 'could not be started' : `ended with status ${code}`;
  return {status: 'failed', message: `its worker process ${how} before the stage was done.${said}`};
}

/** What is known of a SIGKILL; `outOfMemory` undefined: the system does not say whether it ended processes for want of memory. */
function killed(
  outOfMemory: boolean | undefined,
  said: string,
): {readonly message: string; readonly hint: string; readonly killed: Killed} {
  const lessMemory = 'Use more memory or a smaller batch, or run fewer stages at the same time (--jobs 1).';
  switch (outOfMemory) {
    case true:
      return {
        message: `its worker process was killed (SIGKILL) by the system, as memory ran out.${said}`,
        hint: lessMemory,
        killed: 'memory',
      };
    case false:
      return {
        message: `its worker process was killed (SIGKILL) by another process; the system did not run out of memory.${said}`,
        hint: 'Run it again.',
        killed: 'somebody',
      };
    default:
      return {
        message: `its worker process was killed (SIGKILL), by another process or by the system, which does that when memory runs out.${said}`,
        hint: `Run it again. If memory is short: ${lessMemory[0]!.toLowerCase()}${lessMemory.slice(1)}`,
        killed: 'somebody',
      };
  }
}

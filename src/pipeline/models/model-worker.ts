/** Runs the work on models in a worker process, as the stages of a run. */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Json} from '../../core/base/canonical.ts';
import {compiledUrl} from '../../core/base/compiled.ts';
import type {EngineInfo, ResolvedEngine} from '../../core/engine/contract.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {KernelTally} from '../execute/kernel-notes.ts';
import {WorkerPool} from '../execute/pool.ts';
import {StageError} from '../stages/shared.ts';
import type {StageContext} from '../stages/stage.ts';
import type {StageRecord} from '../store/runs/record.ts';

export interface ModelWorkerOptions {
  readonly plugins: Plugins;
  /** Called once, when the first work begins. */
  engine(): Promise<ResolvedEngine>;
  /** Folder for the files that stages write; the caller removes it. */
  readonly folder: string;
  warn(message: string): void;
  onEngine(engine: EngineInfo): void;
  /** Gets messages about the engine's kernels, after all work is done. */
  onKernels(message: string): void;
}

export interface ModelWorker {
  readonly folder: string;
  /** Does the work of a stage on these inputs (`restore.ts`). Throws `StageError`. */
  run(
    stage: StageRecord,
    inputs: {readonly [role: string]: string},
    sources?: StageContext['sources'],
  ): Promise<{readonly out: string; readonly summary: Json}>;
  close(): Promise<void>;
}

export function openModelWorker({plugins, engine, folder, warn, onEngine, onKernels}: ModelWorkerOptions): ModelWorker {
  const pool = new WorkerPool({
    plugins: plugins.modules,
    stages: new URL('./restore.js', compiledUrl(import.meta.url)),
    grace: 0,
  });
  let resolved: Promise<ResolvedEngine> | undefined;
  const tally = new KernelTally();
  let jobs = 0;
  const fresh = (name: string): string => {
    const path = join(folder, `${name}-${jobs}`);
    mkdirSync(path, {recursive: true});
    return path;
  };
  return {
    folder,
    async run({kind, node: {recipe}}, inputs, sources = []) {
      jobs++;
      resolved ??= engine();
      const [out, scratch] = [fresh('out'), fresh('scratch')];
      const result = await pool.run(
        {kind, recipe, inputs, sources, out, scratch, checkpointEvery: 0},
        {
          engine: await resolved,
          signal: new AbortController().signal,
          onWarning: warn,
          onNote: () => undefined,
          onEngine,
          onProgress: () => undefined,
        },
      );
      if (result.status === 'failed') throw new StageError(result.message, result.hint ?? 'Please report it.');
      if (result.status === 'aborted') throw new Error('the job was stopped, but nobody asked for it');
      if (result.checks) tally.add(result.checks);
      return {out, summary: result.summary};
    },
    async close() {
      await pool.close();
      for (const {message} of tally.say()) onKernels(message);
    },
  };
}

/** What `predict` and `export` do first: the run, one of its tasks, its plug-ins, and what they have left in the cache. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Result} from '../../core/base/result.ts';
import {resolveEngine} from '../../core/engine/install/resolve.ts';
import {loadModule} from '../../core/plugin/code.ts';
import type {PluginModule, Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {chooseTask} from '../../pipeline/models/find.ts';
import {type ModelWorker, openModelWorker} from '../../pipeline/models/model-worker.ts';
import {RunArtifacts} from '../../pipeline/models/run-artifacts.ts';
import {StageError} from '../../pipeline/stages/shared.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {stepReporter} from './progress.ts';
import {type EngineOptions, err, folders, type Globals, orRefuse, refuse} from './session.ts';
import {whichRun} from './which-run.ts';

export interface TrainedOptions {
  readonly task?: string;
  readonly classifier?: string;
}

/** `C`: one classifier, or several. */
export interface Trained<C> {
  readonly record: RunRecord;
  readonly task: Task;
  readonly chosen: C;
  readonly plugins: Plugins;
  readonly artifacts: RunArtifacts;
}

/** Goes on with what was asked for, or prints what is wrong with it; so it does with a `StageError` of `next`. */
export const withTrained = async <C>(
  run: string,
  options: TrainedOptions,
  choose: (record: RunRecord, task: Task, wanted: string | undefined) => Result<C, Problem>,
  globals: Globals,
  next: (trained: Trained<C>) => Promise<number>,
): Promise<number> =>
  orRefuse(await whichRun(run, globals, 'nothing'), (record) =>
    orRefuse(chooseTask(record, options.task), (task) =>
      orRefuse(choose(record, task, options.classifier), async (chosen) => {
        const cache = await (await import('./team.ts')).readingCache(globals);
        if (!cache)
          return refuse([
            {
              message: `there is no cache in ${folders(globals).cache}`,
              hint: 'Run the spec again: pipeline run <spec>.',
            },
          ]);
        try {
          const plugins = await pluginsOf(record);
          return await next({record, task, chosen, plugins, artifacts: new RunArtifacts(record, cache, plugins)});
        } catch (error) {
          if (!(error instanceof StageError)) throw error;
          refuse([{message: error.message, hint: error.hint}]);
          return exitCodes.failed;
        }
      }),
    ),
  );

/** The built-in plug-ins, and those of the run's spec. */
async function pluginsOf({pluginUrls}: RunRecord): Promise<Plugins> {
  let all = builtinPlugins();
  for (const url of pluginUrls) {
    // A record may come from a store: it names files, but brings no code.
    if (!url.startsWith('file:'))
      throw new StageError('the run names a plug-in that is not a file', 'Run its spec again.');
    const {exports, code} = await loadModule(url).catch((error: Error) => {
      throw new StageError(
        `the run's own plug-ins can't be loaded: ${error.message}`,
        'Put their file back in its place.',
      );
    });
    all = all.extend((exports as PluginModule).plugins, {url, code});
  }
  return all;
}

/** Goes on with a worker to compute on, and a folder that is removed afterwards. */
export async function withModelWorker<T>(
  {record, plugins}: Pick<Trained<unknown>, 'record' | 'plugins'>,
  {engine: choice, threads}: EngineOptions,
  next: (worker: ModelWorker) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-model-'));
  const worker = openModelWorker({
    plugins,
    engine: () => resolveEngine(choice, {provision: true, threads, report: stepReporter(err)}),
    folder,
    warn: (message) => err(`warning: ${message}`),
    onEngine({name}) {
      if (record.engine && record.engine.name !== name)
        err(
          `note: the run was computed on ${record.engine.name}, but this engine is ${name}: the last digits of scores differ`,
        );
    },
    onKernels: (message) => err(`note: ${message}`),
  });
  const clear = (): void => rmSync(folder, {recursive: true, force: true});
  const interrupted = (): void => {
    clear();
    process.exit(exitCodes.interrupted); // the worker ends with us
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await next(worker);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await worker.close();
    clear();
  }
}

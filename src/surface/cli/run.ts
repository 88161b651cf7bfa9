/** `run`: computes what is not cached, and ends with the table. */
import {shellWord} from '../../core/base/text.ts';
import {askedEngine, resolveEngine} from '../../core/engine/install/resolve.ts';
import {emitter} from '../../pipeline/events.ts';
import {execute} from '../../pipeline/execute/executor.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {createRun, describeEnvironment, type Environment} from '../../pipeline/store/runs/runs.ts';
import {openFileDigests} from '../../pipeline/store/sources.ts';
import {createReporter} from '../live/reporter.ts';
import {exitCodes} from './exit-codes.ts';
import {noValueNotes} from './no-value.ts';
import {nothing, prepare, type Ready, type SpecOptions} from './prepare.ts';
import {stepReporter} from './progress.ts';
import {commandName, type EngineOptions, err, folders, type Globals, out, packageVersion, refuse} from './session.ts';

export interface RunOptions extends SpecOptions, EngineOptions {
  readonly jobs?: number;
  /** Seconds. */
  readonly checkpointEvery: number;
  readonly failFast: boolean;
  readonly plain: boolean;
  readonly quiet: boolean;
  readonly profile: boolean;
  /** Nothing is computed. */
  readonly frozen: boolean;
}

export function run(spec: string, options: RunOptions, globals: Globals): Promise<number> {
  // Git answers while the spec is read.
  const environment = describeEnvironment({
    version: packageVersion(),
    folder: process.cwd(),
    command: process.argv.slice(2),
  });
  return prepare(spec, options, globals, async (ready) => runGraph(ready, await environment, options, globals));
}

async function runGraph(
  {plan, plugins, graph, warnings}: Ready,
  environment: Environment,
  options: RunOptions,
  globals: Globals,
): Promise<number> {
  const {runs, cache: cacheFolder, results: resultsFile} = folders(globals);
  const shared = globals.store === undefined ? undefined : await import('../../pipeline/store/remote/session.ts');
  const connected = await shared?.connectStore(globals.store!);
  if (connected?.ok === false) return refuse(connected.failures, nothing);
  // What files and prints the results takes a while to load: here it does so while git and the cache's files are waited for.
  const ending = Promise.all([import('../../pipeline/store/results/results.ts'), import('./results.ts')]);
  ending.catch(() => undefined); // reported where it is awaited
  const record = await createRun({root: runs, plan, graph, environment, now: new Date()});
  const reporter = createReporter(
    globals.json ? 'json' : options.quiet ? 'quiet' : options.plain ? 'plain' : 'auto',
    process.stdout,
    process.stderr,
    graph,
  );
  const emit = emitter([record.log, reporter.event]);
  const warn = (message: string): void => emit({type: 'warning', message});
  const digests = openFileDigests(cacheFolder);
  const note = (message: string): void => emit({type: 'note', message});
  const interruption = interruptible(note, () => reporter.close());
  let closing = (): void => undefined;
  try {
    const local = openCache(cacheFolder, {warn});
    const store = connected && shared?.openRunStore(connected.value, {local, root: runs, warn, note});
    closing = () => store?.close();
    store?.follow(record);
    for (const warning of warnings) warn(warning);
    const asked = askedEngine(options.engine, {threads: options.threads});
    const outcome = await execute({
      run: record.id,
      plan,
      graph,
      plugins,
      cache: store?.cache ?? local,
      digests,
      emit,
      signal: interruption.signal,
      failFast: options.failFast,
      checkpointEvery: options.checkpointEvery,
      profile: options.profile,
      frozen: options.frozen,
      ...(options.jobs === undefined ? {} : {jobs: options.jobs}),
      provenance: {
        run: record.id,
        version: environment.version,
        node: environment.node,
        host: environment.host,
        cpu: environment.cpu,
      },
      ...(asked && {asked}),
      engine: () =>
        resolveEngine(options.engine, {
          provision: true,
          threads: options.threads,
          signal: interruption.signal,
          report: stepReporter(note),
        }),
    });
    await store?.finish(interruption.signal);
    const unwritten = record.close();
    if (unwritten)
      err(
        `note: the record of this run is not whole: ${unwritten.message}; results are cached all the same. ${unwritten.hint}`,
      );
    await digests.save();
    const [{openResults}, {printComparison}] = await ending;
    const results = openResults(resultsFile, {report: err});
    const filed = await results.ingestRun(record.folder);
    if (!filed.ok)
      for (const {message, hint} of filed.failures)
        err(`note: ${message}; the table is from the run's own record. ${hint ?? ''}`);
    if (!globals.json)
      await printComparison({runs: [record.id]}, {format: 'table'}, globals, {
        results,
        whole: outcome.outcome === 'done',
        whenEmpty: () => exitCodes.done,
      });
    const entries = [...outcome.stages.values()].flatMap((stage) => ('entry' in stage ? [stage.entry] : []));
    for (const text of noValueNotes(entries.map(({manifest}) => manifest.summary))) err(`warning: ${text}`);
    if (options.profile && !globals.json) await printProfile(record.folder);
    if (!globals.json && !options.quiet && outcome.outcome !== 'interrupted')
      out(`\nLook closer: ${reportCommand(record.id, globals)}`);
    if (outcome.outcome === 'done') return exitCodes.done;
    err(`To continue, run: ${commandName()} ${process.argv.slice(2).map(shellWord).join(' ')}`);
    return outcome.outcome === 'interrupted' ? exitCodes.interrupted : exitCodes.failed;
  } finally {
    closing();
    reporter.close();
    interruption.done();
  }
}

async function printProfile(folder: string): Promise<void> {
  const [{profileTable}, {screen}] = await Promise.all([import('../tables/profile.ts'), import('./results.ts')]);
  const read = readRecord(folder);
  if (read.ok) out(profileTable(read.value.stages, screen()) || 'There is no profile, because nothing was computed.');
}

/** First Ctrl-C lets the stages stop (what is done stays cached, checkpoints stay); the second ends the process at once. */
function interruptible(
  note: (message: string) => void,
  beforeExit: () => void,
): {readonly signal: AbortSignal; done(): void} {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      beforeExit();
      process.exit(exitCodes.interrupted);
    }
    note('Stopping. Press Ctrl-C again to stop immediately.');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    done: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

const reportCommand = (run: string, {runs}: Globals): string =>
  [
    commandName(),
    'report',
    run,
    ...(process.argv.some((word) => /^--runs(=|$)/.test(word)) ? ['--runs', shellWord(runs)] : []),
  ].join(' ');

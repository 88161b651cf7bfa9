/** `run`: computes what is not cached, and ends with the table. */
import {existsSync} from 'node:fs';
import {shellWord} from '../../core/base/text.ts';
import {askedEngine, resolveEngine} from '../../core/engine/install/resolve.ts';
import {whyNotIn} from '../../core/engine/precision.ts';
import type {Site} from '../../pipeline/config/site.ts';
import {pastIn} from '../../pipeline/ending/past.ts';
import {emitter} from '../../pipeline/events.ts';
import {execute} from '../../pipeline/execute/executor.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {cancelFile, createRun, describeEnvironment, type Environment} from '../../pipeline/store/runs/runs.ts';
import {openFileDigests} from '../../pipeline/store/sources.ts';
import {createReporter} from '../live/reporter.ts';
import type {SiteOptions} from './cluster.ts';
import {announceDetached, detach} from './detach.ts';
import {exitCodes} from './exit-codes.ts';
import {noValueNotes} from './no-value.ts';
import {nothing, prepare, type Ready, type SpecOptions} from './prepare.ts';
import {stepReporter} from './progress.ts';
import {
  commandName,
  type EngineOptions,
  err,
  folders,
  type Globals,
  orRefuse,
  out,
  packageVersion,
  refuse,
  screen,
  whereRunsAre,
} from './session.ts';

export interface RunOptions extends SpecOptions, EngineOptions, SiteOptions {
  readonly jobs?: number;
  /** Seconds. */
  readonly checkpointEvery: number;
  readonly failFast: boolean;
  readonly plain: boolean;
  readonly quiet: boolean;
  readonly profile: boolean;
  /** What computes stages: worker processes here, or jobs of a cluster. */
  readonly executor: 'local' | 'slurm';
  readonly detach: boolean;
  /** Nothing is computed. */
  readonly frozen: boolean;
}

export async function run(spec: string, options: RunOptions, globals: Globals): Promise<number> {
  if (options.detach) return detach(globals);
  // Git answers while the spec is read.
  const environment = describeEnvironment({
    version: packageVersion(),
    folder: process.cwd(),
    command: process.argv.slice(2),
  });
  return prepare(spec, options, globals, async (ready) => {
    if (options.executor === 'local') {
      const unable = await unableIn(ready, options);
      return unable ? refuse([unable], nothing) : runGraph(ready, await environment, options, globals);
    }
    const {siteFor, whyNoSlurm} = await import('./cluster.ts');
    return orRefuse(
      await siteFor(spec, options, globals),
      async (site) => {
        const missing = await whyNoSlurm();
        return missing ? refuse([missing], nothing) : runGraph(ready, await environment, options, globals, site);
      },
      nothing,
    );
  });
}

/** Before the first image is read: the engine does not compute in the precision of a task. An engine that can't be had is the run's to report. */
async function unableIn({plan}: Ready, {engine: choice, threads}: EngineOptions): Promise<Problem | undefined> {
  const asked = new Set(plan.tasks.flatMap(({precision}) => precision ?? []));
  if (asked.size === 0) return undefined;
  const engine = await resolveEngine(choice, {provision: false, threads}).catch(() => undefined);
  if (!engine) return undefined;
  return [...asked].map((precision) => whyNotIn(precision, engine)).find((why) => why !== undefined);
}

async function runGraph(
  ready: Ready,
  environment: Environment,
  options: RunOptions,
  globals: Globals,
  site?: Site,
): Promise<number> {
  const {plan: whole, plugins, warnings, search} = ready;
  // With a search, all tasks come while it goes on.
  const [plan, graph] = search ? [{...whole, tasks: []}, []] : [whole, ready.graph];
  const {runs, cache: cacheFolder, results: resultsFile} = folders(globals);
  const shared = globals.store === undefined ? undefined : await import('../../pipeline/store/remote/session.ts');
  const connected = await shared?.connectStore(globals.store!);
  if (connected?.ok === false) return refuse(connected.failures, nothing);
  // What files and prints the results takes a while to load: here it does so while git and the cache's files are waited for.
  const ending = Promise.all([import('../../pipeline/store/results/results.ts'), import('./results.ts')]);
  ending.catch(() => undefined); // reported where it is awaited
  const searching = search && (await import('./search-run.ts'));
  const asRecorded = search && {search: (await import('../../pipeline/search/record.ts')).toRecord(search.options)};
  const ahead = search && {search: (await import('../../pipeline/search/size.ts')).sizeOf(search.options)};
  const record = await createRun({root: runs, plan, graph, ...asRecorded, environment, now: new Date()});
  announceDetached(record);
  const reporter = createReporter(
    globals.json ? 'json' : options.quiet ? 'quiet' : options.plain ? 'plain' : 'auto',
    process.stdout,
    process.stderr,
    {graph, past: () => pastIn(cacheFolder), ...ahead},
  );
  const emit = emitter([record.log, reporter.event]);
  const warn = (message: string): void => emit({type: 'warning', message});
  const digests = openFileDigests(cacheFolder);
  const note = (message: string): void => emit({type: 'note', message});
  const interruption = interruptible(note, () => reporter.close(), cancelFile(record.folder));
  let closing = (): void => undefined;
  try {
    const local = openCache(cacheFolder, {warn});
    const store = connected && shared?.openRunStore(connected.value, {local, root: runs, warn, note});
    closing = () => store?.close();
    store?.follow(record);
    for (const warning of warnings) warn(warning);
    const asked = askedEngine(options.engine, {threads: options.threads});
    const elsewhere =
      site &&
      (await import('./cluster.ts')).openCluster(site, {...options, run: record.id, name: plan.name, plugins}, globals);
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
      ...(elsewhere && {elsewhere}),
      ...(search && {growth: searching!.openSearch(search, ready, globals, emit)}),
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
    const [{openResults}, {isSweep, printComparison, printEffects}] = await ending;
    const results = openResults(resultsFile, {report: err});
    const filed = await results.ingestRun(record.folder);
    if (!filed.ok)
      for (const {message, hint} of filed.failures)
        err(`note: ${message}; the table is from the run's own record. ${hint ?? ''}`);
    searching?.printSearch(record.folder, globals);
    if (!globals.json && !search) {
      await printComparison({runs: [record.id]}, {format: 'table'}, globals, {
        results,
        whole: outcome.outcome === 'done',
        whenEmpty: () => exitCodes.done,
      });
      if (isSweep(plan.tasks) && !options.quiet) printEffects(record.folder);
    }
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
  const {profileTable} = await import('../tables/profile.ts');
  const read = readRecord(folder);
  if (read.ok) out(profileTable(read.value.stages, screen()) || 'There is no profile, because nothing was computed.');
}

/** First Ctrl-C lets the stages stop (what is done stays cached, checkpoints stay); the second ends the process at once. */
function interruptible(
  note: (message: string) => void,
  beforeExit: () => void,
  cancelled: string,
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
  // How `pipeline cancel` reaches it from another host.
  const look = setInterval(() => {
    if (!controller.signal.aborted && existsSync(cancelled)) onSignal();
  }, 2000).unref();
  return {
    signal: controller.signal,
    done: () => {
      clearInterval(look);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

const reportCommand = (run: string, globals: Globals): string =>
  `${commandName()} report ${run}${whereRunsAre(globals)}`;

/** A cluster as the command line uses it: its site file, and what its jobs start. */
import {realpathSync} from 'node:fs';
import {join} from 'node:path';
import {type Result, succeed} from '../../core/base/result.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {Cluster} from '../../pipeline/cluster/cluster.ts';
import {hasEnded, parseComment, type QueuedJob} from '../../pipeline/cluster/queue.ts';
import {type Said, slurm} from '../../pipeline/cluster/slurm.ts';
import {defaultSite, findSite, readSite, type Site} from '../../pipeline/config/site.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {stageKinds} from '../../pipeline/stages/index.ts';
import {readEnvironment} from '../../pipeline/store/runs/plan-file.ts';
import {driverOf} from '../../pipeline/store/runs/runs.ts';
import {type EngineOptions, folders, type Globals, packageFolder, packageVersion} from './session.ts';

export interface SiteOptions {
  readonly site?: string;
}

export interface ClusterRun extends EngineOptions {
  readonly run: string;
  /** Of the spec. */
  readonly name: string;
  readonly plugins: Plugins;
  readonly checkpointEvery: number;
  readonly profile: boolean;
}

export async function siteFor(spec: string, {site}: SiteOptions, {runs}: Globals): Promise<Result<Site, Problem>> {
  const file = findSite(site, spec, runs);
  return file === undefined ? succeed(defaultSite()) : await readSite(file, stageKinds);
}

/** How a job starts this program: with the Node and the files that run now. */
export const ownCommand: readonly string[] = [process.execPath, join(packageFolder, 'bin', 'pipeline.js')];

/** Why no job can be submitted from here; undefined: one can. */
export async function whyNoSlurm(): Promise<Problem | undefined> {
  const said = await slurm.queue();
  return said.ok || said.why !== 'wrong'
    ? undefined
    : {message: said.message, hint: 'Start the run where sbatch and squeue work, such as on a login node.'};
}

/** Jobs of a run that wait or run. */
export async function jobsOf(run: string): Promise<Said<readonly QueuedJob[]>> {
  const queue = await slurm.queue();
  return queue.ok
    ? {ok: true, value: queue.value.filter((job) => parseComment(job.comment)?.run === run && !hasEnded(job))}
    : queue;
}

export function openCluster(site: Site, about: ClusterRun, globals: Globals): Cluster {
  const {runs, cache} = folders(globals);
  const {run, name, plugins, engine: choice, threads, checkpointEvery, profile} = about;
  const modules = plugins.modules.filter(({code}) => code !== undefined);
  return new Cluster({
    slurm,
    site,
    runs: realpathSync(runs),
    batch: {
      run,
      name,
      cache,
      modules,
      engine: {choice, threads},
      checkpointEvery,
      profile,
      version: packageVersion(),
    },
    command: ownCommand,
    cwd: process.cwd(),
    isGone: (other) => driverOf(readEnvironment(join(runs, other)) ?? {}) === 'dead',
  });
}

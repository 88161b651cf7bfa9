/**
 * `runs/<id>/`: what was asked for (`pipeline.yaml`, `plan.json`), where it ran (`environment.json`) and what happened
 * (`events.ndjson`, one line for each event). This file writes it while a run goes on; `record.ts` reads it.
 */
import {execFile} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import {cpus, release, totalmem} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import type {Json} from '../../../core/base/canonical.ts';
import {codeOf, readBytes, writeFileAtomic} from '../../../core/base/files.ts';
import {type ProcessIdentity, stateOf, thisProcess} from '../../../core/base/process-identity.ts';
import {fail, type Result} from '../../../core/base/result.ts';
import {type SystemProblem, systemProblem} from '../../../core/base/system-error.ts';
import type {Plan} from '../../config/spec.ts';
import type {RunEvent} from '../../events.ts';
import type {Problem} from '../../failures.ts';
import {recorded, type StageNode} from '../../stages/stage.ts';
import {planText} from './plan-file.ts';
import {type RunRecord, readRecord} from './record.ts';
import {nameIn, runId, slugOf, startOf} from './run-id.ts';
import {eventsFile} from './run-record.ts';
import {eventOf, lineOf} from './shape.ts';

/** Where a run was made, and by which version. It is recorded as provenance, and is never part of a key. */
export interface Environment {
  /** Version of this package. */
  readonly version: string;
  /** State of the folder in which the command was run; absent if it is not in a git repository. */
  readonly git?: {readonly commit: string; readonly dirty: boolean};
  readonly node: string;
  readonly platform: string;
  readonly host: string;
  readonly pid: number;
  /** Tell the process from others with its number (`ProcessIdentity`). */
  readonly place: string;
  readonly started?: string;
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly command: readonly string[];
}

export interface Run extends EventLog {
  /**
   * `20261124-031500.123-quickstart-ab12`: time in UTC, name, and four random digits that distinguish runs of one millisecond. It sorts
   * after all runs that were there when this one began: if a clock was ahead for one of them, the time is one millisecond after its time.
   */
  readonly id: string;
  readonly folder: string;
}

interface EventLog {
  /** Writes an event of the run into the log. Of a stage's training progress, only one event every few seconds is written. */
  readonly log: (event: RunEvent) => void;
  /** Writes everything to the disk; returns why something could not be written. */
  close(): SystemProblem | undefined;
}

export interface NewRun {
  /** `runs/`. */
  readonly root: string;
  readonly plan: Plan;
  readonly graph: readonly StageNode[];
  /** What it searches, if it does. */
  readonly search?: Json;
  readonly environment: Environment;
  readonly now: Date;
}

/** Seconds between two written reports of one stage's progress. */
const progressEvery = 5;

export async function createRun({root, plan, graph, search, environment, now}: NewRun): Promise<Run> {
  const {id, folder} = makeFolder(root, plan.name, now);
  // Created first: a run without this file counts as damaged.
  const events = openSync(join(folder, 'events.ndjson'), 'a');
  const stages = graph.map(recorded);
  await writeFileAtomic(join(folder, 'pipeline.yaml'), plan.source);
  await writeFileAtomic(join(folder, 'environment.json'), toJson(environment));
  const modules = plan.pluginUrls.length > 0 ? {plugins: plan.pluginUrls} : {};
  const whole = planText({
    name: plan.name,
    tasks: plan.tasks,
    stages,
    ...modules,
    ...(search !== undefined && {search}),
  });
  await writeFileAtomic(join(folder, 'plan.json'), whole);
  return {id, folder, ...logTo(events)};
}

/** The log of one of several processes of a run. */
export const openLog = (path: string): EventLog => logTo(openSync(path, 'ax'));

function logTo(file: number): EventLog {
  const lines = new Lines(file);
  const reported = new Map<string, number>();
  return {
    log(event) {
      if (event.type === 'stage-progress') {
        const time = Date.parse(event.at);
        if (time - (reported.get(event.stage) ?? Number.NEGATIVE_INFINITY) < progressEvery * 1000) return;
        reported.set(event.stage, time);
      }
      lines.add(`${lineOf(event)}\n`);
    },
    close() {
      const problem = lines.flush();
      fsyncSync(file);
      closeSync(file);
      return problem;
    },
  };
}

/** Writes lines to a file. What a full disk does not take is tried again with the next line, and the run goes on meanwhile. */
class Lines {
  readonly #file: number;
  #waiting = Buffer.alloc(0);

  constructor(file: number) {
    this.#file = file;
  }

  /** Writes each line at once, so that a crash damages at most the last one. */
  add(line: string): void {
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(line)]);
    this.flush();
  }

  flush(): SystemProblem | undefined {
    try {
      while (this.#waiting.length > 0) this.#waiting = this.#waiting.subarray(writeSync(this.#file, this.#waiting));
      return undefined;
    } catch (error) {
      const problem = systemProblem(error);
      if (!problem) throw error;
      return problem;
    }
  }
}

function makeFolder(root: string, name: string, now: Date): {readonly id: string; readonly folder: string} {
  mkdirSync(root, {recursive: true});
  const time = timeText(Math.max(now.getTime(), timeOf(listRuns(root)[0]) + 1));
  const slug = slugOf(name);
  for (;;) {
    const id = [time, ...(slug === '' ? [] : [slug]), randomBytes(2).toString('hex')].join('-');
    const folder = join(root, id);
    try {
      mkdirSync(folder);
      return {id, folder};
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

const timeText = (time: number): string => new Date(time).toISOString().replace(/[-:Z]/g, '').replace('T', '-');

/** The time in a run's id, in milliseconds since 1970; 0 if the id has none. */
const timeOf = (id = ''): number => Date.parse(startOf(id) ?? '') || 0;

const toJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A run stops, as by Ctrl-C, when this file is there. */
export const cancelFile = (folder: string): string => join(folder, 'cancel');

/** Records that a run was stopped whose process has ended without recording an end. */
export function recordInterruption({id: run, folder, stages, started}: RunRecord): void {
  const path = eventsFile(folder);
  const text = readBytes(path);
  // A process that is killed while it writes leaves a part of a line.
  const whole = text.lastIndexOf('\n') + 1;
  const isPart = eventOf(text.toString('utf8', whole)) === undefined;
  if (isPart) truncateSync(path, whole);
  const times = [started, ...stages.flatMap((stage) => [stage.started, stage.finished])].flatMap((at) =>
    at === undefined ? [] : [Date.parse(at)],
  );
  const count = (...statuses: readonly string[]): number =>
    stages.filter(({status}) => statuses.includes(status)).length;
  const [computed, cached, failed] = [count('computed'), count('cached'), count('failed')];
  const line = lineOf({
    at: new Date().toISOString(),
    type: 'run-finished',
    run,
    outcome: 'interrupted',
    computed,
    cached,
    failed,
    skipped: stages.length - computed - cached - failed,
    // To its last sign of life.
    seconds: times.length === 0 ? 0 : (times.reduce((a, b) => Math.max(a, b)) - times[0]!) / 1000,
  });
  appendFileSync(path, `${isPart ? '' : '\n'}${line}\n`);
}

/**
 * Whether the process that drives a run lives; `unknown`: it can't be seen from here, or it can't be told from another one that has got
 * its number. Takes the run's environment.
 */
export function driverOf(environment: {readonly [key: string]: unknown}): 'alive' | 'dead' | 'unknown' {
  const {host, pid, place = thisProcess().place, started} = environment as Partial<ProcessIdentity>;
  if (typeof host !== 'string' || typeof pid !== 'number') return 'unknown';
  const state = stateOf({host, pid, place, ...(started !== undefined && {started})});
  return state === 'alive' && started === undefined ? 'unknown' : state;
}

/** `stopped`: its process has ended without recording an end; `unfinished`: its process can't be seen from here. */
export type RunState = Exclude<RunRecord['outcome'], 'unfinished'> | 'running' | 'stopped' | 'unfinished';

export const runStateOf = ({outcome, environment}: RunRecord): RunState =>
  outcome === 'unfinished'
    ? ({alive: 'running', dead: 'stopped', unknown: 'unfinished'} as const)[driverOf(environment)]
    : outcome;

/** Ids of all runs, newest first. */
export const listRuns = (root: string): readonly string[] =>
  existsSync(root)
    ? readdirSync(root)
        .filter((name) => runId.test(name))
        .sort()
        .reverse()
    : [];

/** Reads the run named by `which`: an id, the name in one (the latest such run), a part of an id that only one run has, or `latest`. */
export function readRun(root: string, which: string): Result<RunRecord, Problem> {
  const ids = listRuns(root);
  if (ids.length === 0) return fail({message: `there is no run in ${root}`, hint: 'Run a spec: pipeline run <spec>.'});
  const exact = ids.find((id) => which === 'latest' || id === which) ?? ids.find((id) => nameIn(id) === which);
  const found = exact === undefined ? ids.filter((id) => id.includes(which)) : [exact];
  if (found.length === 1) return readRecord(join(root, found[0]!));
  if (found.length === 0)
    return fail({message: `there is no run "${which}"`, hint: `The latest is ${ids[0]}; "pipeline ls" lists all.`});
  const some = found.slice(0, 5).join(', ');
  return fail({
    message: `"${which}" is part of ${found.length} runs: ${some}${found.length > 5 ? ', …' : ''}`,
    hint: 'Give a longer part of the id, or "latest".',
  });
}

/** `folder`: the folder in which the command was run; `command`: its words. */
export async function describeEnvironment(about: {
  readonly version: string;
  readonly folder: string;
  readonly command: readonly string[];
}): Promise<Environment> {
  const git = await gitState(about.folder);
  const processors = cpus();
  return {
    version: about.version,
    ...(git ? {git} : {}),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch} ${release()}`,
    ...thisProcess(),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory: totalmem(),
    command: about.command,
  };
}

async function gitState(folder: string): Promise<Environment['git'] | undefined> {
  const git = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', folder, ...words], {timeout: 5000})).stdout.trim();
  try {
    const [commit, changes] = await Promise.all([git('rev-parse', 'HEAD'), git('status', '--porcelain')]);
    return {commit, dirty: changes !== ''};
  } catch {
    return undefined; // no git, no repository, or no commit yet
  }
}

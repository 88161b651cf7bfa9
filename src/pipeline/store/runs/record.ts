/**
 * What a run's folder tells: plan, events and environment joined, without the cache and without the database. A run that was
 * killed is read as far as it got; the last line of `events.ndjson` may be torn.
 */
import {existsSync, readFileSync} from 'node:fs';
import {basename, join, resolve} from 'node:path';
import type {Digest, Json} from '../../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {EngineInfo} from '../../../core/engine/contract.ts';
import type {KernelTime} from '../../../core/engine/profile.ts';
import type {Task} from '../../config/spec.ts';
import type {RunEvent, StageKind} from '../../events.ts';
import type {Problem} from '../../failures.ts';
import type {Maker} from '../../maker.ts';
import type {StageNode} from '../../stages/stage.ts';

/** `unfinished`: killed, or still running. */
export type Outcome = 'done' | 'failed' | 'interrupted' | 'unfinished';
/** `started`: no end was recorded; `waiting`: it was never its turn. */
export type StageStatus = 'computed' | 'cached' | 'failed' | 'skipped' | 'started' | 'waiting';

export interface StageRecord {
  readonly id: string;
  readonly kind: StageKind;
  readonly label: string;
  readonly status: StageStatus;
  readonly node: StageNode;
  readonly fingerprint?: Digest;
  /** ISO 8601, UTC; `started`: only of a stage that was computed. */
  readonly started?: string;
  readonly finished?: string;
  readonly seconds?: number;
  /** Bytes. */
  readonly peakMemory?: number;
  readonly engine?: string;
  readonly threads?: number;
  /** Where a profiled run's engine spent its time. */
  readonly kernels?: readonly KernelTime[];
  readonly summary?: unknown;
  /** Why it failed or was skipped. */
  readonly message?: string;
  readonly hint?: string;
}

export interface RunRecord {
  readonly id: string;
  readonly folder: string;
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly stages: readonly StageRecord[];
  /** Modules of the user's own plug-ins, as file URLs. */
  readonly pluginUrls: readonly string[];
  readonly environment: {readonly [key: string]: Json};
  readonly outcome: Outcome;
  /** ISO 8601, UTC. */
  readonly started?: string;
  readonly finished?: string;
  readonly seconds?: number;
  /** What computed; absent: nothing was. */
  readonly engine?: EngineInfo;
  /** What was to compute; absent: not known. */
  readonly asked?: Maker;
  /** `stage`: the id of what it is about; absent: the run. */
  readonly warnings: readonly {readonly message: string; readonly stage?: string}[];
}

interface PlanFile {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly stages: readonly StageNode[];
  /** Absent where there are none. */
  readonly plugins?: readonly string[];
}

/** What of a run is written before it begins. */
export interface RunHead {
  readonly folder: string;
  readonly plan: PlanFile;
  readonly environment: RunRecord['environment'];
}

/** Reads `runs/<id>/`. */
export function readRecord(folder: string): Result<RunRecord, Problem> {
  const head = readHead(folder);
  return head.ok ? succeed(joinRecord(head.value, readEvents(eventsFile(folder)))) : head;
}

export const eventsFile = (folder: string): string => join(folder, 'events.ndjson');

/** Reads of `runs/<id>/` all but the events. */
export function readHead(folder: string): Result<RunHead, Problem> {
  const plan = readJson<PlanFile>(join(folder, 'plan.json'), isPlan);
  if (!plan.ok) return plan;
  const environmentFile = join(folder, 'environment.json');
  const environment = existsSync(environmentFile)
    ? readJson<{[key: string]: Json}>(environmentFile, isObject)
    : succeed<{[key: string]: Json}>({}); // killed before it was written
  if (!environment.ok) return environment;
  return succeed({folder, plan: plan.value, environment: environment.value});
}

/** As far as the events tell. */
export function joinRecord({folder, plan, environment}: RunHead, events: readonly RunEvent[]): RunRecord {
  const seen = new Map<string, Partial<StageRecord> & {status: StageStatus}>();
  const warnings: RunRecord['warnings'][number][] = [];
  const head: {-readonly [K in keyof RunRecord]?: RunRecord[K]} = {outcome: 'unfinished'};
  for (const event of events) {
    switch (event.type) {
      case 'run-started':
        head.started = event.at;
        if (event.asked) head.asked = event.asked;
        break;
      case 'engine-started':
        head.engine = event.engine;
        break;
      case 'stage-started':
        seen.set(event.stage, {status: 'started', started: event.at});
        break;
      case 'stage-finished': {
        const {how, fingerprint, at: finished, seconds, peakMemory, engine, threads, kernels, summary} = event;
        const optional = {
          ...(peakMemory !== undefined && {peakMemory}),
          ...(engine !== undefined && {engine}),
          ...(threads !== undefined && {threads}),
          ...(kernels && {kernels}),
        };
        seen.set(event.stage, {
          ...seen.get(event.stage),
          status: how,
          fingerprint,
          finished,
          seconds,
          summary,
          ...optional,
        });
        break;
      }
      case 'stage-failed':
        seen.set(event.stage, {
          ...seen.get(event.stage),
          status: 'failed',
          finished: event.at,
          message: event.message,
          ...(event.hint && {hint: event.hint}),
        });
        break;
      case 'stage-skipped':
        seen.set(event.stage, {status: 'skipped', message: event.because});
        break;
      case 'warning':
        warnings.push({message: event.message, ...(event.stage !== undefined && {stage: event.stage})});
        break;
      case 'run-finished':
        Object.assign(head, {outcome: event.outcome, finished: event.at, seconds: event.seconds});
        break;
    }
  }
  const stages = plan.stages.map((node) => ({
    id: node.id,
    kind: node.kind,
    label: node.label,
    node,
    ...(seen.get(node.id) ?? {status: 'waiting' as const}),
  }));
  const {name, tasks, plugins: pluginUrls = []} = plan;
  return {
    outcome: 'unfinished',
    ...head,
    id: basename(resolve(folder)),
    folder,
    name,
    tasks,
    stages,
    pluginUrls,
    environment,
    warnings,
  };
}

/** Events but for progress, which is most of the file and tells nothing of the result. */
function readEvents(file: string): readonly RunEvent[] {
  if (!existsSync(file)) return [];
  const events: RunEvent[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '' || line.includes('"type":"stage-progress"')) continue;
    try {
      events.push(JSON.parse(line) as RunEvent);
    } catch {
      // A torn line: the run was killed while it wrote. What it told is lost with it; the other lines are whole.
    }
  }
  return events;
}

function readJson<T>(file: string, accepts: (value: unknown) => boolean): Result<T, Problem> {
  const broken = (message: string) =>
    fail<Problem>({
      message,
      file,
      hint: 'The folder does not hold a complete run. Remove it, or run its pipeline.yaml again.',
    });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return broken(`cannot read ${basename(file)}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return accepts(value) ? succeed(value as T) : broken(`${basename(file)} does not have the expected content`);
  } catch (error) {
    return broken(`${basename(file)} is not JSON: ${(error as Error).message}`);
  }
}

const isObject = (value: unknown): value is {[key: string]: unknown} =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPlan = (value: unknown) =>
  isObject(value) && value['format'] === 1 && Array.isArray(value['tasks']) && Array.isArray(value['stages']);

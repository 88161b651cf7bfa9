/**
 * What a run's folder tells: plan, events and environment joined, without the cache and without the database. A run that was
 * killed is read as far as it got; the last line of `events.ndjson` may be torn.
 */
import {readFileSync} from 'node:fs';
import {basename, join, resolve} from 'node:path';
import type {Digest, Json} from '../../../core/base/canonical.ts';
import {codeOf} from '../../../core/base/files.ts';
import {readLines} from '../../../core/base/lines.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {plural} from '../../../core/base/text.ts';
import type {EngineInfo} from '../../../core/engine/contract.ts';
import type {KernelTime} from '../../../core/engine/profile.ts';
import type {Task} from '../../config/spec.ts';
import type {RunEvent, StageKind} from '../../events.ts';
import type {Problem} from '../../failures.ts';
import type {Maker} from '../../maker.ts';
import type {StageNode} from '../../stages/stage.ts';
import {eventOf, isFields, isPlan} from './shape.ts';

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
  if (!head.ok) return head;
  const file = eventsFile(folder);
  const {events, strange} = readEvents(file);
  const record = joinRecord(head.value, events);
  // A run that was killed while it wrote has torn its last line: what that said is lost, and nothing is wrong.
  if (strange === 0 || (strange === 1 && record.outcome === 'unfinished')) return succeed(record);
  const warning = `${file}: ${plural(strange, 'line')} can't be read; what they said is missing here.`;
  return succeed({...record, warnings: [...record.warnings, {message: warning}]});
}

export const eventsFile = (folder: string): string => join(folder, 'events.ndjson');

/** Reads of `runs/<id>/` all but the events. */
export function readHead(folder: string): Result<RunHead, Problem> {
  const plan = readJson<PlanFile>(join(folder, 'plan.json'), isPlan);
  if (!plan.ok) return plan;
  // Only provenance: a run without it, or with one that can't be read, has its numbers all the same.
  const environment = readJson<{[key: string]: Json}>(join(folder, 'environment.json'), isFields);
  const stages = plan.value.stages.map((stage): StageNode => ({...stage, lane: stage.lane ?? laneOf(stage.kind)}));
  return succeed({
    folder,
    plan: {...plan.value, stages},
    environment: environment.ok ? environment.value : {},
  });
}

/** Of a stage whose run was made before lanes were written. */
const laneOf = (kind: string): StageNode['lane'] =>
  ['data', 'evaluate', 'ensemble'].includes(kind) ? 'cpu' : 'accelerator';

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

/** Events but for progress, which is most of the file and says nothing of the result; and how many lines are none. */
function readEvents(file: string): {readonly events: readonly RunEvent[]; readonly strange: number} {
  const events: RunEvent[] = [];
  let strange = 0;
  try {
    for (const line of readLines(file)) {
      if (line.includes('"type":"stage-progress"')) continue;
      const event = eventOf(line.toString('utf8'));
      if (event) events.push(event);
      else strange++;
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') strange++; // a folder, or a file that may not be read
  }
  return {events, strange};
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
    return broken(`cannot read ${basename(file)}: ${codeOf(error) ?? error}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return accepts(value) ? succeed(value as T) : broken(`${basename(file)} does not have the expected content`);
  } catch (error) {
    return broken(`${basename(file)} is not JSON: ${(error as Error).message}`);
  }
}

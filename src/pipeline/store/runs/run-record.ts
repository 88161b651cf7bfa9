/** A run as its plan and its events describe it, and what of these is lost. */
import {basename, join, resolve} from 'node:path';
import type {Digest, Json} from '../../../core/base/canonical.ts';
import {plural} from '../../../core/base/text.ts';
import type {EngineInfo} from '../../../core/engine/contract.ts';
import type {KernelTime} from '../../../core/engine/profile.ts';
import type {Task} from '../../config/spec.ts';
import type {RunEvent, StageKind, Where} from '../../events.ts';
import type {Maker} from '../../maker.ts';
import {findCycle, upstream, within} from '../../plan/order.ts';
import type {StageNode} from '../../stages/stage.ts';
import type {PlanFile} from './plan-file.ts';

export const eventsFile = (folder: string): string => join(folder, 'events.ndjson');

/** `unfinished`: killed, or still running; `damaged`: its record has lost how it ended. */
export type Outcome = 'done' | 'failed' | 'interrupted' | 'unfinished' | 'damaged';
/**
 * `interrupted`: it ran when its run was stopped; `started`: its end is not recorded; `queued`: it waits for a place on a cluster;
 * `waiting`: it has no events, or it waited for a place when its run was stopped.
 */
export type StageStatus =
  | 'computed'
  | 'cached'
  | 'failed'
  | 'skipped'
  | 'interrupted'
  | 'started'
  | 'queued'
  | 'waiting';

export interface StageRecord {
  readonly id: string;
  readonly kind: StageKind;
  readonly label: string;
  readonly status: StageStatus;
  readonly node: StageNode;
  readonly fingerprint?: Digest;
  /** ISO 8601, UTC; only stages that were computed have it. */
  readonly started?: string;
  /** ISO 8601, UTC. */
  readonly finished?: string;
  readonly seconds?: number;
  /** Where it was computed, or is; absent: in the process that drives the run. */
  readonly where?: Where;
  /** Since when it waits for a place on a cluster (ISO 8601, UTC), in which job, and why. */
  readonly queued?: {
    readonly since: string;
    readonly job: string;
    readonly partition?: string;
    readonly because?: string;
  };
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
  /** Of a run with a search: what it searches (`search/record.ts`). */
  readonly search?: Json;
  readonly environment: {readonly [key: string]: Json};
  readonly outcome: Outcome;
  /** A sentence about what the record has lost; absent: nothing. */
  readonly damage?: string;
  /** ISO 8601, UTC. */
  readonly started?: string;
  readonly finished?: string;
  readonly seconds?: number;
  /** The engine that computed; absent: nothing was computed. */
  readonly engine?: EngineInfo;
  /** The engine that the run asked for; absent: not known. */
  readonly asked?: Maker;
  /** `stage`: id of the stage that the message is about; absent: it is about the run. */
  readonly warnings: readonly {readonly message: string; readonly stage?: string}[];
}

/** The part of a record that is written before the run begins. */
export interface RunHead {
  readonly folder: string;
  readonly plan: PlanFile;
  readonly environment: RunRecord['environment'];
}

/** What of `events.ndjson` can't be read. */
export interface Losses {
  /** Number of lines. An incomplete last line does not count: it only shows that the run was killed while it wrote. */
  readonly strange: number;
  /** Whether the last complete line is one of them. */
  readonly atEnd: boolean;
  /** Why the file can't be read; absent: it can. */
  readonly file?: string;
}

export const noLosses: Losses = {strange: 0, atEnd: false};

/** Joins what the events say; stages without an event are `waiting`. */
export function joinRecord(
  {folder, plan, environment}: RunHead,
  events: readonly RunEvent[],
  losses: Losses = noLosses,
): RunRecord {
  const grown = new GrowingPlan(plan);
  const seen = new Map<string, Partial<StageRecord> & {status: StageStatus}>();
  const warnings: RunRecord['warnings'][number][] = [];
  const head: {-readonly [K in keyof RunRecord]?: RunRecord[K]} = {};
  let ended = 0;
  for (const event of events) {
    switch (event.type) {
      case 'run-started':
        head.started = event.at;
        if (event.asked) head.asked = event.asked;
        break;
      case 'plan-grown':
        grown.add(event);
        break;
      case 'engine-started':
        head.engine = event.engine;
        break;
      case 'stage-queued': {
        const {stage, at, job, partition, because} = event;
        const before = seen.get(stage);
        const since = before?.status === 'queued' && before.queued?.job === job ? before.queued.since : at;
        const optional = {...(partition !== undefined && {partition}), ...(because !== undefined && {because})};
        seen.set(stage, {status: 'queued', queued: {since, job, ...optional}});
        break;
      }
      case 'stage-started':
        seen.set(event.stage, {status: 'started', started: event.at, ...(event.where && {where: event.where})});
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
        ended = event.computed + event.cached + event.failed;
        break;
    }
  }
  if (head.outcome === 'interrupted')
    for (const [id, stage] of seen) seen.set(id, {...stage, status: whenStopped[stage.status] ?? stage.status});
  const {tasks, stages: nodes} = grown;
  const stages = nodes.map((node) => ({
    id: node.id,
    kind: node.kind,
    label: node.label,
    node,
    ...(seen.get(node.id) ?? {status: 'waiting' as const}),
  }));
  const {name, plugins: pluginUrls = [], search} = plan;
  const known = stages.filter(({status}) => ['computed', 'cached', 'failed'].includes(status)).length;
  const damage = damageOf(folder, losses, ended - known);
  if (damage !== undefined) warnings.push({message: damage});
  return {
    outcome: losses.atEnd || losses.file !== undefined ? 'damaged' : 'unfinished',
    ...(damage !== undefined && {damage}),
    ...head,
    id: basename(resolve(folder)),
    folder,
    name,
    tasks,
    stages,
    pluginUrls,
    ...(search !== undefined && {search}),
    environment,
    warnings,
  };
}

/** What became of stages that had no end. */
const whenStopped: {readonly [status in StageStatus]?: StageStatus} = {started: 'interrupted', queued: 'waiting'};

/** `unsaid`: the number of stages that the run's last event counts as ended, but for which there is no event. */
function damageOf(folder: string, {strange, file}: Losses, unsaid: number): string | undefined {
  if (file !== undefined) return `${file}; what it said is missing here`;
  if (strange > 0)
    return `${eventsFile(folder)}: ${plural(strange, 'line')} can't be read; what they said is missing here`;
  return unsaid > 0
    ? `${eventsFile(folder)}: lines are missing; what they said of ${plural(unsaid, 'stage')} is missing here`
    : undefined;
}

/** Asked about one event after the other: true for one of a stage that is not in the plan, or that makes the plan contradict itself. */
export function strangeTo({stages}: PlanFile): (event: RunEvent) => boolean {
  const ids = new Set(stages.map(({id}) => id));
  return (event) => {
    if (event.type !== 'plan-grown') return 'stage' in event && event.stage !== undefined && !ids.has(event.stage);
    const isGood = canGrow(event, ids);
    if (isGood) for (const {id} of event.stages) ids.add(id);
    return !isGood;
  };
}

/** Every stage is new, what it reads is there, and stages form no circle. */
function canGrow({stages, shared}: Extract<RunEvent, {type: 'plan-grown'}>, ids: ReadonlySet<string>): boolean {
  const fresh = new Set(stages.map(({id}) => id));
  const isThere = (id: string): boolean => ids.has(id) || fresh.has(id);
  return (
    fresh.size === stages.length &&
    stages.every((stage) => !ids.has(stage.id) && upstream(stage).every(isThere)) &&
    shared.every(({id}) => ids.has(id)) &&
    findCycle(within(stages)) === undefined
  );
}

/** A plan with what was added to it while its run went on. */
class GrowingPlan {
  readonly tasks: Task[];
  readonly #stages: Map<string, StageNode>;

  constructor({tasks, stages}: PlanFile) {
    this.tasks = [...tasks];
    this.#stages = new Map(stages.map((stage) => [stage.id, stage]));
  }

  get stages(): readonly StageNode[] {
    return [...this.#stages.values()];
  }

  add({tasks, stages, shared}: Extract<RunEvent, {type: 'plan-grown'}>): void {
    this.tasks.push(...tasks);
    for (const stage of stages) this.#stages.set(stage.id, {...stage, sources: []});
    for (const {id, tasks: more, results = []} of shared) {
      const stage = this.#stages.get(id)!;
      const all = [...(stage.results ?? []), ...results];
      this.#stages.set(id, {...stage, tasks: [...stage.tasks, ...more], ...(all.length > 0 && {results: all})});
    }
  }
}

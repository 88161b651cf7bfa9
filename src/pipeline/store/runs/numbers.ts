/**
 * The numbers of a run, for all who print or file them. The manifest that a stage left in the cache, under its checksum, is the
 * truth; the run's own record counts where there is no manifest any more, and is then not vouched for.
 */
import {statSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {canonicalJson, type Digest, type Json} from '../../../core/base/canonical.ts';
import {upstream} from '../../plan/order.ts';
import type {EvaluateSummary, Manifest, MeasuredValue} from '../../stages/stage.ts';
import {findManifest} from '../cache/artifact.ts';
import {entryFolder, manifestName} from '../cache/entry.ts';
import type {RunRecord, StageRecord} from './record.ts';
import {isEvaluateSummary} from './shape.ts';

export interface MetricValue {
  readonly task: string;
  /** The classifier's column in tables, unique in a task. */
  readonly classifier: string;
  readonly metric: string;
  /** null: undefined, such as an AUC without anomalies, or not computed. May be infinite. */
  readonly value: number | null;
  /** Why there is no finite value, in words; null: there is one, or nobody has said. */
  readonly reason: string | null;
  /** false: the cache has no manifest of it any more; it is what the run's record says. */
  readonly vouched: boolean;
  /** Test images counted; 0 where it was not computed. */
  readonly normal: number;
  readonly anomalous: number;
  /** A `rate` is printed × 100; null: not known, as it was not computed. */
  readonly scale: 'rate' | 'number' | null;
  /** What the metric takes from the test labels beyond being judged by them. */
  readonly testLabels: string | null;
  /** Of an ensemble: the seeds that it combines; `task` is that of the first. */
  readonly ensemble: readonly number[] | null;
  readonly stage: StageRecord;
}

interface Numbers {
  readonly values: readonly MetricValue[];
  /** Where the record says something else than the cache: a sentence a stage. */
  readonly contradictions: readonly string[];
}

const weighed = new WeakMap<RunRecord, Numbers>();

/** Of every stage that makes numbers and has a result, or has none because something failed. */
export const metricsOf = (record: RunRecord): readonly MetricValue[] => numbersOf(record).values;

export function numbersOf(record: RunRecord): Numbers {
  const before = weighed.get(record);
  if (before) return before;
  const stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  const contradictions: string[] = [];
  const values = record.stages.flatMap((stage): readonly MetricValue[] => {
    if (!stage.node.results) return [];
    const {summary, vouched, contradiction} = judged(stage, record, stages);
    if (contradiction !== undefined) contradictions.push(contradiction);
    return isEvaluateSummary(summary) ? measured(stage, summary, vouched) : failed(stage, stages);
  });
  const numbers = {values, contradictions};
  weighed.set(record, numbers);
  return numbers;
}

function measured(stage: StageRecord, summary: EvaluateSummary, vouched: boolean): readonly MetricValue[] {
  const {metrics, normal, anomalous, numbers = [], testLabels = {}, reasons = {}} = summary;
  return (stage.node.results ?? []).flatMap(({task, classifier, ensemble = null}) =>
    Object.entries(metrics).map(([metric, value]) => ({
      task,
      classifier,
      metric,
      value: numberOf(value),
      reason: reasons[metric] ?? null,
      vouched,
      normal: count(normal),
      anomalous: count(anomalous),
      scale: numbers.includes(metric) ? ('number' as const) : ('rate' as const),
      testLabels: testLabels[metric] ?? null,
      ensemble,
      stage,
    })),
  );
}

/** What a stage was to measure that has no result because it, or one before it, failed. Missing data are told in their own way. */
function failed(stage: StageRecord, stages: ReadonlyMap<string, StageRecord>): readonly MetricValue[] {
  const cause = stage.status === 'failed' || stage.status === 'skipped' ? failureOf(stage, stages) : undefined;
  if (!cause || cause.kind === 'data') return [];
  const {metrics = [], metric} = stage.node.recipe as {
    readonly metrics?: readonly {readonly type: string}[];
    readonly metric?: {readonly type: string};
  };
  const reason = `not computed, "${cause.kind}" failed: ${(cause.message ?? 'no reason was recorded').split('\n')[0]}`;
  return (stage.node.results ?? []).flatMap(({task, classifier, ensemble = null}) =>
    (metric ? [metric] : metrics).map(({type}) => ({
      task,
      classifier,
      metric: type,
      value: null,
      reason,
      vouched: true,
      normal: 0,
      anomalous: 0,
      scale: null,
      testLabels: null,
      ensemble,
      stage,
    })),
  );
}

function failureOf(stage: StageRecord, stages: ReadonlyMap<string, StageRecord>): StageRecord | undefined {
  if (stage.status === 'failed') return stage;
  for (const id of upstream(stage.node)) {
    const before = stages.get(id);
    const found = before && failureOf(before, stages);
    if (found) return found;
  }
  return undefined;
}

interface Judged {
  readonly summary: unknown;
  readonly vouched: boolean;
  readonly contradiction?: string;
}

/** The one place where cache and record are weighed against each other. */
function judged(stage: StageRecord, record: RunRecord, stages: ReadonlyMap<string, StageRecord>): Judged {
  const {label, summary} = stage;
  const left = leftBy(record, stage);
  if (!left) return {summary, vouched: false};
  const where = `run ${record.id}, "${label}"`;
  if (!isOf(left, stage, record, stages))
    return {
      summary,
      vouched: false,
      contradiction: `${where}: its record names a cache entry of another stage; nothing vouches for its numbers`,
    };
  if (canonicalOf(left.summary) === canonicalOf(summary)) return {summary, vouched: true};
  const [said, has] = [summary, left.summary].map(metricsText);
  return {
    summary: left.summary,
    vouched: true,
    contradiction: `${where}: its record says ${said}, but the cache has ${has}; what the cache has counts`,
  };
}

/** Whether a manifest is that of the stage: the same recipe on the same inputs, as far as those are still in the cache. */
function isOf(
  {kind, recipe, inputs}: Left,
  {node}: StageRecord,
  record: RunRecord,
  stages: ReadonlyMap<string, StageRecord>,
): boolean {
  if (kind !== node.kind || recipe !== canonicalOf(node.recipe)) return false;
  return Object.entries(node.inputs).every(([role, {stage, file}]) => {
    const before = stages.get(stage);
    const had = before && leftBy(record, before)?.files[file]?.sha256;
    return had === undefined || inputs[role] === undefined || inputs[role] === had;
  });
}

/** Of a manifest what is asked here; its key may list a hundred thousand files. */
interface Left extends Pick<Manifest, 'kind' | 'files' | 'summary'> {
  /** Canonical JSON. */
  readonly recipe: string | undefined;
  readonly inputs: {readonly [role: string]: Digest};
}

/** What was read, and the state of its file: entries are shared by runs, and pages are made again and again. */
const known = new Map<string, {readonly state: string; readonly left: Left | undefined}>();

/** What a stage has left in the cache; undefined: nothing that is whole. */
function leftBy({folder}: RunRecord, {fingerprint}: StageRecord): Left | undefined {
  if (typeof fingerprint !== 'string') return undefined;
  const cache = join(dirname(resolve(folder)), 'cache');
  const path = join(entryFolder(cache, fingerprint), manifestName);
  const stat = statSync(path, {throwIfNoEntry: false, bigint: true});
  if (!stat) return undefined;
  const state = `${stat.ino} ${stat.size} ${stat.ctimeNs}`;
  const before = known.get(path);
  if (before?.state === state) return before.left;
  const found = findManifest(cache, fingerprint);
  const left = found.ok ? leftOf(found.value) : undefined;
  known.set(path, {state, left});
  return left;
}

function leftOf({kind, key, files, summary}: Manifest): Left {
  const {recipe, inputs = {}} = key as {readonly recipe?: Json; readonly inputs?: Left['inputs']};
  return {kind, files, summary, recipe: canonicalOf(recipe), inputs};
}

const metricsText = (summary: unknown): string =>
  isEvaluateSummary(summary)
    ? Object.entries(summary.metrics)
        .map(([metric, value]) => `${metric} ${value}`)
        .join(', ')
    : 'nothing';

/** undefined: not JSON. */
function canonicalOf(value: unknown): string | undefined {
  try {
    return canonicalJson(value as Json);
  } catch {
    return undefined;
  }
}

/** Of a summary: JSON has no infinities. */
const numberOf = (value: MeasuredValue): number | null =>
  typeof value === 'number' ? value : value === 'Infinity' || value === '-Infinity' ? Number(value) : null;

const count = (value: number): number => (Number.isSafeInteger(value) ? value : 0);

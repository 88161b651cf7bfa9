/**
 * The numbers of a run, for all who print or file them. The manifest that a stage left in the cache, under its checksum, is the
 * truth; the run's own record counts where there is no manifest any more, and is then not vouched for.
 */
import {upstream} from '../../plan/order.ts';
import type {EvaluateSummary, MeasuredValue} from '../../stages/stage.ts';
import {cacheOf, canonicalOf, type Left, leftAt} from './left.ts';
import type {RunRecord, StageRecord} from './run-record.ts';
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
  /**
   * true: a manifest of the cache has it; false: there is none any more, and it is what the run's record says; null: there is no result
   * to vouch for.
   */
  readonly vouched: boolean | null;
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
    const {summary, vouched, contradiction, why} = judged(stage, record, stages);
    if (contradiction !== undefined) contradictions.push(contradiction);
    if (isEvaluateSummary(summary)) return measured(stage, summary, vouched);
    const reason = why ?? reasonOf(stage, record, stages);
    return reason === undefined ? [] : unknown(stage, reason);
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
      vouched: numberOf(value) === null ? null : vouched,
      normal: count(normal),
      anomalous: count(anomalous),
      scale: numbers.includes(metric) ? ('number' as const) : ('rate' as const),
      testLabels: testLabels[metric] ?? null,
      ensemble,
      stage,
    })),
  );
}

/** What a stage was to measure, without its values. */
function unknown(stage: StageRecord, reason: string): readonly MetricValue[] {
  const {metrics = [], metric} = stage.node.recipe as {
    readonly metrics?: readonly {readonly type: string}[];
    readonly metric?: {readonly type: string};
  };
  return (stage.node.results ?? []).flatMap(({task, classifier, ensemble = null}) =>
    (metric ? [metric] : metrics).map(({type}) => ({
      task,
      classifier,
      metric: type,
      value: null,
      reason,
      vouched: null,
      normal: 0,
      anomalous: 0,
      scale: null,
      testLabels: null,
      ensemble,
      stage,
    })),
  );
}

/** Why a stage has no result: it failed, or one before it; or a damaged record has lost it. Missing data are told in their own way. */
function reasonOf(
  stage: StageRecord,
  {damage}: RunRecord,
  stages: ReadonlyMap<string, StageRecord>,
): string | undefined {
  const cause = stage.status === 'failed' || stage.status === 'skipped' ? failureOf(stage, stages) : undefined;
  if (cause?.kind === 'data') return undefined;
  if (cause)
    return `not computed, "${cause.kind}" failed: ${(cause.message ?? 'no reason was recorded').split('\n')[0]}`;
  return damage && "not known: the run's record has lost it, and the cache does not have it";
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
  /** Why there is no summary to believe. */
  readonly why?: string;
}

/** The one place where cache and record are weighed against each other. */
function judged(stage: StageRecord, record: RunRecord, stages: ReadonlyMap<string, StageRecord>): Judged {
  const {label, summary} = stage;
  const left = leftAt(cacheOf(record.folder), stage.fingerprint);
  if (!left) return {summary, vouched: false};
  const where = `run ${record.id}, "${label}"`;
  if (!isOf(left, stage, record, stages))
    return {
      summary: undefined,
      vouched: false,
      contradiction: `${where}: its record contradicts the cache, which has the result of another stage there; its numbers are left out`,
      why: "not known: the run's record contradicts the cache",
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
    const had = before && leftAt(cacheOf(record.folder), before.fingerprint)?.files[file]?.sha256;
    return had === undefined || inputs[role] === undefined || inputs[role] === had;
  });
}

const metricsText = (summary: unknown): string =>
  isEvaluateSummary(summary)
    ? Object.entries(summary.metrics)
        .map(([metric, value]) => `${metric} ${value}`)
        .join(', ')
    : 'nothing';

/** Of a summary: JSON has no infinities. */
const numberOf = (value: MeasuredValue): number | null =>
  typeof value === 'number' ? value : value === 'Infinity' || value === '-Infinity' ? Number(value) : null;

const count = (value: number): number => (Number.isSafeInteger(value) ? value : 0);

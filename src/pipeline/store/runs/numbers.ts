/**
 * The numbers of a run, for all code that prints or files them. The manifest that a stage left in the cache, which has a checksum, is
 * the truth. If there is no manifest any more, the run's own record counts, and the number is marked as not vouched for.
 */
import {upstream} from '../../plan/order.ts';
import type {EvaluateSummary, MeasuredValue, Part} from '../../stages/stage.ts';
import {cacheOf, canonicalOf, type Left, leftAt} from './left.ts';
import type {RunRecord, StageRecord} from './run-record.ts';
import {isEvaluateSummary} from './shape.ts';

export interface MetricValue {
  readonly task: string;
  /** Name of the classifier's column in tables, unique in a task. */
  readonly classifier: string;
  readonly metric: string;
  /** The images that it is of. */
  readonly part: Part;
  /** null: not computed, or undefined, such as an AUC without anomalies. May be infinite. */
  readonly value: number | null;
  /** A sentence about why there is no finite value; null: there is one, or the reason is not recorded. */
  readonly reason: string | null;
  /**
   * true: a manifest in the cache has the value; false: there is no manifest any more, and only the run's record has it; null: there is
   * no value.
   */
  readonly vouched: boolean | null;
  /** Number of normal images of its part; 0 if it was not computed. */
  readonly normal: number;
  /** The same metric of each kind of anomaly against all normal images, if there are several kinds. */
  readonly kinds: readonly {readonly kind: string; readonly images: number; readonly value: number | null}[];
  /** Number of anomalous images of its part; 0 if it was not computed. */
  readonly anomalous: number;
  /** A `rate` is printed × 100; null: not known, because it was not computed. */
  readonly scale: 'rate' | 'number' | null;
  /** A sentence on how the metric uses the test labels, besides judging the scores; null: nothing. */
  readonly testLabels: string | null;
  /** The seeds that an ensemble combines (`task` is then the task of the first); null: no ensemble. */
  readonly ensemble: readonly number[] | null;
  readonly stage: StageRecord;
}

interface Numbers {
  readonly values: readonly MetricValue[];
  /** A sentence for each stage whose record contradicts the cache. */
  readonly contradictions: readonly string[];
}

const weighed = new WeakMap<RunRecord, Numbers>();

/** Numbers of every stage that makes some and has a result, or is known to have none because of a failure or a damaged record. */
export const metricsOf = (record: RunRecord): readonly MetricValue[] => numbersOf(record).values;

/** Those of the test images. */
export const testMetricsOf = (record: RunRecord): readonly MetricValue[] =>
  metricsOf(record).filter(({part}) => part === 'test');

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
  const {metrics, normal, anomalous, numbers = [], testLabels = {}, reasons = {}, kinds = {}} = summary;
  return (stage.node.results ?? []).flatMap(({task, classifier, ensemble = null, part}) =>
    Object.entries(metrics).map(([metric, value]) => ({
      task,
      classifier,
      metric,
      part: part ?? ('test' as const),
      value: numberOf(value),
      reason: reasons[metric] ?? null,
      vouched: numberOf(value) === null ? null : vouched,
      kinds: Object.entries(kinds).flatMap(([kind, {images, metrics: own}]) =>
        metric in own ? [{kind, images: count(images), value: numberOf(own[metric]!)}] : [],
      ),
      normal: count(normal),
      anomalous: count(anomalous),
      scale: numbers.includes(metric) ? ('number' as const) : ('rate' as const),
      testLabels: testLabels[metric] ?? null,
      ensemble,
      stage,
    })),
  );
}

/** The numbers that a stage should have measured, without values. */
function unknown(stage: StageRecord, reason: string): readonly MetricValue[] {
  const {metrics = [], metric} = stage.node.recipe as {
    readonly metrics?: readonly {readonly type: string}[];
    readonly metric?: {readonly type: string};
  };
  return (stage.node.results ?? []).flatMap(({task, classifier, ensemble = null, part}) =>
    (metric ? [metric] : metrics).map(({type}) => ({
      task,
      classifier,
      metric: type,
      part: part ?? ('test' as const),
      value: null,
      reason,
      vouched: null,
      kinds: [],
      normal: 0,
      anomalous: 0,
      scale: null,
      testLabels: null,
      ensemble,
      stage,
    })),
  );
}

/**
 * Why a stage has no result: it or a stage before it failed, or a damaged record has lost it. Undefined if a `data` stage failed:
 * missing data are reported elsewhere.
 */
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
  /** Why there is no summary that can be used. */
  readonly why?: string;
}

/** Decides between cache and record; no other code does. */
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

/** Whether a manifest belongs to the stage: same recipe and same inputs, as far as the inputs are still in the cache. */
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

/** A value of a summary as a number. Infinities are text there, because JSON has none. */
const numberOf = (value: MeasuredValue): number | null =>
  typeof value === 'number' ? value : value === 'Infinity' || value === '-Infinity' ? Number(value) : null;

const count = (value: number): number => (Number.isSafeInteger(value) ? value : 0);

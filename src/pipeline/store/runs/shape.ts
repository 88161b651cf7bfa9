/**
 * Checks that what is read from a run's folder has the shape that its readers rely on. The checks are written by hand because a listing
 * makes thousands of them. They look only at what readers use, so that records of other versions stay readable.
 */
import {crc32} from 'node:zlib';
import type {RunEvent} from '../../events.ts';
import {findCycle} from '../../plan/order.ts';
import type {EvaluateSummary, StageNode} from '../../stages/stage.ts';

type Check = (value: unknown) => boolean;
type Fields = {readonly [name: string]: unknown};

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isSeed: Check = Number.isSafeInteger;
const isDate: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const recordOf =
  (item: Check): Check =>
  (value) =>
    isFields(value) && Object.values(value).every(item);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const fields =
  (checks: {readonly [name: string]: Check}): Check =>
  (value) =>
    isFields(value) && Object.entries(checks).every(([name, check]) => check(value[name]));

const isRef = fields({type: isText});
const isTask = fields({
  id: isText,
  spec: isText,
  dataset: isRef,
  limit: isFields,
  inlier: isText,
  learner: isRef,
  augment: Array.isArray,
  distributionAugmentation: Array.isArray,
  classifiers: listOf(isRef),
  metrics: listOf(isRef),
  seed: isSeed,
  point: isFields,
  compare: fields({row: isText, table: optional(isText)}),
});
const isResult = fields({
  task: isText,
  classifier: isText,
  ensemble: optional(listOf(isSeed)),
  part: optional(oneOf('validation')),
});
const isStage = fields({
  id: isText,
  kind: isText,
  label: isText,
  recipe: isFields,
  inputs: recordOf(fields({stage: isText, file: isText})),
  tasks: listOf(isText),
  results: optional(listOf(isResult)),
});
const hasPlanFields = fields({
  name: isText,
  tasks: listOf(isTask),
  stages: listOf(isStage),
  plugins: optional(listOf(isText)),
  search: optional(isFields),
});

/** Whether a value is the content of `plan.json`: it has the fields, every input names a stage, and stages form no circle. */
export const isPlan: Check = (value) => {
  if (!isFields(value) || value['format'] !== 1 || !hasPlanFields(value)) return false;
  const stages = value['stages'] as readonly StageNode[];
  const ids = new Set(stages.map(({id}) => id));
  const inputs = stages.flatMap((stage) => Object.values(stage.inputs));
  return ids.size === stages.length && inputs.every(({stage}) => ids.has(stage)) && findCycle(stages) === undefined;
};

const ofStage = {stage: isText, label: isText};
const isWhere = fields({node: isText, job: isText, partition: optional(isText)});
const eventFields: {readonly [type in RunEvent['type']]: Check} = {
  'run-started': fields({
    asked: optional(fields({name: isText})),
    precisions: optional(listOf(isText)),
    where: optional(isWhere),
  }),
  'plan-grown': fields({
    tasks: listOf(isTask),
    stages: listOf(isStage),
    shared: listOf(fields({id: isText, tasks: listOf(isText), results: optional(listOf(isResult))})),
  }),
  'engine-started': fields({engine: fields({name: isText, version: isText, device: isText})}),
  'stage-queued': fields({...ofStage, job: isText, partition: optional(isText), because: optional(isText)}),
  'stage-started': fields({...ofStage, where: optional(isWhere)}),
  'stage-progress': fields({...ofStage, progress: isFields}),
  'stage-finished': fields({
    ...ofStage,
    how: oneOf('computed', 'cached'),
    fingerprint: isText,
    seconds: isNumber,
    peakMemory: optional(isNumber),
    engine: optional(isText),
    threads: optional(isNumber),
    kernels: optional(Array.isArray),
  }),
  'stage-failed': fields({...ofStage, message: isText, hint: optional(isText)}),
  'stage-skipped': fields({...ofStage, because: isText}),
  note: fields({message: isText}),
  warning: fields({message: isText}),
  'run-finished': fields({outcome: oneOf('done', 'failed', 'interrupted'), seconds: isNumber}),
};

/** A line of `events.ndjson` without its newline: the event with one more field, `check`, which is the CRC-32 of the event's JSON. */
export function lineOf(event: RunEvent): string {
  const text = JSON.stringify(event);
  return `${text.slice(0, -1)},"check":"${checkOf(text)}"}`;
}

const checkOf = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** The event's own JSON; undefined if the line is not as it was written. Lines of older versions have no `check`. */
function uncheck(line: string): string | undefined {
  const [end, check] = /,"check":"([0-9a-f]{8})"\}$/.exec(line) ?? [];
  if (end === undefined) return line;
  const text = `${line.slice(0, -end.length)}}`;
  return checkOf(text) === check ? text : undefined;
}

/** The event in a line of `events.ndjson`; undefined if the line is damaged, or its type is not known. */
export function eventOf(line: string): RunEvent | undefined {
  try {
    const text = uncheck(line);
    if (text === undefined) return undefined;
    const value: unknown = JSON.parse(text);
    if (!isFields(value) || !isDate(value['at'])) return undefined;
    const check = Object.hasOwn(eventFields, String(value['type'])) && eventFields[value['type'] as RunEvent['type']];
    return check !== false && check(value) ? (value as unknown as RunEvent) : undefined;
  } catch {
    return undefined;
  }
}

export const isEvaluateSummary = fields({
  // The values are not checked: one that is not a number counts as missing, and the others stay valid.
  metrics: isFields,
  reasons: optional(recordOf(isText)),
  normal: isNumber,
  anomalous: isNumber,
  kinds: optional(recordOf(fields({images: isNumber, metrics: isFields}))),
  numbers: optional(listOf(isText)),
  testLabels: optional(recordOf(isText)),
}) as (value: unknown) => value is EvaluateSummary;

/** One run: settings, failures with their reasons, the metrics of every task, and times. */
import {dirname, join} from 'node:path';
import {groupBy} from '../../core/base/group.ts';
import {bytes, count, dateText, duration, plural} from '../../core/base/text.ts';
import type {Validation} from '../../pipeline/config/spec.ts';
import type {StageKind, Where} from '../../pipeline/events.ts';
import type {Part} from '../../pipeline/stages/stage.ts';
import {entryFolder} from '../../pipeline/store/cache/entry.ts';
import {type MetricValue, metricsOf, numbersOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord, StageRecord, StageStatus} from '../../pipeline/store/runs/record.ts';
import {readRemarks} from '../../pipeline/store/runs/remarks.ts';
import {endsText} from '../live/lines.ts';
import {warningTexts} from '../live/warnings.ts';
import {reasonText, unvouched} from './compare.ts';
import {number} from './formats.ts';
import {listingOf, type RunListing, remarked} from './ls.ts';
import {profileTable} from './profile.ts';
import {type Screen, terminalTable} from './table.ts';
import type {TextTable} from './text-table.ts';
import {validationLegend, validationMark} from './validation.ts';

export interface RunReport extends RunListing {
  readonly folder: string;
  readonly engine?: string;
  readonly environment: RunRecord['environment'];
  readonly results: readonly TaskResult[];
  readonly kinds: readonly KindReport[];
  /** Stages with heat maps, and their folders in the cache. */
  readonly maps: readonly {readonly stage: string; readonly folder: string}[];
  /** Stages of a profiled run whose kernels were timed. */
  readonly profiled: readonly StageRecord[];
  /** Stages of an unfinished run that run or wait on a cluster, and where or why. */
  readonly places: readonly {readonly stage: string; readonly place: string}[];
  readonly failures: readonly {readonly stage: string; readonly message: string; readonly hint?: string}[];
  readonly skipped: readonly {readonly stage: string; readonly because: string}[];
  readonly warnings: readonly string[];
}

/** The number of an ensemble is for all its seeds. */
const taskName = ({task, ensemble}: MetricValue) =>
  ensemble ? task.replace(/seed=\d+$/, `seeds=${ensemble.join(',')}`) : task;

interface TaskResult {
  readonly task: string;
  readonly classifier: string;
  /** null: undefined. */
  readonly metrics: {readonly [metric: string]: number | null};
  /** The same on the validation images; empty if no image is held out. */
  readonly validation: {readonly [metric: string]: number | null};
  /** How these images were had. */
  readonly validationType?: Validation['type'];
  /** Those that are not rates. */
  readonly numbers: readonly string[];
  /** Metric → why its value is not a finite number. */
  readonly reasons: {readonly [metric: string]: string};
  /** false: the cache has some of it no more; it is what the record says. */
  readonly vouched: boolean;
  /** Metric → how it uses the test labels beyond evaluation. */
  readonly testLabels: {readonly [metric: string]: string};
}

interface KindReport {
  readonly kind: StageKind;
  readonly stages: number;
  readonly statuses: {readonly [status in StageStatus]?: number};
  /** Sum over the computed stages. */
  readonly seconds: number;
  /** The largest of any stage, in bytes. */
  readonly peakMemory?: number;
}

const valuesOf = (values: readonly MetricValue[], wanted: Part): TaskResult['metrics'] =>
  Object.fromEntries(values.filter(({part}) => part === wanted).map(({metric, value}) => [metric, value]));

export function reportRun(record: RunRecord): RunReport {
  const {engine} = record;
  const results = groupBy(metricsOf(record), ({task, classifier}) => `${task}\n${classifier}`);
  const types = new Map(record.tasks.map(({id, validation}) => [id, validation?.type]));
  const ended = (status: StageStatus) => record.stages.filter((stage) => stage.status === status);
  return {
    ...remarked(listingOf(record), readRemarks(record.folder)),
    folder: record.folder,
    ...(engine && {engine: `${engine.name} ${engine.version}, ${engine.device}`}),
    environment: record.environment,
    results: [...results.values()].map((values) => ({
      task: taskName(values[0]!),
      classifier: values[0]!.classifier,
      metrics: valuesOf(values, 'test'),
      validation: valuesOf(values, 'validation'),
      ...(types.get(values[0]!.task) && {validationType: types.get(values[0]!.task)!}),
      numbers: values.filter(({scale}) => scale === 'number').map(({metric}) => metric),
      reasons: Object.fromEntries(values.flatMap(({metric, reason}) => (reason === null ? [] : [[metric, reason]]))),
      vouched: values.every(({vouched}) => vouched !== false),
      testLabels: Object.fromEntries(
        values.flatMap(({metric, testLabels}) => (testLabels === null ? [] : [[metric, testLabels]])),
      ),
    })),
    kinds: [...groupBy(record.stages, (stage) => stage.kind)].map(([kind, stages]) => {
      const computed = stages.filter((stage) => stage.status === 'computed');
      const memory = computed.flatMap((stage) => stage.peakMemory ?? []);
      const statuses = [...groupBy(stages, (stage) => stage.status)].map(([status, them]) => [status, them.length]);
      return {
        kind,
        stages: stages.length,
        statuses: Object.fromEntries(statuses),
        seconds: computed.reduce((sum, stage) => sum + (stage.seconds ?? 0), 0),
        ...(memory.length > 0 && {peakMemory: Math.max(...memory)}),
      };
    }),
    maps: record.stages.flatMap(({kind, label, fingerprint}) =>
      kind === 'localize' && fingerprint !== undefined
        ? [{stage: label, folder: entryFolder(join(dirname(record.folder), 'cache'), fingerprint)}]
        : [],
    ),
    profiled: record.stages.filter((stage) => stage.kernels !== undefined),
    places:
      record.outcome === 'unfinished'
        ? record.stages.flatMap((stage) => {
            const place = ['started', 'queued'].includes(stage.status) ? placeOf(stage) : undefined;
            return place === undefined ? [] : [{stage: stage.label, place}];
          })
        : [],
    failures: ended('failed').map(({label, message, hint}) => ({
      stage: label,
      message: message ?? 'no reason was recorded',
      ...(hint !== undefined && {hint}),
    })),
    skipped: ended('skipped').map(({label, message}) => ({stage: label, because: message ?? 'no reason was recorded'})),
    warnings: warningsOf(record),
  };
}

/** `job 4711_3 on n1, queue gpu`, `waits as job 4711_3 in queue gpu since 2026-01-01 08:30 UTC (Resources)`; undefined: it is and was on no cluster. */
export function placeOf({status, where, queued}: StageRecord): string | undefined {
  if (status !== 'queued' && where) return jobText(where);
  if (status !== 'queued' || !queued) return undefined;
  const why = queued.because === undefined ? '' : ` (${queued.because})`;
  const queue = queued.partition === undefined ? '' : ` in queue ${queued.partition}`;
  return `waits as job ${queued.job}${queue} since ${dateText(queued.since)}${why}`;
}

export const jobText = ({job, node, partition}: Where): string =>
  `job ${job} on ${node}${partition === undefined ? '' : `, queue ${partition}`}`;

/** Those of the run, and what its record says otherwise than the cache. */
function warningsOf(record: RunRecord): readonly string[] {
  const stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  const told = record.warnings.map(({message, stage}) => ({message, stage: stages.get(stage ?? '')}));
  const computed = (kind: StageKind) =>
    record.stages.filter((stage) => stage.kind === kind && stage.started !== undefined).length;
  return [...warningTexts(told, computed), ...numbersOf(record).contradictions];
}

export function formatReport(report: RunReport, screen: Screen = {}): string {
  const when = report.started ? `started ${dateText(report.started)}` : 'never started';
  const took = report.seconds === undefined ? '' : ` after ${duration(report.seconds)}`;
  const ends = report.left === undefined ? '' : `, ${endsText(report.left)}`;
  const head = [
    `${report.id}: ${report.name}, ${report.outcome}${took}${ends}`,
    [when, plural(report.tasks, 'task'), ...(report.engine ? [report.engine] : [])].join(' · '),
    report.folder,
    ...(report.tags ? [`tags: ${report.tags.join(', ')}`] : []),
    ...(report.note === undefined ? [] : [report.note]),
  ];
  const list = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [[title, ...items.map((item) => `  ${item.replaceAll('\n', '\n  ')}`)].join('\n')];
  const blocks = [
    head.join('\n'),
    resultsTable(report.results, screen),
    kindsTable(report.kinds, screen),
    profileTable(report.profiled, screen),
    ...list(
      'Heat maps (maps.arrow, overlay-*.png):',
      report.maps.map(({stage, folder}) => `${stage}\n  ${folder}`),
    ),
    ...list('On the cluster:', clipped(report.places.map(({stage, place}) => `${stage}: ${place}`))),
    ...list(
      'Failed:',
      report.failures.map(({stage, message, hint}) => `${stage}: ${message}${hint ? `\n  ${hint}` : ''}`),
    ),
    ...list(
      'Skipped:',
      report.skipped.map(({stage, because}) => `${stage}: ${because}`),
    ),
    ...list('Warnings:', report.warnings),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** A sweep may have a thousand stages in the queue. */
const mostPlaces = 20;

const clipped = (lines: readonly string[]): readonly string[] =>
  lines.length <= mostPlaces
    ? lines
    : [...lines.slice(0, mostPlaces), `… and ${count(lines.length - mostPlaces)} more ("--json" lists all)`];

function resultsTable(results: readonly TaskResult[], {columns, paint}: Screen): string {
  if (results.length === 0) return 'No metric was computed.';
  const {table, foot} = resultsOf(results);
  return [terminalTable(table, columns, paint), ...foot].join('\n');
}

/** The metrics of every task, and the meaning of the marks. */
export function resultsOf(results: RunReport['results']): {
  readonly table: TextTable;
  readonly foot: readonly string[];
} {
  const [metrics, validated] = (['metrics', 'validation'] as const).map((part) => [
    ...new Set(results.flatMap((result) => Object.keys(result[part]))),
  ]) as [string[], string[]];
  const others = new Set(
    results.flatMap(({metrics, validation, numbers}) => [
      ...numbers,
      ...[...Object.entries(metrics), ...Object.entries(validation)].flatMap(([name, it]) =>
        isRate(it) ? [] : [name],
      ),
    ]),
  );
  const notes: string[] = [];
  const noteOf = (text: string): string => {
    if (!notes.includes(text)) notes.push(text);
    return `[${notes.indexOf(text) + 1}]`;
  };
  const notesOf = ({reasons, vouched}: TaskResult): string =>
    [...Object.entries(reasons).map(([metric, reason]) => reasonText(metric, reason)), ...(vouched ? [] : [unvouched])]
      .map(noteOf)
      .filter((mark, at, all) => all.indexOf(mark) === at)
      .join('');
  const marked = results.map(notesOf);
  const marks = Object.assign({}, ...results.map(({testLabels}) => testLabels)) as TaskResult['testLabels'];
  const foot = [
    ...validationLegend(results.map(({validationType}) => validationType)),
    ...Object.entries(marks).map(([metric, how]) => `† ${metric} uses the test labels beyond evaluation: ${how}.`),
    ...notes.map((note, at) => `[${at + 1}] ${note}`),
  ];
  const table: TextTable = {
    columns: [
      {name: 'task', align: 'left'},
      {name: 'classifier', align: 'left'},
      ...metrics.map((name) => ({name: marks[name] === undefined ? name : `${name} †`, align: 'right' as const})),
      ...validated.map((name) => ({name: `${name} on validation`, align: 'right' as const})),
      ...(notes.length > 0 ? [{name: 'note', align: 'left' as const}] : []),
    ],
    rows: results.map((result, row) => [
      result.task,
      result.classifier,
      ...metrics.map((metric) => number(result.metrics[metric] ?? null, null, !others.has(metric))),
      ...validated.map(
        (metric) =>
          number(result.validation[metric] ?? null, null, !others.has(metric)) + validationMark(result.validationType),
      ),
      ...(notes.length > 0 ? [marked[row]!] : []),
    ]),
    lead: 2,
  };
  return {table, foot};
}

/** Rates are printed × 100; a value outside [0, 1] is not a rate. */
const isRate = (value: number | null) => value === null || !Number.isFinite(value) || (value >= 0 && value <= 1);

const statusOrder: readonly StageStatus[] = [
  'computed',
  'cached',
  'failed',
  'skipped',
  'interrupted',
  'started',
  'queued',
  'waiting',
];

const kindsTable = (kinds: readonly KindReport[], {columns, paint}: Screen): string =>
  kinds.length === 0 ? '' : terminalTable(kindsOf(kinds), columns, paint);

/** For each kind of stage: number by status, time and memory. */
export function kindsOf(kinds: RunReport['kinds']): TextTable {
  const statuses = statusOrder.filter((status) => kinds.some((kind) => kind.statuses[status]));
  const right = [...statuses, 'time', 'peak memory'];
  return {
    columns: ['stage', ...right].map((name) => ({name, align: right.includes(name) ? 'right' : 'left'})),
    rows: kinds.map((kind) => [
      kind.kind,
      ...statuses.map((status) => count(kind.statuses[status] ?? 0)),
      kind.statuses.computed ? duration(kind.seconds) : '–',
      kind.peakMemory === undefined ? '–' : bytes(kind.peakMemory),
    ]),
    lead: 1,
  };
}

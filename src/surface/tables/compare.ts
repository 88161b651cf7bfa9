/** Rows of the results store → a comparison: ours beside the paper's, in the paper's own layout where a table is named. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {differences} from '../../core/base/diff.ts';
import {groupBy} from '../../core/base/group.ts';
import type {Baseline} from '../../pipeline/store/results/baselines.ts';
import type {ComparisonRow} from '../../pipeline/store/results/results.ts';
import type {Verdict} from '../../pipeline/store/results/verdict.ts';
import {type Absent, absentLines} from './absent.ts';
import {type Grid, gridOf, type OurCell} from './grid.ts';
import type {Line} from './line.ts';
import type {Departures} from './settings.ts';

export interface ComparisonOptions {
  readonly title: string;
  /** The papers' tables: order of classes, and the cells of `table`. */
  readonly baselines: readonly Baseline[];
  /** Lay it out as this table of the papers. */
  readonly table?: string;
  /** Only these metrics; absent: all. */
  readonly metrics?: readonly string[];
  /** Tasks without numbers because their data was missing. */
  readonly absent?: readonly Absent[];
  /** The settings of a row that differ from the paper's (`settings.ts`); absent: not reported. */
  readonly departures?: Departures;
}

export interface Comparison {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly grid?: Grid;
  /** What the spreads are, what the marks mean. */
  readonly legend: readonly string[];
  /** Footnote n − 1: how some lines differ from the paper, or that another engine computed them than asked for. */
  readonly notes: readonly string[];
}

export function buildComparison(rows: readonly ComparisonRow[], options: ComparisonOptions): Comparison {
  const {title, baselines, table, metrics, departures, absent = []} = options;
  const wanted = metrics ? rows.filter((row) => metrics.includes(row.metric)) : rows;
  const notes: string[] = [];
  const noteOf = (text: string) => {
    if (!notes.includes(text)) notes.push(text);
    return notes.indexOf(text) + 1;
  };
  const labels = labelsOf(wanted);
  const order = classOrder(baselines);
  // Without a number of a paper, settings do not matter for a comparison.
  const besidePaper = table !== undefined || wanted.some((row) => row.paper !== null);
  const lines = wanted
    .map((row): Line => {
      const departing = (besidePaper && departures?.(row)) || [];
      const spreadKind = row.paperSpreadKind ?? 'sd';
      return {
        ...row,
        label: labels.get(keyOf(row))!,
        spread: row.sd === null ? null : spreadKind === 'se' ? row.sd / Math.sqrt(row.n) : row.sd,
        spreadKind,
        departures: departing,
        notes: [
          ...(departing.length === 0 ? [] : [noteOf(`not as in the paper: ${departing.join('; ')}`)]),
          ...row.otherEngines.map(noteOf),
        ],
      };
    })
    .sort(
      (a, b) =>
        compareText(a.dataset, b.dataset) ||
        order(a.dataset, a.inlier) - order(b.dataset, b.inlier) ||
        compareText(a.inlier, b.inlier) ||
        compareText(a.label, b.label) ||
        compareText(a.classifier, b.classifier),
    );
  const grid = table === undefined ? undefined : gridOf(table, lines, baselines, absent);
  return {title, lines, ...(grid && {grid}), legend: [...legendOf(lines, grid), ...absentLines(absent)], notes};
}

/** An ensemble has the same configuration as its seeds, but another row. */
const keyOf = (row: ComparisonRow) => `${row.config} ${row.paperRow}`;

/** Differing options of the configurations that share a method and a dataset. */
function labelsOf(rows: readonly ComparisonRow[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const rivals of groupBy(rows, (row) => `${row.dataset} ${row.paperRow}`).values()) {
    const configs = [...new Map(rivals.map((row) => [row.config, row])).values()];
    const [first, ...others] = configs;
    const paths = new Set(others.flatMap((row) => differences(first!.options, row.options).map(({path}) => path)));
    for (const row of configs) {
      const tags = [...paths].map((path) => [path, valueAt(row.options, path)] as const);
      labels.set(
        keyOf(row),
        [row.paperRow, ...tags.flatMap(([path, value]) => (value === undefined ? [] : [tag(path, value)]))].join(' '),
      );
    }
  }
  return labels;
}

/** `learner.epochs`, 12 → `epochs=12`. */
const tag = (path: string, value: Json) =>
  `${path.replace(/^learner\./, '')}=${typeof value === 'string' ? value : canonicalJson(value)}`;

function valueAt(value: Json | undefined, path: string): Json | undefined {
  let at = value;
  for (const key of path.split('.'))
    at = typeof at === 'object' && at !== null && !Array.isArray(at) ? (at as {[key: string]: Json})[key] : undefined;
  return at;
}

/** Classes in print order, means last; unknown ones in between, by name. */
function classOrder(baselines: readonly Baseline[]): (dataset: string, inlier: string) => number {
  const orders = new Map<string, Map<string, number>>();
  for (const {dataset, class: name} of baselines) {
    const order = orders.get(dataset) ?? new Map<string, number>();
    orders.set(dataset, order);
    if (!order.has(name)) order.set(name, order.size);
  }
  return (dataset, inlier) =>
    inlier === 'mean' ? Number.MAX_SAFE_INTEGER : (orders.get(dataset)?.get(inlier) ?? Number.MAX_SAFE_INTEGER - 1);
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const marks: {readonly [verdict in Verdict]: string} = {
  matches: '=',
  above: '+',
  below: '-',
  'below chance': '!',
};

/** `=`, `+`, `-`, `!`; empty if there is nothing to compare with. */
export const markOf = (verdict: Verdict | null): string => (verdict === null ? '' : marks[verdict]);

function partLines({rows, leftOut}: Grid): readonly string[] {
  const cells = rows.flatMap((row) => row.ours.flatMap((ours) => ours.cells));
  const parts = cells.flatMap((cell) => (cell?.classes ? [partText(cell.classes)] : []));
  return [
    ...[...new Set(parts)].map(
      (part) => `${part.replace(' of ', '/')}: a mean over only ${part} classes; it has no verdict.`,
    ),
    ...(leftOut.length > 0
      ? [`Left out, because the table has no such row: ${leftOut.join(', ')} (--format csv has them).`]
      : []),
  ];
}

/** `2 of 10`. */
const partText = ({have, of}: NonNullable<OurCell['classes']>) => `${have} of ${of}`;

function legendOf(lines: readonly Line[], grid: Grid | undefined): readonly string[] {
  const kinds = new Set(lines.filter((line) => line.spread !== null).map((line) => line.spreadKind));
  const means = lines.some((line) => line.inlier === 'mean' && line.spread !== null);
  const marks = new Map(lines.flatMap(({metric, testLabels}) => (testLabels === null ? [] : [[metric, testLabels]])));
  const verdicts = grid !== undefined || lines.some((line) => line.paper !== null);
  return [
    ...(kinds.has('sd') ? ['± is the standard deviation over seeds (n - 1), as in the ICLR paper.'] : []),
    ...(kinds.has('se') ? ['± beside CutPaste is the standard error over seeds, as in the CutPaste paper.'] : []),
    ...(means ? ["± of a mean over classes is the mean of the classes' ±."] : []),
    ...(verdicts
      ? [
          "matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).",
        ]
      : []),
    ...[...marks].map(([metric, how]) => `† ${metric} uses the test labels beyond evaluation: ${how}.`),
    ...(grid ? ['= matches the paper, + above it, - below it, ! below chance; (n) number of seeds; – no number.'] : []),
    ...(grid ? partLines(grid) : []),
  ];
}

/** A table of the papers with our numbers between its rows. */
import {digestOf, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import {type Baseline, paperTasks} from '../../pipeline/store/results/baselines.ts';
import type {ComparisonRow} from '../../pipeline/store/results/results.ts';
import {type Verdict, verdictOf} from '../../pipeline/store/results/verdict.ts';
import type {Absent} from './absent.ts';
import type {Line} from './line.ts';
import {comparable, fittingOf} from './names.ts';

export interface Grid {
  readonly table: string;
  readonly metric: string;
  /** Datasets (`all`: the mean over them, weighted by tasks), or classes and their means. */
  readonly columns: readonly string[];
  /** Whether the paper prints the columns as rows, and methods beside each other: CutPaste's tables of categories. */
  readonly turned: boolean;
  readonly rows: readonly GridRow[];
  /** Columns whose data was missing. */
  readonly absent: readonly string[];
  /** Method and classifier of our lines without a row in the table, although it has the method. */
  readonly leftOut: readonly string[];
}

interface GridRow {
  readonly method: string;
  readonly classifier: string;
  /** null: the paper has no such row. */
  readonly paper: readonly (PaperCell | null)[] | null;
  /** One for each of our configurations; none: not run. */
  readonly ours: readonly OurRow[];
}

interface OurRow {
  readonly label: string;
  readonly cells: readonly (OurCell | null)[];
  readonly notes: readonly number[];
}

/** [0, 1]. */
export interface PaperCell {
  readonly value: number;
  readonly spread: number | null;
  readonly spreadKind: Baseline['spreadKind'];
}

export interface OurCell {
  /** null: undefined, or not computed. */
  readonly value: number | null;
  readonly spread: number | null;
  readonly n: number;
  readonly verdict: Verdict | null;
  /** It is the best of so many configurations, by the test labels; absent: it is not, or there is one. */
  readonly bestOf?: number;
  /** A mean over only this many of the dataset's classes; absent: over all. */
  readonly classes?: PartOf;
}

interface PartOf {
  readonly have: number;
  readonly of: number;
}

/** A line of a dataset's column. */
type Cell = Line & {readonly classes?: PartOf};

/**
 * The table that all rows name, if ours fill at least half of its columns (or would, if the data were available): a suite gets the
 * layout of the paper, a quick run of two out of ten classes does not.
 */
export function fittingTable(
  rows: readonly ComparisonRow[],
  baselines: readonly Baseline[],
  absent: readonly Absent[] = [],
): string | undefined {
  const [table, ...others] = new Set([...rows.map((row) => row.specTable), ...absent.map((one) => one.table)]);
  if (!table || others.length > 0) return undefined;
  const printed = baselines.filter((row) => row.table === table);
  const byDataset = new Set(printed.map((row) => row.dataset)).size > 1;
  const columns = new Set(printed.map((row) => (byDataset ? row.dataset : row.class)));
  const filled = new Set([...rows, ...absent].map((row) => (byDataset ? row.dataset : row.inlier)));
  // Means are over the existing numbers.
  if (!byDataset && filled.size > 0) for (const column of columns) if (isMean(column)) filled.add(column);
  return 2 * [...columns].filter((column) => filled.has(column)).length >= columns.size ? table : undefined;
}

/** undefined: there is no such table. */
export function gridOf(
  table: string,
  lines: readonly Line[],
  baselines: readonly Baseline[],
  absent: readonly Absent[] = [],
): Grid | undefined {
  const printed = baselines.filter((row) => row.table === table);
  if (printed.length === 0) return undefined;
  const metric = printed[0]!.metric;
  const datasets = [...new Set(printed.map((row) => row.dataset))];
  const byDataset = datasets.length > 1;
  const columnOf = (it: {readonly dataset: string; readonly class: string}) => (byDataset ? it.dataset : it.class);
  const columns = [...new Set(printed.map(columnOf))];
  const fitting = lines.filter((line) => line.metric === metric && datasets.includes(line.dataset));
  const ours: readonly Cell[] = byDataset ? meansOf(fitting) : fitting;
  const keyOf = (method: string, classifier: string) => `${method}\n${classifier}`;
  const paperRows = groupBy(printed, (row) => keyOf(row.method, row.classifier));
  const ourRows = groupBy(ours, ({paperRow, paperClassifier}) =>
    keyOf(paperRow, paperRows.has(keyOf(paperRow, '')) ? '' : paperClassifier),
  );
  const methods = new Set(printed.map((row) => row.method));
  const foreign = [...ourRows.keys()].filter((key) => !paperRows.has(key) && methods.has(key.split('\n')[0]!));
  const keys = [...new Set([...paperRows.keys(), ...ourRows.keys()])].filter((key) => !foreign.includes(key));
  const missing = new Set(absent.map((one) => columnOf({dataset: one.dataset, class: one.inlier})));
  return {
    table,
    metric,
    columns,
    turned: table.startsWith('cutpaste-') && columns.some((column) => !isMean(column)) && !byDataset,
    absent: columns.filter((column) => missing.has(column)),
    leftOut: foreign.map((key) => key.replace('\n', ' ')),
    rows: keys.map((key) => {
      const [method, classifier] = key.split('\n') as [string, string];
      const own = paperRows.get(key);
      const paper = own
        ? columns.map((column) => {
            const cell = own.find((row) => columnOf(row) === column);
            if (!cell) return null;
            const {value, spread, spreadKind} = cell;
            return {value: value / 100, spread: spread === null ? null : spread / 100, spreadKind};
          })
        : null;
      const place = (line: Line) => columnOf({dataset: line.dataset, class: line.inlier});
      const variants = variantsOf(ourRows.get(key) ?? [], place);
      const labels = labelsOf(variants, classifier);
      return {
        method,
        classifier,
        paper,
        ours: variants.map((them, i) => ourRow(labels[i]!, them, columns, place, paper)),
      };
    }),
  };
}

/** One line for each configuration and dataset: its mean over all classes, or over the existing ones. */
function meansOf(lines: readonly Line[]): readonly Cell[] {
  const groups = groupBy(lines, (line) => [line.config, line.definition, line.dataset].join(' '));
  return [...groups.values()].flatMap((group): readonly Cell[] => {
    const whole = group.filter((line) => line.inlier === 'mean');
    const of = paperTasks.get(group[0]!.dataset);
    const measured = group.filter(isMeasured);
    if (whole.length > 0 || of === undefined) return whole;
    if (of === 1) return group;
    if (measured.length >= of) return []; // their data differ
    const spreads = measured.map((line) => line.spread);
    return [
      {
        ...group[0]!,
        inlier: 'mean',
        ours: measured.length === 0 ? null : mean(measured.map((line) => line.ours)),
        spread: spreads.length === 0 || spreads.includes(null) ? null : mean(spreads as number[]),
        n: Math.min(...group.map((line) => line.n)),
        verdict: null,
        bestOf: null,
        notes: [...new Set(group.flatMap((line) => line.notes))],
        ...(measured.length > 0 && {classes: {have: measured.length, of}}),
      },
    ];
  });
}

/**
 * Lines of one method and classifier as rows: one if no column has two of them, otherwise one for each configuration. Versions and
 * options of a dataset do not make separate rows, because columns are datasets.
 */
function variantsOf(lines: readonly Cell[], place: (line: Line) => string): readonly (readonly Cell[])[] {
  if (lines.length === 0) return [];
  if (new Set(lines.map(place)).size === lines.length) return [lines];
  return [...groupBy(lines, settingsOf).values()].flatMap((group) =>
    new Set(group.map(place)).size === group.length
      ? [group]
      : [...groupBy(group, (line) => line.config + line.definition).values()],
  );
}

const settingsOf = (line: Line): string => {
  const {learner, augment, distribution_augmentation: copies, limit, contaminate, refine, precision} = line.options;
  return digestOf([
    learner,
    augment,
    copies,
    limit,
    contaminate ?? null,
    refine ?? null,
    precision ?? null,
    fittingOf(line),
  ] as Json);
};

/** What the rows of one method and classifier are called: as their lines are, or by what varies over these rows. */
function labelsOf(variants: readonly (readonly Cell[])[], named: string): readonly string[] {
  // What tells the classifier apart stands with the method: the table's own row names the classifier, if it does.
  const own = variants.map((lines) => [
    ...new Set(
      lines.map(({label, classifier, paperClassifier}) =>
        named === '' ? `${label} ${classifier}` : label + classifier.slice(paperClassifier.length),
      ),
    ),
  ]);
  const names = own.map(([first, ...others]) => (others.length === 0 ? first! : undefined));
  if (names.every((name) => name !== undefined) && new Set(names).size === names.length) return names;
  const firsts = variants.map(([first]) => first!);
  const isOneDataset = new Set(firsts.map((line) => line.dataset)).size === 1;
  const tags = tellApart(
    comparable(firsts.map((line) => line.options)).map((known, i) => {
      const line = firsts[i]!;
      const {dataset, versions, ...options} = known as Line['options'];
      const {dataset: ofDataset, ...others} = versions as {readonly [plugin: string]: Json};
      return {
        ...options,
        versions: others,
        ...fittingOf(line),
        ...(isOneDataset && {dataset, datasetVersion: ofDataset}),
      };
    }),
  );
  return firsts.map((line, i) => [line.paperRow, ...tags[i]!].join(' '));
}

function ourRow(
  label: string,
  lines: readonly Cell[],
  columns: readonly string[],
  place: (line: Line) => string,
  paper: GridRow['paper'],
): OurRow {
  const at = new Map(lines.map((line) => [place(line), line]));
  const cells = columns.map((column, index): OurCell | null => {
    const line = at.get(column);
    if (line) {
      const {ours: value, spread, n, verdict, bestOf, classes} = line;
      return {value, spread, n, verdict, ...(bestOf !== null && {bestOf}), ...(classes && {classes})};
    }
    const found = column === 'all' ? meanOverDatasets(lines) : isMean(column) ? meanOverKind(lines, column) : null;
    if (!found) return null;
    if (found.classes) {
      const {error: _, averaged: __, ...cell} = found;
      return {...cell, verdict: null};
    }
    const beside = paper?.[index];
    const {error, averaged, ...cell} = found;
    const verdict = verdictOf({
      metric: lines[0]!.metric,
      ours: cell.value,
      sd: null,
      classes: averaged,
      error,
      paper: beside?.value ?? null,
      paperSpread: beside?.spread ?? null,
      paperSpreadKind: beside?.spreadKind ?? null,
    });
    return {...cell, verdict};
  });
  return {
    label,
    cells,
    notes: [...new Set(lines.flatMap((line) => line.notes))].sort((a, b) => a - b),
  };
}

/** ICLR's "Mean": weighted by tasks; only of all five datasets under the same settings. */
function meanOverDatasets(lines: readonly Cell[]): Mean | null {
  const wanted = [...paperTasks.keys()].filter((dataset) => !dataset.startsWith('mvtec'));
  const found = wanted.map((dataset) => lines.find((line) => line.dataset === dataset));
  const whole = found.flatMap((line) => (line && !line.classes && isMeasured(line) ? [line] : []));
  if (whole.length < found.length || new Set(lines.map(settingsOf)).size > 1) return null;
  const weights = whole.map((line) => paperTasks.get(line.dataset)!);
  const value = sum(whole.map((line, i) => line.ours * weights[i]!)) / sum(weights);
  return {
    value,
    spread: null,
    n: Math.min(...whole.map((line) => line.n)),
    error: errorOf(whole, weights),
    averaged: sum(weights),
  };
}

const textures = ['carpet', 'grid', 'leather', 'tile', 'wood'];

const isMean = (column: string): boolean => column === 'mean' || column.startsWith('mean-');

/** Over the classes of a column: all, or CutPaste's textures or objects of MVTec; over the existing ones, which is then noted. */
function meanOverKind(lines: readonly Line[], column: string): Mean | null {
  const belongs = ({inlier}: Line): boolean =>
    inlier !== 'mean' && (column === 'mean' || textures.includes(inlier) === (column === 'mean-texture'));
  const members = lines.filter(isMeasured).filter(belongs);
  const all = paperTasks.get(lines[0]!.dataset);
  const of = column === 'mean' ? all : column === 'mean-texture' ? 5 : 10;
  // If all classes exist but the database has no mean, their data differs.
  if (members.length === 0 || of === undefined || (column === 'mean' && members.length >= of)) return null;
  const spreads = members.map((line) => line.spread);
  return {
    value: mean(members.map((line) => line.ours)),
    spread: spreads.includes(null) ? null : mean(spreads as number[]),
    error: errorOf(
      members,
      members.map(() => 1),
    ),
    n: Math.min(...members.map((line) => line.n)),
    averaged: members.length,
    ...(members.length < of && {classes: {have: members.length, of}}),
  };
}

interface Mean extends Omit<OurCell, 'verdict'> {
  readonly value: number;
  readonly error: number | null;
  /** Classes that it is over. */
  readonly averaged: number;
}

type Measured<L> = L & {readonly ours: number};

const isMeasured = <L extends Line>(line: L): line is Measured<L> => line.ours !== null;

/** Standard error of a weighted mean of independent numbers. */
function errorOf(lines: readonly Line[], weights: readonly number[]): number | null {
  const errors = lines.map((line) => line.error);
  if (errors.includes(null)) return null;
  return Math.hypot(...(errors as number[]).map((error, i) => error * weights[i]!)) / sum(weights);
}

const mean = (values: readonly number[]) => sum(values) / values.length;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Rows of the results store → a comparison: ours beside the paper's, in the paper's own layout where a table is named. */
import {groupBy} from '../../core/base/group.ts';
import {compareText} from '../../core/base/text.ts';
import type {Baseline} from '../../pipeline/store/results/baselines.ts';
import type {ComparisonRow} from '../../pipeline/store/results/results.ts';
import type {Verdict} from '../../pipeline/store/results/verdict.ts';
import {type Absent, absentLines} from './absent.ts';
import {type Better, bestOfSeveral, manyText} from './best-of.ts';
import {type Grid, gridOf, type OurCell} from './grid.ts';
import type {Line} from './line.ts';
import {endedAt, namesOf} from './names.ts';
import {type Departures, precisionNote} from './settings.ts';
import {validationLegend, validationOf} from './validation.ts';

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
  /** Of each metric, which value is the better one: the best of several configurations is marked; absent: none is. */
  readonly better?: Better;
}

export interface Comparison {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly grid?: Grid;
  /** What the spreads are, what the marks mean. */
  readonly legend: readonly string[];
  /** The same of the lines that the grid shows. */
  readonly gridLegend?: readonly string[];
  /** Footnote n − 1: what there is to know of some lines. A grid's come first. */
  readonly notes: readonly string[];
}

export function buildComparison(rows: readonly ComparisonRow[], options: ComparisonOptions): Comparison {
  const {title, baselines, table, metrics, departures, better = () => undefined, absent = []} = options;
  const wanted = metrics ? rows.filter((row) => metrics.includes(row.metric)) : rows;
  const names = namesOf(wanted);
  const best = bestOfSeveral(wanted, better);
  const order = classOrder(baselines);
  // Without a number of a paper, settings do not matter for a comparison.
  const besidePaper = table !== undefined || wanted.some((row) => row.paper !== null);
  const unnoted = wanted
    .map((row) => {
      const spreadKind = row.paperSpreadKind ?? 'sd';
      return {
        ...row,
        ...names.get(row)!,
        spread: row.sd === null ? null : spreadKind === 'se' ? row.sd / Math.sqrt(row.n) : row.sd,
        spreadKind,
        bestOf: best.get(row) ?? null,
        // A training that was ended early is no result.
        ...(endedAt(row) !== undefined && {verdict: null}),
        departures: (besidePaper && departures?.(row)) || [],
      };
    })
    .sort(
      (a, b) =>
        compareText(a.dataset, b.dataset) ||
        order(a.dataset, a.inlier) - order(b.dataset, b.inlier) ||
        compareText(a.inlier, b.inlier) ||
        Number(endedAt(a) !== undefined) - Number(endedAt(b) !== undefined) ||
        compareNumbered(a.label, b.label) ||
        compareNumbered(a.classifier, b.classifier),
    );
  const {lines, notes} = withNotes(unnoted, baselines);
  const whole = lines.filter((line) => endedAt(line) === undefined);
  const grid = table === undefined ? undefined : gridOf(table, whole, baselines, absent);
  const legend = [...legendOf(lines, grid), ...absentLines(absent)];
  if (!grid) return {title, lines, legend, notes};
  const gridLegend = [...legendOf(lines.filter(isIn(grid)), grid), ...absentLines(absent)];
  return {title, legend, gridLegend, ...gridNotesFirst(grid, lines, notes)};
}

const isIn =
  ({metric, columns, leftOut}: Grid) =>
  (line: Line): boolean =>
    line.metric === metric &&
    (columns.includes(line.dataset) || columns.includes(line.inlier)) &&
    !leftOut.includes(`${line.paperRow} ${line.paperClassifier}`);

type Unnoted = Omit<Line, 'notes'>;

/** Footnotes in the order in which they are first met. Departures that the same lines have are one footnote. */
function withNotes(unnoted: readonly Unnoted[], baselines: readonly Baseline[]): Pick<Comparison, 'lines' | 'notes'> {
  const isUnconfirmed = ({paperRow, paperTable}: Unnoted): boolean =>
    baselines.some((row) => row.table === paperTable && row.method === paperRow && row.classifier === '');

  const having = new Map<string, number[]>();
  for (const [at, line] of unnoted.entries())
    for (const departure of new Set(line.departures)) having.set(departure, [...(having.get(departure) ?? []), at]);
  const together = new Map<string, string>();
  for (const same of groupBy([...having], ([, at]) => at.join(' ')).values())
    for (const [departure] of same)
      together.set(departure, `not as in the paper: ${same.map(([text]) => text).join('; ')}`);
  const notes: string[] = [];
  const noteOf = (text: string): number => {
    if (!notes.includes(text)) notes.push(text);
    return notes.indexOf(text) + 1;
  };
  const lines = unnoted.map((line) => {
    const texts = [
      ...line.departures.map((departure) => together.get(departure)!),
      // Where there is no paper, no departure tells it.
      ...(line.departures.length === 0 ? precisionNote(line.options) : []),
      ...(isUnconfirmed(line) ? [unconfirmed] : []),
      ...line.otherEngines,
      ...line.reasons.map((reason) => reasonText(line.metric, reason)),
      ...(line.vouched === false ? [unvouched] : []),
    ];
    return {...line, notes: [...new Set(texts.map(noteOf))].sort((a, b) => a - b)};
  });
  return {lines, notes};
}

/** Why a metric has no value; where that is of no metric in particular, without its name. */
export const reasonText = (metric: string, reason: string): string =>
  /^not (computed|known)\b/.test(reason) ? reason : `${metric}: ${reason}`;

/** A row of a paper that does not say how its number was made. */
const unconfirmed =
  'the paper names neither the classifier of this row nor its protocol, which may be another than ours';

/** A number that only the record of a run has. */
export const unvouched = 'the cache has this result no more: the number is what the record of the run says';

/** Numbers the footnotes anew: those of the grid first, in its order. */
function gridNotesFirst(
  grid: Grid,
  lines: readonly Line[],
  notes: readonly string[],
): Pick<Comparison, 'grid' | 'lines' | 'notes'> {
  const ours = grid.rows.flatMap((row) => row.ours.flatMap((own) => own.notes));
  const order = [...new Set([...ours, ...notes.map((_, at) => at + 1)])];
  const renumbered = (old: readonly number[]) => old.map((note) => order.indexOf(note) + 1).sort((a, b) => a - b);
  const rows = grid.rows.map((row) => ({
    ...row,
    ours: row.ours.map((own) => ({...own, notes: renumbered(own.notes)})),
  }));
  return {
    grid: {...grid, rows},
    lines: lines.map((line) => ({...line, notes: renumbered(line.notes)})),
    notes: order.map((note) => notes[note - 1]!),
  };
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

/** By code unit, but numbers by their value: `epochs=2` before `epochs=12`. */
export function compareNumbered(a: string, b: string): number {
  const parts = (text: string) => text.split(/(\d+(?:\.\d+)?(?:e[+-]?\d+)?)/);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const found = i % 2 === 1 ? Number(left[i]) - Number(right[i]) : compareText(left[i]!, right[i]!);
    if (found !== 0) return found;
  }
  return compareText(a, b);
}

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

function bestLines(lines: readonly Line[]): readonly string[] {
  const counts = lines.flatMap(({bestOf}) => bestOf ?? []);
  if (counts.length === 0) return [];
  return [
    `† beside the best of ${manyText(counts)} configurations of a method and classifier: best by the test labels, too good by chance alone.`,
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
    ...(lines.some((line) => line.verdict === 'below chance')
      ? ['below chance: more than two standard errors below 50.']
      : []),
    ...(verdicts
      ? [
          "matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).",
        ]
      : []),
    ...validationLegend(lines.filter((line) => line.validationN !== null).map(validationOf)),
    ...[...marks].map(([metric, how]) => `† ${metric} uses the test labels beyond evaluation: ${how}.`),
    ...bestLines(lines),
    ...(lines.some((line) => endedAt(line) !== undefined)
      ? [
          'unfinished: the search ended this training at that epoch. Its number is no result, and is compared with nothing.',
        ]
      : []),
    ...(grid ? ['= matches the paper, + above it, - below it, ! below chance; (n) number of seeds; – no number.'] : []),
    ...(grid ? partLines(grid) : []),
  ];
}

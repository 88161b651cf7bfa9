/** A comparison as text: terminal, Markdown, CSV, JSON, LaTeX. Pure. */
import {jsonText} from '../../core/base/json.ts';
import {unreachable} from '../../core/base/result.ts';
import {plain} from '../../core/base/screen.ts';
import {wrapTo} from '../../core/base/width.ts';
import {paperSeeds} from '../../pipeline/store/results/baselines.ts';
import type {QueryResult} from '../../pipeline/store/results/results.ts';
import type {Verdict} from '../../pipeline/store/results/verdict.ts';
import {rivalsIn} from './best-of.ts';
import {type Comparison, markOf} from './compare.ts';
import {decimalsBeside} from './digits.ts';
import {latexTable, markdownTable} from './exchange.ts';
import type {Grid, OurCell, PaperCell} from './grid.ts';
import type {Line} from './line.ts';
import {endedAt} from './names.ts';
import {csvText, type Screen, terminalTable} from './table.ts';
import type {TextTable, Tone} from './text-table.ts';
import {validationMark, validationOf} from './validation.ts';

export type Format = 'table' | 'markdown' | 'csv' | 'json' | 'latex';

export function formatComparison(
  comparison: Comparison,
  format: Format,
  {columns, paint = plain}: Screen = {},
): string {
  const whole = (table: string) => (comparison.lines.length === 0 && !comparison.grid ? '' : table);
  switch (format) {
    case 'table':
      return joined([
        paint('bold', comparison.title),
        whole(terminalTable(tableOf(comparison), columns, paint)),
        footOf(comparison)
          .map((line) => (columns === undefined ? line : wrapTo(line, columns)))
          .join('\n'),
      ]);
    case 'markdown':
      return joined([
        `## ${comparison.title}`,
        whole(markdownTable(tableOf(comparison))),
        footOf(comparison)
          .map((line) => `- ${line.replaceAll('*', '\\*')}`)
          .join('\n'),
      ]);
    case 'latex':
      return joined([
        [`% ${comparison.title}; needs \\usepackage{booktabs}`, whole(latexTable(tableOf(comparison)))].join('\n'),
        footOf(comparison)
          .map((line) => `% ${line}`)
          .join('\n'),
      ]);
    case 'csv':
      return csvText([csvColumns.map(([name]) => name), ...comparison.lines.map(csvRow)]);
    case 'json':
      return `${jsonText(comparison)}\n`;
    default:
      return unreachable(format);
  }
}

/** Rows of a query. */
export function formatQuery(
  result: QueryResult,
  format: 'table' | 'csv' | 'json',
  {columns: width, paint}: Screen = {},
): string {
  const {columns, rows} = result;
  switch (format) {
    case 'json': {
      const names = keysOf(columns.map(({name}) => name));
      const objects = rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
      return `${jsonText(objects)}\n`;
    }
    case 'csv':
      return csvText([columns.map(({name}) => name), ...rows.map((row) => row.map(cellText))]);
    case 'table':
      return `${terminalTable(queryTable(result), width, paint)}\n`;
    default:
      return unreachable(format);
  }
}

/** A name for each column: of an equal one before it, the next is `a_1`, as DuckDB calls columns of a subquery. */
function keysOf(names: readonly string[]): readonly string[] {
  const keys = new Set<string>();
  for (const name of names) {
    let key = name;
    for (let i = 1; keys.has(key) || (key !== name && names.includes(key)); i++) key = `${name}_${i}`;
    keys.add(key);
  }
  return [...keys];
}

export function queryTable({columns, rows}: QueryResult): TextTable {
  const align = (at: number) => (rows.some((row) => typeof row[at] === 'number') ? 'right' : 'left');
  return {
    columns: columns.map(({name}, at) => ({name, align: align(at)})),
    rows: rows.map((row) => row.map((value) => cellText(value).replaceAll('\n', ' '))),
    lead: 0,
  };
}

const cellText = (value: unknown): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** In the layout of a paper's table if the comparison has one, otherwise one line for each number. */
export const tableOf = (comparison: Comparison): TextTable =>
  comparison.grid ? gridTable(comparison.grid) : listTable(comparison);

const joined = (blocks: readonly string[]) => `${blocks.filter((block) => block !== '').join('\n\n')}\n`;

/** What the table's marks mean: nothing about lines that a grid does not show. */
export const footOf = ({legend, gridLegend, notes, lines, grid}: Comparison): readonly string[] => [
  ...(gridLegend ?? legend),
  ...(lines.length === 0 ? ['There are no results to compare.'] : []),
  ...notes
    .slice(0, grid && Math.max(0, ...grid.rows.flatMap((row) => row.ours.flatMap((own) => own.notes))))
    .map((note, at) => `[${at + 1}] ${note}`),
];

// ------------------------------------------------------------------------------------------------------------- list

interface Column {
  readonly name: string;
  readonly align: 'left' | 'right';
  readonly lead?: true;
  cell(line: Line): string;
}

/**
 * One row for each line of the comparison, in its order; columns with the same text in every line are left out, and those of the
 * paper if there is none.
 */
export function listTable({lines}: Comparison): TextTable {
  const varies = (of: (line: Line) => string) => new Set(lines.map(of)).size > 1;
  const compared = lines.some((line) => line.paper !== null);
  const rates = ratesOf(lines);
  const decimals = decimalsIn(lines, rates);
  const columns: readonly Column[] = [
    ...(varies((line) => line.dataset) ? [leading('dataset', (line) => line.dataset)] : []),
    leading('normal class', (line) => line.inlier),
    leading('method', (line) => line.label),
    leading('classifier', (line) => line.classifier),
    ...(varies((line) => line.metricLabel) ? [leading('metric', (line) => line.metricLabel)] : []),
    {
      name: 'ours',
      align: 'right',
      cell: (line) => marked(line, number(line.ours, line.spread, rates(line), decimals(line))),
    },
    {name: 'n', align: 'right', cell: seedsText},
    ...(lines.some((line) => line.validationN !== null)
      ? [
          {
            name: 'validation',
            align: 'right' as const,
            cell: (line: Line) =>
              number(line.validation, line.validationSd, rates(line)) + validationMark(validationOf(line)),
          },
        ]
      : []),
    ...(compared
      ? [
          {
            name: 'paper',
            align: 'right' as const,
            cell: (line: Line) => (line.paper === null ? '–' : number(line.paper, line.paperSpread, true)),
          },
          {
            name: 'Δ',
            align: 'right' as const,
            cell: (line: Line) => (line.difference === null ? '–' : signed(100 * line.difference)),
          },
        ]
      : []),
    ...(lines.some((line) => line.verdict !== null)
      ? [{name: 'verdict', align: 'left' as const, cell: (line: Line) => line.verdict ?? '–'}]
      : []),
    ...(lines.some((line) => line.notes.length > 0)
      ? [{name: 'note', align: 'left' as const, cell: (line: Line) => noteMarks(line.notes)}]
      : []),
  ];
  return {
    columns,
    rows: lines.map((line) => columns.map((column) => column.cell(line))),
    lead: columns.filter((column) => column.lead).length,
    tone: (row, column) => {
      const name = columns[column]!.name;
      return name === 'verdict' || name === 'Δ'
        ? toneOf(lines[row]!.verdict)
        : name === 'paper' || name === 'note'
          ? 'faint'
          : undefined;
    },
    rules: lines.flatMap((line, at) =>
      at > 0 && (line.dataset !== lines[at - 1]!.dataset || line.inlier !== lines[at - 1]!.inlier) ? [at] : [],
    ),
  };
}

const tones = {matches: 'good', above: 'good', below: 'poor', 'below chance': 'bad'} as const;

const toneOf = (verdict: Verdict | null): Tone => (verdict === null ? 'faint' : tones[verdict]);

const leading = (name: string, cell: (line: Line) => string): Column => ({name, align: 'left', lead: true, cell});

/** `5`; `3 of 5` where some are missing; `3-5 of 5` of a mean over classes that differ. */
const seedsText = ({n, nMost, planned}: Line) =>
  `${n === nMost ? n : `${n}-${nMost}`}${n < planned ? ` of ${planned}` : ''}`;

/** Whether a number is printed × 100: it is a rate, and in [0, 1]. */
export const rateOf = ({scale, ours}: Line): boolean =>
  scale !== 'number' && !(ours !== null && Number.isFinite(ours) && (ours < 0 || ours > 1));

/** The same, alike for all numbers of a metric. */
function ratesOf(lines: readonly Line[]): (line: Line) => boolean {
  const others = new Set(lines.filter((line) => !rateOf(line)).map(({metric}) => metric));
  return (line) => !others.has(line.metric);
}

/** Beside the best of several there are as many digits as show that it is. */
function decimalsIn(lines: readonly Line[], rates: (line: Line) => boolean): (line: Line) => number {
  const decimals = new Map<Line, number>();
  const measured = lines.filter((line) => Number.isFinite(line.ours) && endedAt(line) === undefined);
  const shown = (line: Line): number => (rates(line) ? 100 : 1) * line.ours!;
  for (const rivals of rivalsIn(measured)) {
    const best = rivals.find(({bestOf}) => bestOf !== null);
    if (!best) continue;
    const needed = decimalsBeside(shown(best), rivals.map(shown));
    for (const line of rivals) decimals.set(line, needed);
  }
  return (line) => decimals.get(line) ?? 1;
}

const marked = ({testLabels, bestOf}: Line, text: string) => ((testLabels ?? bestOf) === null ? text : `${text} †`);

/** A value and its spread; a rate × 100. `–` where there is none. `decimals`: of a rate; others have as many more digits than four. */
export const number = (value: number | null, spread: number | null, rate: boolean, decimals = 1): string => {
  if (value === null || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = (it: number) => minus(rate ? (100 * it).toFixed(decimals) : it.toPrecision(3 + decimals));
  return spread === null ? text(value) : `${text(value)} ± ${text(spread)}`;
};

/** A true minus sign; nothing is below zero by less than its last digit. */
const minus = (text: string): string => (Number(text) === 0 ? text.replace('-', '') : text.replaceAll('-', '−'));

const signed = (points: number) => {
  const text = Math.abs(points).toFixed(1);
  return text === '0.0' ? '0.0' : `${points < 0 ? '−' : '+'}${text}`;
};

const noteMarks = (notes: readonly number[]) => notes.map((note) => `[${note}]`).join('');

// ------------------------------------------------------------------------------------------------------------- grid

const paperCell = (cell: PaperCell | null) => (cell ? number(cell.value, cell.spread, true) : '–');

function ourCell({columns, absent}: Grid, cell: OurCell | null, at: number): string {
  if (!cell) return absent.includes(columns[at]!) ? 'absent' : '–';
  return [
    number(cell.value, cell.spread, true),
    ...(cell.n === paperSeeds ? [] : [`(${cell.n})`]),
    ...(cell.classes ? [`${cell.classes.have}/${cell.classes.of}`] : []),
    ...(cell.bestOf === undefined ? [] : ['†']),
    ...(cell.verdict ? [markOf(cell.verdict)] : []),
  ].join(' ');
}

/** As the paper prints it. */
export const gridTable = (grid: Grid): TextTable => (grid.turned ? methodsAcross(grid) : methodsDown(grid));

/** Two columns for each method that we ran: the paper's, and ours beside it. The last row has the footnotes of ours. */
function methodsAcross(grid: Grid): TextTable {
  const {columns, rows} = grid;
  const named = (method: string, classifier: string) =>
    rows.filter((row) => row.method === method).length > 1 ? `${method} ${classifier}` : method;
  const across = rows.flatMap((row) => {
    const name = named(row.method, row.classifier);
    const paper = {name, cells: (row.paper ?? []).map(paperCell), tone: (): Tone => 'faint', notes: ''};
    const ours = row.ours.map(({label, cells, notes}) => ({
      name: `ours: ${label === row.method ? name : label}`,
      cells: cells.map((cell, at) => ourCell(grid, cell, at)),
      tone: (at: number): Tone | undefined => (cells[at]?.verdict ? tones[cells[at].verdict] : undefined),
      notes: noteMarks(notes),
    }));
    return [...(row.paper ? [paper] : []), ...ours];
  });
  const noted = across.some(({notes}) => notes !== '');
  const isMean = (column: string) => /^mean($|-)/.test(column);
  return {
    columns: [{name: 'normal class', align: 'left'}, ...across.map(({name}) => ({name, align: 'right' as const}))],
    rows: [
      ...columns.map((column, at) => [column, ...across.map(({cells}) => cells[at]!)]),
      ...(noted ? [['note', ...across.map(({notes}) => notes)]] : []),
    ],
    lead: 1,
    rules: [...columns.keys(), columns.length].filter(
      (at) => at > 0 && (at < columns.length ? isMean(columns[at]!) || isMean(columns[at - 1]!) : noted),
    ),
    tone: (row, column) => (row < columns.length ? across[column - 1]?.tone(row) : 'faint'),
  };
}

/** Two lines for each method: the paper's, and ours below it. */
function methodsDown(grid: Grid): TextTable {
  const {columns, rows} = grid;
  const lines: string[][] = [];
  const rules: number[] = [];
  const tonesOf: ((column: number) => Tone | undefined)[] = [];
  let boxed = false;
  for (const row of rows) {
    // Cited methods come together; a line separates those that we ran.
    if (lines.length > 0 && (row.ours.length > 0 || boxed)) rules.push(lines.length);
    boxed = row.ours.length > 0;
    const lead = [row.method, row.classifier || '–'];
    if (row.paper) {
      lines.push([...lead, 'paper', ...row.paper.map(paperCell)]);
      tonesOf.push((column) => (column < lead.length ? undefined : 'faint'));
    }
    for (const ours of row.ours) {
      tonesOf.push((column) => {
        const cell = ours.cells[column - lead.length - 1];
        return cell?.verdict ? tones[cell.verdict] : undefined;
      });
      const name = ours.label === row.method ? '' : ours.label;
      lines.push([
        row.paper ? name : ours.label,
        row.paper ? '' : lead[1]!,
        ['ours', noteMarks(ours.notes)].filter(Boolean).join(' '),
        ...ours.cells.map((cell, at) => ourCell(grid, cell, at)),
      ]);
    }
  }
  return {
    columns: [
      {name: 'method', align: 'left'},
      {name: 'classifier', align: 'left'},
      {name: '', align: 'left'},
      ...columns.map((name) => ({name: name === 'all' ? 'mean' : name, align: 'right' as const})),
    ],
    rows: lines,
    lead: 3,
    rules,
    tone: (row, column) => tonesOf[row]!(column),
  };
}

// -------------------------------------------------------------------------------------------------------------- csv

/** Rates in [0, 1], not rounded; one line for each number, also for a grid. */
const csvColumns: readonly (readonly [string, (line: Line) => string | number | null])[] = [
  ['dataset', (line) => line.dataset],
  ['inlier', (line) => line.inlier],
  ['method', (line) => line.paperRow],
  ['label', (line) => line.label],
  ['classifier', (line) => line.classifier],
  ['metric', (line) => line.metric],
  ['test_labels', (line) => line.testLabels],
  ['ensemble', (line) => line.ensemble],
  ['ours', (line) => line.ours],
  ['sd', (line) => line.sd],
  ['n', (line) => line.n],
  ['planned', (line) => line.planned],
  ['paper', (line) => line.paper],
  ['paper_spread', (line) => line.paperSpread],
  ['paper_spread_kind', (line) => line.paperSpreadKind],
  ['paper_table', (line) => line.paperTable],
  ['difference', (line) => line.difference],
  ['verdict', (line) => line.verdict],
  ['not_as_in_the_paper', (line) => line.departures.join('; ')],
  ['engines', (line) => line.engines.join(', ')],
  ['not_by_the_engine_asked_for', (line) => line.otherEngines.join('; ')],
  ['config', (line) => line.config],
  ['runs', (line) => line.runs.join(' ')],
  ['metric_label', (line) => line.metricLabel],
  ['standard_error', (line) => line.error],
  ['why', (line) => line.reasons.join('; ')],
  ['vouched', (line) => (line.vouched === null ? null : String(line.vouched))],
  ['validation', (line) => line.validation],
  ['validation_sd', (line) => line.validationSd],
  ['validation_n', (line) => line.validationN],
  ['validation_type', (line) => validationOf(line) ?? null],
  ['best_of', (line) => line.bestOf],
];

const csvRow = (line: Line) => csvColumns.map(([, cell]) => cell(line));

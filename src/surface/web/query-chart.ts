/** The rows of a query as a chart: one number of each row, over another column. */
import {plural} from '../../core/base/text.ts';
import type {QueryResult} from '../../pipeline/store/results/results.ts';
import {html, type Markup} from '../html.ts';
import {type ChartSpec, colours, draw} from '../report/chart.ts';
import {figure} from '../report/figure.ts';

/** Names on an axis, and letters of one: more can't be read. */
const mostNames = 40;
const longestName = 36;
const mostColours = colours.series.length;

/** Columns of the result, by place. */
export interface Axes {
  readonly kinds: Kinds;
  readonly value: number;
  /** Absent: over the number of the row. */
  readonly over?: number;
  readonly colour?: number;
}

interface Kinds {
  readonly numbers: readonly number[];
  /** Columns of names that have room on an axis, and more than one. */
  readonly names: readonly number[];
}

/** What the form asks for by name (`value`, `over`, `colour`), and what suits the columns otherwise; undefined: no column has numbers. */
export function axesOf(result: QueryResult, asked: URLSearchParams): Axes | undefined {
  const kinds = kindsOf(result);
  const {numbers, names} = kinds;
  if (numbers.length === 0 || result.rows.length < 2) return undefined;
  const placed = (name: string, among: readonly number[]) =>
    among.find((at) => result.columns[at]!.name === asked.get(name));
  // Numbers of seeds and counts are whole; a result seldom is.
  const value =
    placed('value', numbers) ??
    numbers.find((at) => result.rows.some((row) => !Number.isInteger(row[at] ?? 0))) ??
    numbers.at(-1)!;
  const over =
    placed('over', [...names, ...numbers]) ?? names[0] ?? numbers.find((at) => at !== value && isSeveral(result, at));
  const isFew = (at: number) => at !== over && distinct(result, at).length <= mostColours;
  const colour =
    placed('colour', names.filter(isFew)) ?? (asked.has('colour') ? undefined : names.find((at) => isFew(at)));
  return {kinds, value, ...(over !== undefined && {over}), ...(colour !== undefined && {colour})};
}

export async function queryChart(result: QueryResult, axes: Axes): Promise<Markup> {
  const {numbers} = axes.kinds;
  const name = (at: number | undefined) => (at === undefined ? undefined : result.columns[at]!.name);
  const points = result.rows.flatMap((row, i) => {
    const value = row[axes.value];
    const over = axes.over === undefined ? i + 1 : row[axes.over];
    return value === null || over === null
      ? []
      : [{value, over, colour: axes.colour === undefined ? '' : textOf(row[axes.colour])}];
  });
  const missing = result.rows.length - points.length;
  const title = `${name(axes.value)} over ${name(axes.over) ?? 'rows'}${axes.colour === undefined ? '' : `, by ${name(axes.colour)}`}`;
  const isNamed = axes.over !== undefined && !numbers.includes(axes.over);
  const named = points.map((point) => ({
    ...point,
    over: isNamed ? textOf(point.over) : point.over,
    text: `${textOf(point.over)}${point.colour === '' ? '' : `, ${point.colour}`}: ${point.value}`,
  }));
  const spec = isNamed ? overNames(named, name(axes.value)!) : overNumbers(named, name(axes.value)!, name(axes.over));
  const drawing = await draw(spec, `${title}: ${plural(points.length, 'point')}`);
  return figure(drawing, {
    title,
    wide: true,
    ...(missing > 0 && {note: `Without ${plural(missing, 'row')} that has no number.`}),
  });
}

/** The form that asks for a chart. `sql`: the statement that it asks again. */
export function chartForm(result: QueryResult, axes: Axes, sql: string): Markup {
  const {numbers, names} = axes.kinds;
  const choices = [
    ['value', numbers, axes.value],
    ['over', [...names, ...numbers], axes.over],
    ['colour', names.filter((at) => distinct(result, at).length <= mostColours), axes.colour],
  ] as const;
  return html`<form class="filters" action="/query"><input type="hidden" name="sql" value="${sql}">
${choices.map(
  ([label, places, chosen]) =>
    places.length > 0 &&
    html`<label>${label} <select name="${label}">${label === 'colour' && html`<option value="">none</option>`}${places.map(
      (at) => html`<option${at === chosen && html` selected`}>${result.columns[at]!.name}</option>`,
    )}</select></label> `,
)}<button>Draw a chart</button></form>`;
}

function kindsOf(result: QueryResult): Kinds {
  const places = result.columns.map((_, at) => at);
  const isNumber = (at: number) => {
    const values = result.rows.map((row) => row[at]).filter((value) => value !== null);
    return values.length > 0 && values.every((value) => typeof value === 'number' && Number.isFinite(value));
  };
  const numbers = places.filter(isNumber);
  const names = places.filter((at) => {
    const texts = distinct(result, at);
    return (
      !numbers.includes(at) &&
      texts.length > 1 &&
      texts.length <= mostNames &&
      texts.every(({length}) => length <= longestName)
    );
  });
  return {numbers, names};
}

const distinct = ({rows}: QueryResult, at: number): readonly string[] => [
  ...new Set(rows.map((row) => textOf(row[at]))),
];

const isSeveral = (result: QueryResult, at: number): boolean => distinct(result, at).length > 1;

const textOf = (value: unknown): string =>
  value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);

interface Point {
  readonly value: unknown;
  readonly over: unknown;
  readonly colour: string;
  readonly text: string;
}

const colourOf = (points: readonly Point[]) => {
  const names = [...new Set(points.map(({colour}) => colour))];
  return {
    field: 'colour',
    type: 'nominal' as const,
    scale: {domain: names, range: colours.series.slice(0, names.length)},
    legend: names.length > 1 ? {symbolOpacity: 1} : null,
  };
};

/** A line of dots for each name, in the order of the rows. */
const overNames = (points: readonly Point[], value: string): ChartSpec => ({
  width: 420,
  height: {step: 22},
  data: {values: [...points]},
  mark: {type: 'point', filled: true, size: 56, opacity: 0.85, aria: true},
  encoding: {
    y: {
      field: 'over',
      type: 'nominal',
      sort: null,
      title: null,
      axis: {domain: false, grid: true, labelColor: 'var(--ink)', labelLimit: 260},
    },
    x: {field: 'value', type: 'quantitative', scale: {zero: false}, title: value, axis: {tickCount: 6}},
    color: colourOf(points),
    description: {field: 'text'},
  },
});

/** Dots, joined where no two of a colour have the same place. */
function overNumbers(points: readonly Point[], value: string, over: string | undefined): ChartSpec {
  const places = new Set(points.map((point) => `${point.over} ${point.colour}`));
  const x = {
    field: 'over',
    type: 'quantitative' as const,
    scale: {zero: false},
    title: over ?? 'row',
    axis: {tickCount: 8, grid: false},
  };
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    scale: {zero: false},
    title: value,
    axis: {tickCount: 5, domain: false},
  };
  const color = colourOf(points);
  const joined = {mark: {type: 'line' as const, strokeWidth: 1.5}, encoding: {x, y, color}};
  return {
    width: 520,
    height: 240,
    data: {values: [...points]},
    layer: [
      ...(places.size === points.length ? [joined] : []),
      {
        mark: {type: 'point', filled: true, size: 48, opacity: 0.85, aria: true},
        encoding: {x, y, color, description: {field: 'text'}},
      },
    ],
  };
}

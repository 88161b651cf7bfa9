/**
 * Parallel coordinates: an axis for each parameter and one for the value; each configuration is a line over all of them. Where scripts run, a
 * part of each axis can be chosen (`client/parallel.ts`).
 */
import type {Json} from '../../core/base/canonical.ts';
import {canonicalJson} from '../../core/base/canonical.ts';
import {isChoice} from '../../pipeline/search/domain.ts';
import type {SearchResults} from '../../pipeline/search/results.ts';
import type {Parameter} from '../../pipeline/search/space.ts';
import {type SearchWords, wordsOf} from '../../pipeline/search/words.ts';
import {html, type Markup} from '../html.ts';
import {parameterNames, rowKey, rowNames} from '../tables/search.ts';

/** A vertical axis, of numbers or of choices. */
export type Axis = NumberAxis | ChoiceAxis;

interface NumberAxis {
  readonly name: string;
  /** Of each line; NaN: it does not cross the axis. */
  readonly values: readonly number[];
  /** At its foot and at its top. */
  readonly low: number;
  readonly high: number;
  readonly log?: boolean;
}

interface ChoiceAxis {
  readonly name: string;
  /** Of each line: the place of its choice; NaN: it does not cross the axis. */
  readonly values: readonly number[];
  /** From its foot to its top, evenly. */
  readonly choices: readonly string[];
}

export interface AxisLine {
  /** What rows of tables about it are known by. */
  readonly key: string;
  readonly isBest: boolean;
  readonly text: string;
}

const size = {width: 640, height: 220, left: 60, right: 40, top: 34, bottom: 26} as const;

/** Half of what a letter of an axis' name takes at most: the last one has room for its name. */
const halfLetter = 3.2;

/** Ticks between the ends, at most, and letters of each. */
const mostTicks = 6;
const mostLetters = 14;

/** Of all configurations with a value; undefined for fewer than two, of which there is nothing to compare. */
export function parallelCoordinates(results: SearchResults): Markup | undefined {
  const rows = results.rows.filter(({objective}) => objective.value !== null);
  if (rows.length < 2) return undefined;
  const {space, objective} = results.search;
  const names = parameterNames(results);
  const words = wordsOf(space);
  const nameOf = rowNames(rows);
  const values = rows.map((row) => shown(row.objective.value!));
  const axes: readonly Axis[] = [
    ...space.parameters.map((parameter) => axisOf(parameter, names(parameter.name), words, rows)),
    {
      name: `${objective.metric} ${objective.on}`,
      values,
      low: Math.min(...values),
      high: Math.max(...values),
    },
  ];
  const lines = rows.map((row) => ({
    key: rowKey(row),
    isBest: row === results.best,
    text: `${nameOf(row)}: ${Object.entries(row.point)
      .map(([path, value]) => `${words.name(path)} ${words.value(path, value as Json)}`)
      .join(', ')}; ${row.objective.value!.toFixed(4)}`,
  }));
  return parallelDrawing(axes, lines);
}

/** A value as it is shown: a part of an axis is chosen by what is read. */
const shown = (value: number): number => Number(value.toPrecision(4));

function axisOf({paths, domain}: Parameter, name: string, words: SearchWords, rows: SearchResults['rows']): Axis {
  const given = rows.map(({point}): Json | undefined => {
    const own = paths.flatMap((path) => (Object.hasOwn(point, path) ? [point[path]!] : []));
    if (own.length < paths.length) return undefined;
    return own.length === 1 ? own[0] : own;
  });
  if (!isChoice(domain)) {
    const values = given.map((value) => (typeof value === 'number' ? value : Number.NaN));
    return {name, values, low: domain.low, high: domain.high, log: domain.log};
  }
  const places = new Map(domain.values.map((value, place) => [canonicalJson(value), place]));
  return {
    name,
    values: given.map((value) => (value === undefined ? Number.NaN : places.get(canonicalJson(value))!)),
    choices: domain.values.map((value) => (paths.length === 1 ? words.value(paths[0]!, value) : canonicalJson(value))),
  };
}

const endsOf = (axis: Axis): readonly [low: number, high: number] =>
  'choices' in axis ? [0, axis.choices.length - 1] : [axis.low, axis.high];

function unitOf(axis: Axis, value: number): number {
  const [low, high] = endsOf(axis);
  if (low === high) return 0.5;
  return 'log' in axis && axis.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

export function parallelDrawing(axes: readonly Axis[], lines: readonly AxisLine[]): Markup {
  const {width, height, left, top, bottom} = size;
  const right = Math.max(size.right, halfLetter * axes.at(-1)!.name.length);
  const x = (axis: number): number => Math.round(left + (axis * (width - left - right)) / (axes.length - 1));
  const y = (unit: number): number => Math.round(10 * (height - bottom - unit * (height - top - bottom))) / 10;
  const drawn = lines.map(({key, isBest, text}, i) => {
    const corners = axes.flatMap((axis, at) => {
      const value = axis.values[i]!;
      return Number.isNaN(value) ? [] : [`${x(at)},${y(unitOf(axis, value))}`];
    });
    const values = axes.map((axis) => (Number.isNaN(axis.values[i]!) ? '' : axis.values[i]!)).join();
    return html`<polyline class="${isBest ? 'best' : 'line'}" data-key="${key}" data-values="${values}" points="${corners.join(' ')}"><title>${text}</title></polyline>`;
  });
  const about = `${lines.length} configurations as lines over ${axes.map(({name}) => name).join(', ')}`;
  return html`<div class="parallel" data-parallel>
<svg role="img" aria-label="${about}" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" fill="none">
${drawn}
${axes.map((axis, at) => {
  const [low, ...others] = ticksOf(axis);
  const high = others.pop();
  const step = Math.ceil(others.length / mostTicks);
  return html`<g><line class="axis" x1="${x(at)}" x2="${x(at)}" y1="${y(0)}" y2="${y(1)}"/><rect class="part" x="${x(at) - 6}" width="12" y="${y(1)}" height="0"/><rect class="grip" x="${x(at) - 14}" width="28" y="${y(1)}" height="${y(0) - y(1)}"/>
<text class="name" x="${x(at)}" y="14" text-anchor="middle">${axis.name}</text><text x="${x(at)}" y="${top - 8}" text-anchor="middle">${high?.text}</text><text x="${x(at)}" y="${height - 8}" text-anchor="middle">${low?.text}</text>
${others.flatMap(({text, unit}, i) => (i % step === step - 1 ? [html`<text class="tick" x="${x(at) + 5}" y="${y(unit) + 3}">${text}</text>`] : []))}</g>`;
})}</svg>
<fieldset hidden><legend>Drag along an axis to keep the configurations in that part of it, in the tables too; a click on the axis keeps all. Or choose values:</legend>
${axes.map(
  (axis, at) =>
    html`<p${'log' in axis && axis.log && html` data-log`}><span>${axis.name}</span> <label>from ${endInput(axis, at, 'from')}</label> <label>to ${endInput(axis, at, 'to')}</label></p>`,
)}
<p role="status"></p></fieldset></div>`;
}

/** The first is at its foot, the last at its top. */
function ticksOf(axis: Axis): readonly {readonly text: string; readonly unit: number}[] {
  const texts =
    'choices' in axis
      ? axis.choices.map((text) => (text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text))
      : [axis.low, axis.high].map(String);
  return texts.map((text, i) => ({text, unit: i / Math.max(1, texts.length - 1)}));
}

/** Its value is a number of the axis, or the place of a choice. */
function endInput(axis: Axis, at: number, end: 'from' | 'to'): Markup {
  const [low, high] = endsOf(axis);
  const whole = end === 'from' ? low : high;
  const label = `${axis.name}, ${end}`;
  if ('choices' in axis)
    return html`<select data-axis="${at}" data-end="${end}" aria-label="${label}">${axis.choices.map((text, place) => html`<option value="${place}"${place === whole && html` selected`}>${text}</option>`)}</select>`;
  return html`<input type="number" step="any" min="${low}" max="${high}" value="${whole}" data-axis="${at}" data-end="${end}" aria-label="${label}">`;
}

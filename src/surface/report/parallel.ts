/**
 * Parallel coordinates: an axis for each parameter and one for the value; each configuration is a line over all of them. Where scripts run, a
 * part of each axis can be chosen (`client/parallel.ts`).
 */
import type {Json} from '../../core/base/canonical.ts';
import {canonicalJson} from '../../core/base/canonical.ts';
import {isChoice} from '../../pipeline/search/domain.ts';
import type {SearchResults} from '../../pipeline/search/results.ts';
import type {Parameter} from '../../pipeline/search/space.ts';
import {encode} from '../../pipeline/search/space.ts';
import {valueText} from '../../pipeline/search/words.ts';
import {html, type Markup} from '../html.ts';
import {parameterNames, rowKey, rowNames} from '../tables/search.ts';

/** A vertical axis. */
export interface Axis {
  readonly name: string;
  /** What stands where on it, from 0 at its foot to 1; the first at its foot, the last at its top. */
  readonly ticks: readonly {readonly text: string; readonly unit: number}[];
  /** Where each line crosses it; NaN: it does not. */
  readonly units: readonly number[];
}

export interface AxisLine {
  /** What rows of tables about it are known by. */
  readonly key: string;
  readonly isBest: boolean;
  readonly text: string;
}

const size = {width: 640, height: 220, left: 60, right: 40, top: 34, bottom: 26} as const;

/** Ticks between the ends, at most. */
const mostTicks = 6;

/** Of all configurations with a value; undefined for fewer than two, of which there is nothing to compare. */
export function parallelCoordinates(results: SearchResults): Markup | undefined {
  const rows = results.rows.filter(({objective}) => objective.value !== null);
  if (rows.length < 2) return undefined;
  const {space, objective} = results.search;
  const names = parameterNames(results);
  const nameOf = rowNames(rows);
  const points = rows.map(({point}) => encode(space, point));
  const values = rows.map((row) => row.objective.value!);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const axes: readonly Axis[] = [
    ...space.parameters.map((parameter, d) => ({
      name: names(parameter.paths[0]!),
      ticks: endsOf(parameter).map((text, unit) => ({text, unit})),
      units: points.map((units) => units[d]!),
    })),
    {
      name: `${objective.metric} ${objective.on}`,
      ticks: [least, most].map((value, unit) => ({text: value.toFixed(3), unit})),
      units: values.map((value) => (most > least ? (value - least) / (most - least) : 0.5)),
    },
  ];
  const lines = rows.map((row) => ({
    key: rowKey(row),
    isBest: row === results.best,
    text: `${nameOf(row)}: ${Object.entries(row.point)
      .map(([path, value]) => `${names(path)} ${valueText(value as Json)}`)
      .join(', ')}; ${row.objective.value!.toFixed(4)}`,
  }));
  return parallelDrawing(axes, lines);
}

export function parallelDrawing(axes: readonly Axis[], lines: readonly AxisLine[]): Markup {
  const {width, height, left, right, top, bottom} = size;
  const x = (axis: number): number => Math.round(left + (axis * (width - left - right)) / (axes.length - 1));
  const y = (unit: number): number => Math.round(10 * (height - bottom - unit * (height - top - bottom))) / 10;
  const drawn = lines.map(({key, isBest, text}, i) => {
    const corners = axes.flatMap(({units}, axis) => (Number.isNaN(units[i]!) ? [] : [`${x(axis)},${y(units[i]!)}`]));
    const units = axes.map((axis) => (Number.isNaN(axis.units[i]!) ? '' : axis.units[i]!.toFixed(4))).join();
    return html`<polyline class="${isBest ? 'best' : 'line'}" data-key="${key}" data-units="${units}" points="${corners.join(' ')}"><title>${text}</title></polyline>`;
  });
  const about = `${lines.length} configurations as lines over ${axes.map(({name}) => name).join(', ')}`;
  return html`<div class="parallel" data-parallel>
<svg role="img" aria-label="${about}" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" fill="none">
${drawn}
${axes.map(({name, ticks}, axis) => {
  const [low, ...others] = ticks;
  const high = others.pop();
  const step = Math.ceil(others.length / mostTicks);
  return html`<g><line class="axis" x1="${x(axis)}" x2="${x(axis)}" y1="${y(0)}" y2="${y(1)}"/><rect class="part" x="${x(axis) - 6}" width="12" y="${y(1)}" height="0"/><rect class="grip" x="${x(axis) - 14}" width="28" y="${y(1)}" height="${y(0) - y(1)}"/>
<text class="name" x="${x(axis)}" y="14" text-anchor="middle">${name}</text><text x="${x(axis)}" y="${top - 8}" text-anchor="middle">${high?.text}</text><text x="${x(axis)}" y="${height - 8}" text-anchor="middle">${low?.text}</text>
${others.flatMap(({text, unit}, i) => (i % step === step - 1 ? [html`<text class="tick" x="${x(axis) + 5}" y="${y(unit) + 3}">${text}</text>`] : []))}</g>`;
})}</svg>
<fieldset hidden><legend>Drag along an axis to keep the configurations in that part of it, in the tables too; a click on the axis keeps all. Or in percent from its foot:</legend>
${axes.map(
  ({name}, axis) =>
    html`<p><span>${name}</span> <label>from <input type="number" min="0" max="100" value="0" data-axis="${axis}" data-end="low" aria-label="${name}, from"></label> <label>to <input type="number" min="0" max="100" value="100" data-axis="${axis}" data-end="high" aria-label="${name}, to"></label></p>`,
)}
<p role="status"></p></fieldset></div>`;
}

/** What is at the foot and at the top of its axis. */
function endsOf({domain}: Parameter): readonly [string, string] {
  if (!isChoice(domain)) return [String(domain.low), String(domain.high)];
  const text = (value: Json): string => {
    const whole = typeof value === 'string' ? value : canonicalJson(value);
    return whole.length > 14 ? `${whole.slice(0, 13)}…` : whole;
  };
  return [text(domain.values[0]!), text(domain.values.at(-1)!)];
}

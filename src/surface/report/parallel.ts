/**
 * Parallel coordinates: an axis for each parameter and one for the value; each configuration is a line over all of them. Where scripts run, a
 * part of each axis can be chosen (`parallel-script.ts`).
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

/** A vertical axis: `units`: where each line crosses it, from 0 at its foot to 1; NaN: it does not. */
interface Axis {
  readonly name: string;
  readonly low: string;
  readonly high: string;
  readonly units: readonly number[];
}

const size = {width: 640, height: 220, left: 60, right: 40, top: 34, bottom: 26} as const;

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
      ...endsOf(parameter),
      units: points.map((units) => units[d]!),
    })),
    {
      name: `${objective.metric} ${objective.on}`,
      low: least.toFixed(3),
      high: most.toFixed(3),
      units: values.map((value) => (most > least ? (value - least) / (most - least) : 0.5)),
    },
  ];
  const {width, height, left, right, top, bottom} = size;
  const x = (axis: number): number => Math.round(left + (axis * (width - left - right)) / (axes.length - 1));
  const y = (unit: number): number => Math.round(10 * (height - bottom - unit * (height - top - bottom))) / 10;
  const best = results.best;
  const lines = rows.map((row, i) => {
    const corners = axes.flatMap(({units}, axis) => (Number.isNaN(units[i]!) ? [] : [`${x(axis)},${y(units[i]!)}`]));
    const text = `${nameOf(row)}: ${Object.entries(row.point)
      .map(([path, value]) => `${names(path)} ${valueText(value as Json)}`)
      .join(', ')}; ${row.objective.value!.toFixed(4)}`;
    const units = axes.map((axis) => (Number.isNaN(axis.units[i]!) ? '' : axis.units[i]!.toFixed(4))).join();
    return html`<polyline class="${row === best ? 'best' : 'line'}" data-key="${rowKey(row)}" data-units="${units}" points="${corners.join(' ')}"><title>${text}</title></polyline>`;
  });
  const about = `${rows.length} configurations as lines over ${axes.map(({name}) => name).join(', ')}`;
  return html`<div class="parallel" data-parallel>
<svg role="img" aria-label="${about}" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" fill="none">
${lines}
${axes.map(
  (
    {name, low, high},
    axis,
  ) => html`<g><line class="axis" x1="${x(axis)}" x2="${x(axis)}" y1="${y(0)}" y2="${y(1)}"/><rect class="part" x="${x(axis) - 6}" width="12" y="${y(1)}" height="0"/><rect class="grip" x="${x(axis) - 14}" width="28" y="${y(1)}" height="${y(0) - y(1)}"/>
<text class="name" x="${x(axis)}" y="14" text-anchor="middle">${name}</text><text x="${x(axis)}" y="${top - 8}" text-anchor="middle">${high}</text><text x="${x(axis)}" y="${height - 8}" text-anchor="middle">${low}</text></g>`,
)}</svg>
<fieldset hidden><legend>Drag along an axis to keep the configurations in that part of it; a click on the axis keeps all. Or in percent from its foot:</legend>
${axes.map(
  ({name}, axis) =>
    html`<p><span>${name}</span> <label>from <input type="number" min="0" max="100" value="0" data-axis="${axis}" data-end="low" aria-label="${name}, from"></label> <label>to <input type="number" min="0" max="100" value="100" data-axis="${axis}" data-end="high" aria-label="${name}, to"></label></p>`,
)}
<p role="status"></p></fieldset></div>`;
}

/** What is at the foot and at the top of its axis. */
function endsOf({domain}: Parameter): {readonly low: string; readonly high: string} {
  if (!isChoice(domain)) return {low: String(domain.low), high: String(domain.high)};
  const text = (value: Json): string => {
    const whole = typeof value === 'string' ? value : canonicalJson(value);
    return whole.length > 14 ? `${whole.slice(0, 13)}…` : whole;
  };
  return {low: text(domain.values[0]!), high: text(domain.values.at(-1)!)};
}

/** The effect of one option: every configuration as a dot at its value, and the mean over all others, joined where the values have an order. */
import {groupBy} from '../../core/base/group.ts';
import type {Markup} from '../html.ts';
import {decimalsOf} from '../tables/digits.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';
import {swarm} from './swarm.ts';

/** Dots drawn in each figure. */
export const mostDots = 400;

export interface Effect {
  readonly name: string;
  readonly values: readonly string[];
  /** The same as numbers in ascending order: then they are joined. */
  readonly numbers?: readonly number[];
  readonly note: string;
  /** What is measured. */
  readonly metric: string;
  readonly dots: readonly EffectDot[];
  /** What colours are; absent: there are none. */
  readonly groups?: readonly string[];
  readonly text: (value: number, decimals: number) => string;
}

export interface EffectDot {
  /** Index into the values. */
  readonly at: number;
  /** Index into the groups; 0 without. */
  readonly group: number;
  /** As it is drawn. */
  readonly value: number;
  readonly text: string;
}

interface Mean {
  readonly at: number;
  readonly group: number;
  readonly mean: number;
  readonly count: number;
}

/** Pixels: of a dot's diameter, and of the plot. */
const gap = 6;
const depth = 180;
const least = 300;
/** Of a letter, and between two labels. */
const letter = 6.1;

export async function effectFigure(effect: Effect): Promise<Markup> {
  const means = meansOf(effect);
  const text = textOf(effect, means);
  const said = means.map(
    ({at, group, mean}) =>
      `${text(mean)} at ${effect.values[at]}${effect.groups ? ` with ${effect.groups[group]}` : ''}`,
  );
  const many = said.length > 12 ? [...said.slice(0, 6), '…', ...said.slice(-3)] : said;
  const spaced = effect.numbers && spacingOf(effect.numbers).isEven ? '; values stand evenly, in their order' : '';
  return figure(await draw(chartOf(effect, means), `${effect.metric} along ${effect.name}: ${many.join(', ')}`), {
    title: effect.name,
    note: `${effect.note}${spaced}`,
    numbers: numbersOf(effect, means),
  });
}

const meansOf = ({dots}: Effect): readonly Mean[] =>
  [...groupBy(dots, ({at, group}) => `${group} ${at}`).values()]
    .map((own) => ({
      at: own[0]!.at,
      group: own[0]!.group,
      mean: own.reduce((sum, {value}) => sum + value, 0) / own.length,
      count: own.length,
    }))
    .toSorted((a, b) => a.group - b.group || a.at - b.at);

/** Where values stand, from 0 to 1: as numbers or their logarithms do, if no two come too near, otherwise evenly. */
export function spacingOf(numbers: readonly number[]): {readonly units: readonly number[]; readonly isEven: boolean} {
  const [low, high] = [numbers[0]!, numbers.at(-1)!];
  const scales = [Math.log, (value: number) => value].filter(
    (scale) => scale !== Math.log || (low > 0 && high / low >= 16),
  );
  for (const scale of scales) {
    const units = numbers.map((value) => (scale(value) - scale(low)) / (scale(high) - scale(low)));
    const nearest = Math.min(...units.slice(1).map((unit, i) => unit - units[i]!));
    // Evenly, they would be 1 / (n − 1) apart.
    if (nearest >= Math.max(0.05, 0.25 / (units.length - 1))) return {units, isEven: false};
  }
  return {units: numbers.map((_, i) => i / Math.max(1, numbers.length - 1)), isEven: true};
}

function chartOf({values, numbers, metric, dots, groups}: Effect, means: readonly Mean[]): ChartSpec {
  const longest = Math.max(...values.map((value) => value.length));
  const isUpright = numbers === undefined;
  const wanted = letter * values.reduce((sum, value) => sum + value.length + 2, 0);
  // Labels on their side need a line each.
  const length = isUpright ? Math.max(60, 34 * values.length) : Math.max(least, 14 * values.length);
  const isTurned = !isUpright && wanted > length;
  const margin = Math.min(30, length / (2 * values.length));
  const units = numbers ? spacingOf(numbers).units : values.map((_, i) => i / Math.max(1, values.length - 1));
  const place = units.map((unit) => Math.round(10 * (margin + unit * (length - 2 * margin))) / 10);
  const all = dots.map(({value}) => value);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.05 * (high - low || 1);
  const domain: [number, number] = [low - room, high + room];
  const along = isUpright ? least : depth;
  const pixel = (value: number): number => (along * (value - domain[0])) / (domain[1] - domain[0]);
  const nearest = Math.min(length, ...place.slice(1).map((at, i) => at - place[i]!));
  const placed = swarm(
    dots.map(({at, value}) => ({x: place[at]!, y: pixel(value)})),
    gap,
    Math.max(0, Math.min(16, nearest / 2 - gap / 2)),
  );
  const colourOf = (group: number): string => (groups ? colours.series[group % colours.series.length]! : colours.muted);
  const marks = placed.map(({x, of}) => {
    const [first] = of;
    const {value, group, text} = dots[first!]!;
    return {
      place: x,
      value,
      colour: colourOf(group),
      text: of.length > 1 ? `${text}, and ${of.length - 1} more here` : text,
    };
  });
  const lines = means.map(({at, mean, group, count}) => ({
    place: place[at]!,
    value: mean,
    group,
    colour: groups ? colourOf(group) : colours.ours,
    text: `${values[at]}${groups ? `, ${groups[group]}` : ''}: mean of ${count}`,
  }));
  const option = {
    field: 'place',
    type: 'quantitative',
    title: null,
    scale: {domain: [0, length], nice: false, reverse: isUpright},
    axis: {
      ...namedPlaces(values, place),
      grid: isUpright,
      ...(isTurned && {labelAngle: -90, labelAlign: 'right', labelBaseline: 'middle'}),
      ...(isUpright && {labelColor: 'var(--ink)', domain: false}),
    },
  };
  const measured = {
    field: 'value',
    type: 'quantitative',
    title: metric,
    scale: {domain, nice: false, zero: false},
    axis: {tickCount: 5},
  };
  const sides = isUpright ? {x: measured, y: option} : {x: option, y: measured};
  const paint = (channel: string) => ({[channel]: {field: 'colour', scale: null}, description: {field: 'text'}});
  return {
    width: isUpright ? Math.max(160, least - Math.max(0, letter * (longest - 8))) : length,
    height: isUpright ? length : depth,
    layer: [
      {
        data: {values: lines},
        mark: isUpright
          ? {type: 'tick', thickness: 2.4, size: 20, orient: 'vertical', aria: true}
          : {type: 'line', strokeWidth: 1.8, aria: true},
        encoding: {
          ...sides,
          ...(isUpright ? {} : {detail: {field: 'group'}}),
          ...paint(isUpright ? 'color' : 'stroke'),
        },
      },
      {
        data: {values: marks},
        mark: {type: 'point', filled: true, size: 20, fillOpacity: 0.7, aria: true},
        encoding: {...sides, ...paint('fill')},
      },
    ],
  } as ChartSpec;
}

/** An axis of pixels that has names at some places. */
export const namedPlaces = (names: readonly string[], places: readonly number[]) => ({
  values: [...places],
  labelExpr: `${JSON.stringify(names)}[indexof(${JSON.stringify(places)}, datum.value)]`,
  labelLimit: 0,
  labelOverlap: false,
});

/** With the digits that tell the means apart. */
function textOf({text}: Effect, means: readonly Mean[]): (value: number) => string {
  const decimals = decimalsOf(means.map(({mean}) => mean));
  return (value) => text(value, decimals);
}

function numbersOf(effect: Effect, means: readonly Mean[]): Markup {
  const {name, values, groups, metric} = effect;
  const text = textOf(effect, means);
  return tableHtml(
    {
      columns: [
        {name, align: 'left'},
        ...(groups ? [{name: 'classifier', align: 'left' as const}] : []),
        {name: `mean ${metric}`, align: 'right'},
        {name: 'dots', align: 'right'},
      ],
      rows: means.map(({at, group, mean, count}) => [
        values[at]!,
        ...(groups ? [groups[group]!] : []),
        text(mean),
        String(count),
      ]),
      lead: groups ? 2 : 1,
    },
    {caption: `Mean ${metric} at each value of ${name}, over all other options`, sortable: true},
  );
}

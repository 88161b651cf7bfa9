/** What the options of a matrix did: the best configuration, the effect of each option, the two strongest together, all configurations as lines. */
import type {Json} from '../../core/base/canonical.ts';
import {valueText as settingValue} from '../../pipeline/search/words.ts';
import {html, type Markup} from '../html.ts';
import {rivalsText} from '../tables/best-of.ts';
import {decimalsOf} from '../tables/digits.ts';
import {number} from '../tables/formats.ts';
import {chosenOnTest} from '../tables/search.ts';
import {
  bestOfSweep,
  type Configuration,
  rivalCounts,
  type Sweep,
  type SweepParameter,
  settingText,
  valueText,
  wholeOf,
} from '../tables/sweeps.ts';
import {tableHtml} from '../tables/table-html.ts';
import {bestSetting} from './best-setting.ts';
import {colours} from './chart.ts';
import {type EffectDot, effectFigure, mostDots} from './effects.ts';
import {figure, strokeOf} from './figure.ts';
import {heatMapFigure} from './heat-map.ts';
import {parallelDrawing} from './parallel.ts';

/** Rows of the table that are not folded. */
const shownRows = 10;

/** Undefined where the run has no matrix. */
export async function sweepsSection(sweeps: readonly Sweep[]): Promise<Markup | undefined> {
  if (sweeps.length === 0) return undefined;
  const parts: Markup[] = [];
  for (const sweep of sweeps) parts.push(await sweepView(sweep, sweeps.length > 1));
  return html`${parts}`;
}

async function sweepView(sweep: Sweep, isNamed: boolean): Promise<Markup> {
  const {parameters, configurations} = sweep;
  const strongest = parameters.toSorted((a, b) => b.share - a.share);
  const figures: Markup[] = [];
  for (const parameter of strongest) figures.push(await effectOf(sweep, parameter));
  const [first, second] = strongest;
  const isSeeds = configurations.some(({seeds}) => seeds > 1);
  const dots = `each dot is a configuration${isSeeds ? ' with one seed' : ''}${sweep.classes > 1 ? `, the mean over ${sweep.classes} classes` : ''}`;
  return html`${isNamed && html`<h3>${sweep.spec}</h3>`}${bestOf(sweep)}
<p class="small muted">${sweep.metric}${sweep.scale === 'rate' ? ' × 100' : ''}: ${dots}; lines and ticks are means over all other options.</p>
${legendOf(sweep)}
<div class="figures roomy">${figures}${first && second && (await heatOf(sweep, first, second))}${parameters.length > 1 && configurations.length > 2 && linesOf(sweep)}</div>
${tables(sweep)}`;
}

/** Colours of the classifiers. */
function legendOf({parameters}: Sweep): Markup | undefined {
  const classifier = parameters.find(({name}) => name === 'classifier');
  if (!classifier || classifier.values.length > colours.series.length || parameters.length === 1) return undefined;
  return html`<p class="facet small"><span class="name">classifier</span> ${classifier.values.map((value, i) => html`<span data-value="${value}">${strokeOf(colours.series[i]!)} ${value}</span> `)}</p>`;
}

function bestOf(sweep: Sweep): Markup | undefined {
  const best = bestOfSweep(sweep);
  if (!best) return undefined;
  const rivals = wholeOf(sweep.configurations);
  const within = rivals.filter((one) => one !== best && best.sd !== null && Math.abs(one.mean - best.mean) <= best.sd);
  const certain =
    best.sd === null
      ? 'One seed: how much it varies between seeds is not known.'
      : `± one standard deviation between ${best.seeds} seeds; ${
          within.length === 0
            ? 'no other configuration lies'
            : within.length === 1
              ? 'one other configuration lies'
              : `${within.length} others lie`
        } within it.`;
  const point = Object.entries(best.point).filter(([, value]) => value !== undefined);
  return bestSetting({
    value: valueText(sweep, best.mean, best.sd),
    mark: chosenOnTest,
    metric: `${sweep.metric}${sweep.classes > 1 ? `, the mean over ${sweep.classes} classes` : ''}`,
    setting: `${settingText(sweep, best)}`,
    notes: [
      certain,
      `${chosenOnTest} chosen by the labels of the test images: of ${rivalsText(rivalCounts(rivals))} the best is too good by chance alone.`,
    ],
    sets: point.map(([path, value]) => `${path}=${settingValue(value as Json)}`),
  });
}

const factorOf = ({scale}: Sweep): number => (scale === 'rate' ? 100 : 1);

function effectOf(sweep: Sweep, parameter: SweepParameter): Promise<Markup> {
  const {parameters, configurations, metric, scale} = sweep;
  const at = parameters.indexOf(parameter);
  const classifiers = parameters.findIndex(({name}) => name === 'classifier');
  const coloured = classifiers >= 0 && classifiers !== at && parameters[classifiers]!.values.length <= 8;
  const of = (configuration: Configuration) => ({
    at: configuration.at[at]!,
    group: coloured ? configuration.at[classifiers]! : 0,
  });
  const seeds = configurations.flatMap((one): readonly EffectDot[] =>
    one.ofSeeds.map(({seed, value}) => ({
      ...of(one),
      value: factorOf(sweep) * value,
      text: `${settingText(sweep, one)}${one.seeds > 1 ? `, seed ${seed}` : ''}: ${valueText(sweep, value)}`,
    })),
  );
  const means = configurations.map((one) => ({
    ...of(one),
    value: factorOf(sweep) * one.mean,
    text: `${settingText(sweep, one)}: ${valueText(sweep, one.mean, one.sd)}`,
  }));
  const isFew = seeds.length <= mostDots;
  const dots = isFew ? seeds : means;
  const {name, numbers, share} = parameter;
  // A value of which nothing could be measured says so: an empty place says nothing.
  const measured = new Set(configurations.map((one) => one.at[at]));
  const failed = new Set(sweep.failed.map((one) => one.at[at]));
  const values = parameter.values.map((value, i) =>
    failed.has(i) && !measured.has(i) ? `${value} (no value)` : value,
  );
  return effectFigure({
    name,
    values,
    ...(numbers && {numbers}),
    metric: `${metric}${scale === 'rate' ? ' × 100' : ''}`,
    note: `explains ${(100 * share).toFixed(0)} % of the variance between configurations${isFew || means.length === seeds.length ? '' : '; dots: means over seeds'}`,
    dots,
    ...(coloured && {groups: parameters[classifiers]!.values}),
    text: (value, decimals) => number(value / factorOf(sweep), null, scale === 'rate', decimals),
  });
}

function heatOf(sweep: Sweep, first: SweepParameter, second: SweepParameter): Promise<Markup> {
  const [a, b] = [first, second].map((one) => sweep.parameters.indexOf(one)) as [number, number];
  const value = (one: number, other: number): number | null => {
    const own = sweep.configurations.filter(({at}) => at[a] === one && at[b] === other);
    return own.length === 0 ? null : own.reduce((sum, {mean}) => sum + mean, 0) / own.length;
  };
  const cells = first.values.flatMap((_, one) => second.values.flatMap((__, other) => value(one, other) ?? []));
  const decimals = decimalsOf(cells.map((one) => factorOf(sweep) * one));
  return heatMapFigure({
    what: `${sweep.metric}${sweep.scale === 'rate' ? ' × 100' : ''}${sweep.parameters.length > 2 ? ', mean over all other options' : ''}`,
    sides: [first, second],
    value,
    text: (one) => number(one, null, sweep.scale === 'rate', decimals),
  });
}

function linesOf(sweep: Sweep): Markup {
  const {parameters, configurations, failed, metric} = sweep;
  const best = bestOfSweep(sweep);
  // With as many digits as are shown: a part of an axis is chosen by what is read.
  const values = configurations.map(({mean}) => Number(valueText(sweep, mean).replace('−', '-')));
  const drawing = parallelDrawing(
    [
      ...parameters.map(({name, values: choices}, i) => ({
        name,
        choices,
        values: configurations.map(({at}) => at[i]!),
      })),
      {name: metric, values, low: Math.min(...values), high: Math.max(...values)},
    ],
    configurations.map((one) => ({
      key: one.key,
      isBest: one === best,
      text: `${settingText(sweep, one)}: ${valueText(sweep, one.mean, one.sd)}`,
    })),
  );
  return figure(drawing, {
    title: 'Configurations',
    note: `Each line is a configuration${best ? '; the thick one is the best' : ''}${failed.length > 0 ? `; ${failed.length} without a value ${failed.length === 1 ? 'has' : 'have'} none` : ''}. The table below has their numbers.`,
    wide: true,
  });
}

/** The best first, those without a value last, and folded all of them. */
function tables(sweep: Sweep): Markup {
  const {configurations, failed, parameters, metric, better, scale} = sweep;
  const sign = better === 'lower' ? 1 : -1;
  const best = bestOfSweep(sweep);
  const rows = [
    ...configurations
      .toSorted((a, b) => sign * (a.mean - b.mean))
      .map((one) => ({
        ...one,
        value: `${valueText(sweep, one.mean, one.sd)}${one === best ? ` ${chosenOnTest}` : ''}`,
      })),
    ...failed.map(({at, key, reason}) => ({at, key, value: reason, n: 0})),
  ];
  const tableOf = (some: typeof rows, caption: string): Markup =>
    tableHtml(
      {
        columns: [
          ...parameters.map(({name, numbers}) => ({name, align: numbers ? ('right' as const) : ('left' as const)})),
          {name: `${metric}${scale === 'rate' ? ' × 100' : ''}`, align: 'right'},
          {name: 'numbers', align: 'right'},
        ],
        rows: some.map(({at, value, n}) => [...at.map((index, i) => parameters[i]!.values[index]!), value, String(n)]),
        lead: parameters.length,
      },
      {caption, sortable: true, key: (row) => some[row]!.key},
    );
  if (rows.length <= shownRows) return tableOf(rows, 'All configurations; numbers: classes times seeds');
  return html`<div class="on-screen">${tableOf(rows.slice(0, shownRows), 'The first configurations; numbers: classes times seeds')}</div>
<details><summary>All ${rows.length} configurations</summary>${tableOf(rows, 'All configurations')}</details>`;
}

/** Our numbers as dots with their spread, on the paper's: a row a class. */
import type {Markup} from '../html.ts';
import {number, rateOf} from '../tables/formats.ts';
import type {Line} from '../tables/line.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';

/** `lines`: of one configuration and metric, a class each, each with a finite value. */
export async function dotFigure(lines: readonly Line[], title: string): Promise<Markup> {
  const rate = rateOf(lines[0]!);
  const text = (value: number | null, spread: number | null) => number(value, spread, rate);
  const beside = lines.some(({paper}) => paper !== null);
  const about = `${title}: ${lines
    .map(
      ({inlier, ours, paper}) => `${inlier} ${text(ours, null)}${paper === null ? '' : `, paper ${text(paper, null)}`}`,
    )
    .join('; ')}`;
  const note = [
    ...(lines.some(({spread}) => spread !== null) ? ['Dots and lines: ours ± over seeds.'] : []),
    ...(beside ? ['Ticks and bars: the paper and its ±.'] : []),
  ].join(' ');
  const numbers = tableHtml(
    {
      columns: [
        {name: 'normal class', align: 'left'},
        {name: 'ours', align: 'right'},
        ...(beside ? [{name: 'paper', align: 'right' as const}] : []),
      ],
      rows: lines.map(({inlier, ours, spread, paper, paperSpread}) => [
        inlier,
        text(ours, spread),
        ...(beside ? [text(paper, paperSpread)] : []),
      ]),
      lead: 1,
    },
    {caption: `${lines[0]!.metric}${rate ? ' × 100' : ''} of each class`},
  );
  return figure(await draw(chartOf(lines, rate), about), {title, note, numbers});
}

function chartOf(lines: readonly Line[], rate: boolean): ChartSpec {
  const factor = rate ? 100 : 1;
  const ours = lines.map(({inlier, ours, spread}) => ({
    inlier,
    value: factor * ours!,
    low: factor * (ours! - (spread ?? 0)),
    high: factor * (ours! + (spread ?? 0)),
    who: 'ours',
    text: `${inlier}, ours: ${number(ours, spread, rate)}`,
  }));
  const papers = lines.flatMap(({inlier, paper, paperSpread}) =>
    paper === null
      ? []
      : [
          {
            inlier,
            value: factor * paper,
            low: factor * (paper - (paperSpread ?? 0)),
            high: factor * (paper + (paperSpread ?? 0)),
            who: 'paper',
            text: `${inlier}, paper: ${number(paper, paperSpread, rate)}`,
          },
        ],
  );
  const ends = [...ours, ...papers].flatMap(({low, high}) => [low, high]);
  const y = {
    field: 'inlier',
    type: 'nominal' as const,
    sort: lines.map(({inlier}) => inlier),
    title: null,
    axis: {domain: false, labelColor: 'var(--ink)', grid: true, labelLimit: 160},
  };
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    scale: {domain: [...domainOf(ends, rate)], zero: false, nice: false},
    title: `${lines[0]!.metric}${rate ? ' × 100' : ''}`,
    axis: {tickCount: 5},
  };
  const names = papers.length > 0 ? ['ours', 'paper'] : ['ours'];
  const color = {
    field: 'who',
    scale: {domain: names, range: [colours.ours, colours.paper]},
    legend: papers.length === 0 ? null : {symbolOpacity: 1},
  };
  return {
    width: 330,
    height: {step: 24},
    layer: [
      {
        data: {values: papers},
        mark: {type: 'bar', height: 9, opacity: 0.45, aria: true},
        encoding: {y, x: {...x, field: 'low'}, x2: {field: 'high'}, color, description: {field: 'text'}},
      },
      {
        data: {values: papers},
        mark: {type: 'tick', thickness: 2, height: 15},
        encoding: {y, x, color},
      },
      {
        data: {values: ours.filter(({low, high}) => high > low)},
        mark: {type: 'rule', strokeWidth: 1.4},
        encoding: {y, x: {...x, field: 'low'}, x2: {field: 'high'}, color},
      },
      {
        data: {values: ours},
        mark: {type: 'point', filled: true, size: 64, opacity: 1, aria: true},
        encoding: {y, x, color, description: {field: 'text'}},
      },
    ],
  };
}

/** Points of a rate that an axis has at least: what differs less is not drawn as far apart. */
const leastPoints = 5;

/** Of an axis with all these values, and some room; of one alone, all that there can be. `rate`: they are of 0 to 100. */
export function domainOf(values: readonly number[], rate: boolean): readonly [low: number, high: number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least === most) return rate ? [0, 100.5] : least < 0 ? [1.2 * least, 0] : [0, 1.2 * most || 1];
  const lacking = rate ? Math.max(0, leastPoints - (most - least)) : 0;
  const room = 0.06 * (most - least) + lacking / 2;
  // 100 is where a rate ends.
  const high = rate ? Math.min(100.5, most + room) : most + room;
  return [Math.min(least - room, rate ? high - leastPoints : least), high];
}

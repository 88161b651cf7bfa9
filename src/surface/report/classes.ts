/** Class by class beside the paper: bars of both. */
import {groupBy} from '../../core/base/group.ts';
import {html, type Markup} from '../html.ts';
import type {Comparison} from '../tables/compare.ts';
import {number} from '../tables/formats.ts';
import type {Line} from '../tables/line.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';

/** A run of all tables of a paper has hundreds; the table has them all. */
const mostCharts = 16;

/** Undefined where no table of a paper has numbers of our classes. */
export async function classesSection({lines}: Comparison): Promise<Markup | undefined> {
  const beside = lines.filter(
    ({paper, inlier, ours}) => paper !== null && Number.isFinite(ours) && !inlier.startsWith('mean'),
  );
  // What is the same everywhere names no chart.
  const parts = (['dataset', 'label', 'classifier', 'metric'] as const).filter(
    (part) => part === 'label' || part === 'classifier' || new Set(beside.map((line) => line[part])).size > 1,
  );
  const charts = [...groupBy(beside, (line) => parts.map((part) => line[part]).join(' · '))];
  if (charts.length === 0) return undefined;
  const figures: Markup[] = [];
  for (const [title, own] of charts.slice(0, mostCharts)) {
    const about = `${title}: ${own.map(({inlier, ours, paper}) => `${inlier} ${points(ours!)}, paper ${points(paper!)}`).join('; ')}`;
    figures.push(figure(await draw(barsOf(own), about), {title}));
  }
  const left = charts.length - figures.length;
  return html`<p class="muted">Bars begin at 50, which is chance. The lines show the ± of the table above.${
    left > 0 && ` Only the first ${mostCharts} of ${charts.length} are shown; the table has all.`
  }</p><div class="figures">${figures}</div>`;
}

const points = (value: number): string => number(value, null, true);

function barsOf(lines: readonly Line[]): ChartSpec {
  const values = lines.flatMap(({inlier, ours, spread, paper, paperSpread}) =>
    (
      [
        ['ours', ours!, spread],
        ['paper', paper!, paperSpread],
      ] as const
    ).map(([who, value, own]) => ({
      inlier,
      who,
      value: 100 * value,
      low: 100 * (value - (own ?? 0)),
      high: 100 * (value + (own ?? 0)),
      text: `${inlier}, ${who}: ${number(value, own, true)}`,
    })),
  );
  const least = Math.min(50, ...values.map(({low}) => Math.floor(low / 10) * 10));
  const inliers = [...new Set(lines.map(({inlier}) => inlier))];
  const shared = {
    y: {
      field: 'inlier',
      type: 'nominal' as const,
      sort: inliers,
      title: null,
      axis: {domain: false, labelColor: 'var(--ink)'},
    },
    yOffset: {field: 'who', sort: ['ours', 'paper']},
  };
  return {
    width: 260,
    height: {step: 13},
    data: {values},
    layer: [
      {
        mark: {type: 'bar', height: {band: 0.82}, cornerRadiusEnd: 2, aria: true},
        encoding: {
          ...shared,
          x: {
            field: 'value',
            type: 'quantitative',
            scale: {domain: [least, 100], zero: false},
            title: `${lines[0]!.metric} × 100`,
            axis: {tickCount: 5},
          },
          x2: {datum: 50},
          color: {field: 'who', scale: {domain: ['ours', 'paper'], range: [colours.ours, colours.paper]}},
          description: {field: 'text'},
        },
      },
      {
        mark: {type: 'rule', strokeWidth: 1.2},
        transform: [{filter: 'datum.high > datum.low'}],
        encoding: {
          ...shared,
          x: {field: 'low', type: 'quantitative'},
          x2: {field: 'high'},
          color: {value: 'var(--ink)'},
        },
      },
    ],
  };
}

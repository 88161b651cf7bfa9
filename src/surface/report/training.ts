/** Loss and accuracy of the trainings, epoch by epoch. */
import {plural} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, draw} from './chart.ts';
import {figure, notice} from './figure.ts';
import type {Training, Trainings} from './training-data.ts';

/** Undefined where nothing trained. */
export async function trainingSection({curves, trained, missing}: Trainings): Promise<Markup | undefined> {
  if (trained === 0) return undefined;
  const figures: Markup[] = [];
  for (const [field, title] of [
    ['loss', 'Loss, mean over the epoch'],
    ['accuracy', 'Accuracy of the proxy task'],
  ] as const) {
    const own = curves.filter(({curve}) => curve.some((point) => point[field] !== undefined));
    if (own.length === 0) continue;
    const last = own.map(({label, curve}) => `${label}: ${curve.at(-1)![field]?.toPrecision(3)}`);
    const about = `${title} of ${plural(own.length, 'training')}. At the end ${last.slice(0, 6).join('; ')}`;
    figures.push(figure(await draw(linesOf(own, field), about), {title}));
  }
  return html`${curves.length < trained && html`<p class="muted">${curves.length} of ${trained} trainings.</p>`}
<div class="figures">${figures}</div>${curves.length > 0 && html`<details class="numbers"><summary>Values at the end</summary>${endsOf(curves)}</details>`}${notice(missing)}`;
}

function linesOf(curves: readonly Training[], field: 'loss' | 'accuracy'): ChartSpec {
  const values = curves.flatMap(({method, label, curve}) =>
    curve.flatMap((point) => {
      const value = point[field];
      return value === undefined ? [] : [{method, label, epoch: point.epoch + 1, value}];
    }),
  );
  return {
    width: 320,
    height: 200,
    data: {values},
    mark: {
      type: 'line',
      strokeWidth: curves.length > 12 ? 0.8 : 1.6,
      point: values.length === curves.length,
      aria: true,
    },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        axis: {tickMinStep: 1, grid: false, tickCount: 6},
        scale: {nice: false},
      },
      y: {
        field: 'value',
        type: 'quantitative',
        title: null,
        scale: {zero: false, ...(field === 'accuracy' && {domainMax: 1})},
        axis: {tickCount: 5},
      },
      color: {field: 'method', type: 'nominal', legend: {columns: 1, symbolType: 'stroke'}},
      detail: {field: 'label'},
      description: {field: 'label'},
    },
  };
}

const endsOf = (curves: readonly Training[]): Markup =>
  tableHtml(
    {
      columns: [
        {name: 'training', align: 'left'},
        {name: 'epochs', align: 'right'},
        {name: 'loss', align: 'right'},
        {name: 'accuracy', align: 'right'},
      ],
      rows: curves.map(({label, curve}) => {
        const {epoch, loss, accuracy} = curve.at(-1)!;
        return [
          label,
          String(epoch + 1),
          loss.toPrecision(4),
          accuracy === undefined ? '–' : (100 * accuracy).toFixed(1),
        ];
      }),
      lead: 1,
    },
    {caption: 'Values of the last epoch; accuracy × 100', sortable: true},
  );

/** ROC curves and histograms of a task's scores. */

import type {Markup} from '../html.ts';
import {number} from '../tables/formats.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';
import type {Scored} from './scores-data.ts';

const named = ({classifier, auc}: Scored): string =>
  auc === null ? classifier : `${classifier} ${number(auc, null, true)}`;

export async function rocFigure(scored: readonly Scored[]): Promise<Markup> {
  const values = scored.flatMap((one) =>
    one.roc.map(([fpr, tpr], order) => ({classifier: named(one), fpr, tpr, order})),
  );
  const rate = (field: string, title: string) => ({
    field,
    type: 'quantitative' as const,
    title,
    scale: {domain: [0, 1]},
    axis: {tickCount: 5, format: '.1~f'},
  });
  const spec: ChartSpec = {
    width: 240,
    height: 240,
    layer: [
      {
        data: {values: [{x: 0}, {x: 1}]},
        mark: {type: 'line', strokeDash: [3, 3], strokeWidth: 1, color: colours.muted},
        encoding: {x: {field: 'x', type: 'quantitative'}, y: {field: 'x', type: 'quantitative'}},
      },
      {
        data: {values},
        mark: {type: 'line', strokeWidth: 1.8, interpolate: 'linear', strokeJoin: 'round', aria: true},
        encoding: {
          x: rate('fpr', 'normal images called anomalous'),
          y: rate('tpr', 'anomalous images found'),
          color: {
            field: 'classifier',
            type: 'nominal',
            sort: scored.map(named),
            legend: {columns: 2, symbolType: 'stroke'},
          },
          order: {field: 'order'},
          description: {field: 'classifier'},
        },
      },
    ],
  };
  const about = `ROC curves; area under the curve × 100: ${scored.map(named).join(', ')}`;
  return figure(await draw(spec, about), {title: 'ROC', note: 'AUC × 100 in the legend'});
}

/** One a classifier: their scores have nothing in common. */
export async function histogramFigures(scored: readonly Scored[]): Promise<readonly Markup[]> {
  const figures: Markup[] = [];
  for (const {classifier, histogram, labels} of scored) {
    const anomalous = labels.reduce((sum, label) => sum + label, 0);
    const values = histogram.flatMap(({from, to, ...shares}) =>
      (['normal', 'anomalous'] as const).map((kind) => ({from, to, kind, share: 100 * shares[kind]})),
    );
    const spec: ChartSpec = {
      width: 260,
      height: 180,
      data: {values},
      mark: {type: 'bar', opacity: 0.62, binSpacing: 0},
      encoding: {
        x: {
          field: 'from',
          type: 'quantitative',
          bin: {binned: true},
          title: 'score; higher is more anomalous',
          axis: {tickCount: 5, grid: false},
        },
        x2: {field: 'to'},
        y: {
          field: 'share',
          type: 'quantitative',
          stack: null,
          title: '% of the normal or anomalous images',
          axis: {tickCount: 4},
        },
        color: {field: 'kind', scale: {domain: ['normal', 'anomalous'], range: [colours.normal, colours.anomalous]}},
      },
    };
    const about = `Histogram of the scores of ${classifier}: ${labels.length - anomalous} normal and ${anomalous} anomalous images`;
    figures.push(
      figure(await draw(spec, about), {
        title: `Scores of ${classifier}`,
        note: `${labels.length - anomalous} normal, ${anomalous} anomalous images; values beyond the range are in the outermost bins`,
      }),
    );
  }
  return figures;
}

/** Scores of a task's classifiers: ROC curves and histograms. */
import {fail, type Result, succeed} from '../../core/base/result.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {evaluate} from '../../pipeline/stages/evaluate.ts';
import {metricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Markup} from '../html.ts';
import {number} from '../tables/formats.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {Artifacts} from './artifacts.ts';
import {type ChartSpec, colours, draw, type LayerSpec} from './chart.ts';
import {figure} from './figure.ts';
import {type Bin, histogramOf} from './histogram.ts';
import {type PrecisionPoint, precisionRecall} from './precision-recall.ts';
import {type RocPoint, rocCurve} from './roc.ts';
import {scoreText} from './score-text.ts';
import {type Threshold, thresholdOf} from './threshold.ts';

/** Rows of a curve's table. */
const mostRows = 10;

export interface Scored {
  /** Its column in tables. */
  readonly classifier: string;
  /** The stage that gave the scores: `score`, `localize` or `ensemble`. */
  readonly stage: StageRecord;
  /** Area under the curve in [0, 1], as the metric `auc` has it; null where it was not asked for. */
  readonly auc: number | null;
  readonly roc: readonly RocPoint[];
  readonly precision: readonly PrecisionPoint[];
  readonly histogram: readonly Bin[];
  readonly threshold: Threshold;
  /** One a test image, higher = more anomalous. */
  readonly scores: Float64Array;
  /** 1 = anomalous. */
  readonly labels: Uint8Array;
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
}

/** One a classifier, ensembles included; those whose AUC is among the results come first: the page begins with the first. */
export async function scoresOf(
  record: RunRecord,
  task: Task,
  artifacts: Artifacts,
): Promise<Result<readonly Scored[], Problem>> {
  const scored: Scored[] = [];
  const problems: Problem[] = [];
  const values = metricsOf(record);
  for (const evaluated of record.stages) {
    const result = evaluated.node.results?.find((one) => one.task === task.id);
    const stage = artifacts.maker(evaluated, 'scores');
    const recipe = recipeOf(evaluate, evaluated.node);
    if (!recipe || !result || result.part || !stage) continue;
    const file = await artifacts.file(stage, 'scores.arrow');
    if (!file.ok) {
      problems.push(...file.failures);
      continue;
    }
    const {scores, classes, classNames} = await readScores(file.value);
    const normalClass = classNames.indexOf(recipe.normal);
    const labels = Uint8Array.from(classes, (label) => (label === normalClass ? 0 : 1));
    scored.push({
      classifier: result.classifier,
      stage,
      auc: values.find((value) => value.stage === evaluated && value.metric === 'auc')?.value ?? null,
      roc: rocCurve(scores, labels),
      precision: precisionRecall(scores, labels),
      histogram: histogramOf(scores, labels),
      threshold: thresholdOf(scores, labels),
      scores,
      labels,
      classes,
      classNames,
    });
  }
  return scored.length === 0 && problems.length > 0
    ? fail(...problems)
    : succeed(scored.toSorted((a, b) => Number(a.auc === null) - Number(b.auc === null)));
}

const named = ({classifier, auc}: Scored): string =>
  auc === null ? classifier : `${classifier} ${number(auc, null, true)}`;

const rate = (field: string, title: string) => ({
  field,
  type: 'quantitative' as const,
  title,
  scale: {domain: [0, 1]},
  axis: {tickCount: 5, format: '.1~f'},
});

export async function rocFigure(scored: readonly Scored[]): Promise<Markup> {
  const values = scored.flatMap((one) =>
    one.roc.map(([fpr, tpr], order) => ({classifier: named(one), fpr, tpr, order})),
  );
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
  return figure(await draw(spec, about, {frame: true}), {
    title: 'ROC',
    note: 'AUC × 100 in the legend',
    chart: 'roc',
    numbers: curveTable(
      scored.map(({classifier, roc}) => ({classifier, points: roc})),
      ['normal images called anomalous', 'anomalous images found'],
    ),
  });
}

export async function precisionFigure(scored: readonly Scored[]): Promise<Markup> {
  const names = scored.map(({classifier}) => classifier);
  const values = scored.flatMap(({classifier, precision}) =>
    precision.map(([recall, value], order) => ({classifier, recall, precision: value, order})),
  );
  const spec: ChartSpec = {
    width: 240,
    height: 240,
    data: {values},
    mark: {type: 'line', strokeWidth: 1.8, strokeJoin: 'round', aria: true},
    encoding: {
      x: rate('recall', 'recall'),
      y: rate('precision', 'precision'),
      color: {field: 'classifier', type: 'nominal', sort: names, legend: {columns: 2, symbolType: 'stroke'}},
      order: {field: 'order'},
      description: {field: 'classifier'},
    },
  };
  const {labels} = scored[0]!;
  const share = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const about = `Precision over recall of ${names.join(', ')}`;
  return figure(await draw(spec, about, {frame: true}), {
    title: 'Precision and recall',
    note: `Recall: share of the anomalous images that are found. Precision: share of anomalous images among those called anomalous; by chance ${share.toFixed(2)}`,
    chart: 'precision',
    numbers: curveTable(
      scored.map(({classifier, precision}) => ({classifier, points: precision})),
      ['recall', 'precision'],
    ),
  });
}

/** Points of each curve, of many some, evenly, and the last. */
function curveTable(
  curves: readonly {readonly classifier: string; readonly points: readonly (readonly [number, number])[]}[],
  names: readonly [string, string],
): Markup {
  const shown = curves.map(({classifier, points}) => {
    const step = Math.max(1, Math.ceil(points.length / mostRows));
    return {classifier, of: points.length, points: points.filter((_, i) => i % step === 0 || i === points.length - 1)};
  });
  const rows = shown.flatMap(({classifier, points}) =>
    points.map((point) => [classifier, ...point.map((value) => value.toFixed(3))]),
  );
  const all = shown.reduce((sum, {of}) => sum + of, 0);
  return tableHtml(
    {
      columns: [{name: 'classifier', align: 'left'}, ...names.map((name) => ({name, align: 'right' as const}))],
      rows,
      lead: 1,
    },
    {caption: rows.length < all ? `${rows.length} of the ${all} points of the curves` : 'Points of the curves'},
  );
}

/** Two bins are a row: of 32, half as many say the same. */
const binsTable = (bins: readonly Bin[]): Markup =>
  tableHtml(
    {
      columns: [
        {name: 'scores from', align: 'right'},
        {name: 'to', align: 'right'},
        {name: '% of the normal', align: 'right'},
        {name: '% of the anomalous', align: 'right'},
      ],
      rows: bins.flatMap((bin, i) => {
        if (i % 2 === 1) return [];
        const next = bins[i + 1];
        const percent = (kind: 'normal' | 'anomalous'): string => (100 * (bin[kind] + (next?.[kind] ?? 0))).toFixed(1);
        return [[scoreText(bin.from), scoreText((next ?? bin).to), percent('normal'), percent('anomalous')]];
      }),
      lead: 2,
    },
    {caption: 'Shares of the images; each row is two bars of the chart'},
  );

/** One a classifier: their scores have nothing in common. */
export async function histogramFigures(scored: readonly Scored[]): Promise<readonly Markup[]> {
  const figures: Markup[] = [];
  for (const {classifier, histogram, labels, threshold} of scored) {
    const anomalous = labels.reduce((sum, label) => sum + label, 0);
    const values = histogram.flatMap(({from, to, ...shares}) =>
      (['normal', 'anomalous'] as const).flatMap((kind) =>
        shares[kind] > 0 ? [{from, to, kind, share: 100 * shares[kind]}] : [],
      ),
    );
    const inside = threshold.score >= histogram[0]!.from && threshold.score <= histogram.at(-1)!.to;
    const bars: LayerSpec = {
      data: {values},
      mark: {type: 'bar', fillOpacity: 0.62, binSpacing: 0},
      encoding: {
        x: {
          field: 'from',
          type: 'quantitative',
          bin: {binned: true},
          title: 'score; higher is more anomalous',
          axis: {tickCount: 5, grid: false, labelOverlap: true, labelSeparation: 6},
        },
        x2: {field: 'to'},
        y: {
          field: 'share',
          type: 'quantitative',
          stack: null,
          title: '% of the normal or anomalous images',
          axis: {tickCount: 4},
        },
        color: {
          field: 'kind',
          scale: {domain: ['normal', 'anomalous'], range: [colours.normal, colours.anomalous]},
          legend: {symbolOpacity: 1},
        },
      },
    };
    const spec: ChartSpec = {
      width: 260,
      height: 180,
      layer: [
        bars,
        ...(inside
          ? [
              {
                data: {values: [{score: threshold.score}]},
                mark: {type: 'rule' as const, strokeWidth: 1.4, strokeDash: [4, 3], color: 'var(--ink)'},
                encoding: {x: {field: 'score', type: 'quantitative'} as const},
              },
            ]
          : []),
      ],
    };
    const about = `Histogram of the scores of ${classifier}: ${labels.length - anomalous} normal and ${anomalous} anomalous images`;
    figures.push(
      figure(await draw(spec, about, {frame: true}), {
        chart: 'histogram',
        numbers: binsTable(histogram),
        title: `Scores of ${classifier}`,
        note: `${labels.length - anomalous} normal, ${anomalous} anomalous images; values beyond the range are in the outermost bins${inside ? '; the line is the threshold above' : ''}`,
      }),
    );
  }
  return figures;
}

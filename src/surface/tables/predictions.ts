/** The output of `predict`: a score and a verdict for each image and classifier. Pure. */
import {printable} from '../../core/base/screen.ts';
import {percent, plural} from '../../core/base/text.ts';
import {csvText, terminalTable} from './table.ts';

export type PredictionFormat = 'table' | 'csv' | 'json';

export interface Predictions {
  readonly run: string;
  readonly task: string;
  /** Share of the training images that score at or below the thresholds. */
  readonly quantile: number;
  /** In the order asked for. `row`: index of its scores; absent: `problem` says why it has none. */
  readonly files: readonly {readonly path: string; readonly row?: number; readonly problem?: string}[];
  /** None if no image could be used. */
  readonly classifiers: readonly {
    readonly name: string;
    readonly scores: Float64Array;
    /** NaN: there is none. */
    readonly threshold: number;
    /** Held-out scores of the training images, from which the threshold is computed. */
    readonly training: Float64Array;
  }[];
}

type Classifier = Predictions['classifiers'][number];

export function formatPredictions(predictions: Predictions, format: PredictionFormat): string {
  if (format === 'json') return `${JSON.stringify(plain(predictions), null, 2)}\n`;
  return format === 'csv' ? csv(predictions) : table(predictions);
}

const verdict = ({scores, threshold}: Classifier, row: number): 'anomalous' | 'normal' | null =>
  Number.isNaN(threshold) ? null : scores[row]! > threshold ? 'anomalous' : 'normal';

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

function plain({run, task, quantile, files, classifiers}: Predictions) {
  return {
    run,
    task,
    quantile,
    classifiers: classifiers.map(({name, threshold, training}) => ({
      name,
      threshold: orNull(threshold),
      training: training.length,
    })),
    images: files.map(({path, row, problem}) =>
      row === undefined
        ? {image: path, problem}
        : {
            image: path,
            scores: classifiers.map((one) => ({
              classifier: one.name,
              score: one.scores[row]!,
              verdict: verdict(one, row),
            })),
          },
    ),
  };
}

function csv({files, classifiers}: Predictions): string {
  const rows = files.flatMap(({path, row, problem = null}): (readonly (string | number | null)[])[] =>
    row === undefined
      ? [[path, null, null, null, null, problem]]
      : classifiers.map((one) => [path, one.name, one.scores[row]!, orNull(one.threshold), verdict(one, row), null]),
  );
  return csvText([['image', 'classifier', 'score', 'threshold', 'verdict', 'problem'], ...rows]);
}

function table({files, classifiers, quantile}: Predictions): string {
  const usable = files.flatMap(({path, row}) => (row === undefined ? [] : [{path, row}]));
  const failed = files.filter(({row}) => row === undefined);
  const scores = terminalTable({
    columns: [
      {name: 'image', align: 'left'},
      ...classifiers.flatMap(({name}) => [{name, align: 'right'} as const, {name: 'verdict', align: 'left'} as const]),
    ],
    rows: usable.map(({path, row}) => [
      path,
      ...classifiers.flatMap((one) => [one.scores[row]!.toPrecision(6), verdict(one, row) ?? '–']),
    ]),
    lead: 1,
  });
  const thresholds = classifiers.map(({name, threshold, training}) =>
    Number.isNaN(threshold)
      ? `${name}: no verdict, because the threshold needs at least two training images`
      : `${name}: an image is anomalous above ${threshold.toPrecision(6)}; ${percent(quantile)} of the held-out scores of ${plural(training.length, 'training image')} are lower`,
  );
  const problems = failed.map(({path, problem}) => `✗ ${printable(`${path}: ${problem}`)}`);
  return [...(usable.length > 0 ? [[scores, ...thresholds].join('\n')] : []), problems.join('\n')]
    .filter((block) => block !== '')
    .join('\n\n');
}

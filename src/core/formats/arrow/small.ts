/** Scores, training curves and metrics as Arrow files: tables that fit in memory many times over. */
import type {CurvePoint} from '../../contracts/learner.ts';
import {classNamesKey, curveColumns, metricColumns, scoreColumns} from './columns.ts';
import {classNamesOf} from './images.ts';
import {type Batch, type TableReader, withTable, writeTable} from './ipc.ts';

export interface Scores {
  /** Higher = more anomalous. */
  readonly scores: Float64Array;
  /** One a score, index into the class names. */
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
}

export function writeScores(path: string, {scores, classes, classNames}: Scores): Promise<void> {
  if (scores.length !== classes.length) throw new Error(`${scores.length} scores for ${classes.length} images`);
  const metadata = {[classNamesKey]: JSON.stringify(classNames)};
  return writeTable(path, 'scores', scoreColumns, scores.length, {score: scores, class: classes}, metadata);
}

export const readScores = (path: string): Promise<Scores> =>
  withTable(path, 'scores', async (table) => {
    const batch = await only(table);
    return {
      scores: (batch?.column('score') ?? new Float64Array()) as Float64Array,
      classes: (batch?.column('class') ?? new Int32Array()) as Int32Array,
      classNames: classNamesOf(table),
    };
  });

export const writeCurve = (path: string, curve: readonly CurvePoint[]): Promise<void> =>
  writeTable(path, 'curve', curveColumns, curve.length, {
    epoch: Int32Array.from(curve, ({epoch}) => epoch),
    loss: Float64Array.from(curve, ({loss}) => loss),
    accuracy: Float64Array.from(curve, ({accuracy}) => accuracy ?? Number.NaN),
    learning_rate: Float64Array.from(curve, ({learningRate}) => learningRate),
  });

export const readCurve = (path: string): Promise<readonly CurvePoint[]> =>
  withTable(path, 'curve', async (table) => {
    const batch = await only(table);
    if (!batch) return [];
    const [epochs, losses, accuracies, rates] = ['epoch', 'loss', 'accuracy', 'learning_rate'].map(
      (name) => batch.column(name) as Float64Array,
    );
    return Array.from({length: batch.rows}, (_, i) => {
      const accuracy = accuracies![i]!;
      return {
        epoch: epochs![i]!,
        loss: losses![i]!,
        ...(!Number.isNaN(accuracy) && {accuracy}),
        learningRate: rates![i]!,
      };
    });
  });

/** NaN where a metric is undefined. */
export const writeMetrics = (path: string, metrics: ReadonlyMap<string, number>): Promise<void> =>
  writeTable(path, 'metrics', metricColumns, metrics.size, {
    metric: [...metrics.keys()],
    value: Float64Array.from(metrics.values()),
  });

export const readMetrics = (path: string): Promise<ReadonlyMap<string, number>> =>
  withTable(path, 'metrics', async (table) => {
    const batch = await only(table);
    const values = batch?.column('value') as Float64Array;
    return new Map(((batch?.column('metric') ?? []) as readonly string[]).map((name, i) => [name, values[i]!]));
  });

async function only(table: TableReader): Promise<Batch | undefined> {
  for await (const batch of table.batches()) return batch;
  return undefined;
}

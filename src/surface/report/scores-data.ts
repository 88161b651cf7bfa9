/** Scores of a task's classifiers: curves and histograms. */
import {fail, type Result, succeed} from '../../core/base/result.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {evaluate} from '../../pipeline/stages/evaluate.ts';
import {metricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Artifacts} from './artifacts.ts';
import {type Bin, histogramOf} from './histogram.ts';
import {type RocPoint, rocCurve} from './roc.ts';

export interface Scored {
  /** Its column in tables. */
  readonly classifier: string;
  /** The stage that gave the scores: `score`, `localize` or `ensemble`. */
  readonly stage: StageRecord;
  /** Area under the curve in [0, 1], as the metric `auc` has it; null where it was not asked for. */
  readonly auc: number | null;
  readonly roc: readonly RocPoint[];
  readonly histogram: readonly Bin[];
  /** One a test image, higher = more anomalous. */
  readonly scores: Float64Array;
  /** 1 = anomalous. */
  readonly labels: Uint8Array;
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
}

/** One a classifier, ensembles included. */
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
    if (!recipe || !result || !stage) continue;
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
      histogram: histogramOf(scores, labels),
      scores,
      labels,
      classes,
      classNames,
    });
  }
  return scored.length === 0 && problems.length > 0 ? fail(...problems) : succeed(scored);
}

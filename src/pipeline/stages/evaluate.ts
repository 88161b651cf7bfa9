/** Metric plug-ins + scores → `metrics.arrow`, and the same in the summary, which is what goes into the tables. */
import {join} from 'node:path';
import type {Metric} from '../../core/plugin/contracts.ts';
import {readScores, writeMetrics} from '../../core/table/small.ts';
import type {EvaluateRecipe} from './recipes.ts';
import {aboutMetrics, createPlanned, inputOf, StageError} from './shared.ts';
import type {EvaluateSummary, RunStage} from './stage.ts';

export const evaluate: RunStage = async (context) => {
  const recipe = context.recipe as unknown as EvaluateRecipe;
  const {scores, classes, classNames} = await readScores(inputOf(context, 'scores'));
  const normalClass = classNames.indexOf(recipe.normal);
  if (normalClass < 0) throw new Error(`no class "${recipe.normal}" among ${classNames.join(', ')}`);
  const labels = Uint8Array.from(classes, (label) => (label === normalClass ? 0 : 1));
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  const normal = labels.length - anomalous;
  if (normal === 0 || anomalous === 0) {
    context.warn(
      `all ${labels.length} test images are ${normal === 0 ? 'anomalous' : 'normal'}: metrics are undefined`,
    );
  }
  const values = new Map<string, number>();
  for (const ref of recipe.metrics) {
    const metric = createPlanned(context, 'metric', ref, recipe.versions) as Metric;
    const value = metric.compute(scores, labels);
    if (values.has(ref.type)) throw new StageError(`metric "${ref.type}" is listed twice`, 'Remove one of the two.');
    values.set(ref.type, value);
  }
  await writeMetrics(join(context.out, 'metrics.arrow'), values);
  const metrics = Object.fromEntries([...values].map(([name, value]) => [name, Number.isNaN(value) ? null : value]));
  const summary: EvaluateSummary = {metrics, normal, anomalous, ...aboutMetrics(context, recipe.metrics)};
  return {...summary};
};

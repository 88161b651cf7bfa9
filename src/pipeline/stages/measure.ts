/** A metric of features + features of the test images → `metrics.arrow`, and the same in the summary. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {FeatureMetric} from '../../core/contracts/metric.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeMetrics} from '../../core/formats/arrow/small.ts';
import type {MeasureRecipe} from './recipes.ts';
import {aboutMetrics, createPlanned, inputOf} from './shared.ts';
import type {EvaluateSummary, RunStage} from './stage.ts';

export const measure: RunStage = async (context) => {
  const {metric: ref, version, normal, seed} = context.recipe as unknown as MeasureRecipe;
  const metric = createPlanned(context, 'metric', ref, {[`metric ${ref.type}`]: version}) as FeatureMetric;
  const {features, classes, classNames} = await readFeatures(inputOf(context, 'features'));
  const normalClass = classNames.indexOf(normal);
  const labels = Uint8Array.from(classes, (label) => (label === normalClass ? 0 : 1));
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  const views =
    'first' in context.inputs
      ? ([
          (await readFeatures(inputOf(context, 'first'))).features,
          (await readFeatures(inputOf(context, 'second'))).features,
        ] as const)
      : undefined;
  const rng = new Rng(seed).fork('metric').fork(ref.type);
  const value = metric.measure({features, labels, ...(views && {views}), rng});
  if (Number.isNaN(value)) context.warn(`metric "${ref.type}" is undefined for these ${labels.length} test images`);
  await writeMetrics(join(context.out, 'metrics.arrow'), new Map([[ref.type, value]]));
  const summary: EvaluateSummary = {
    metrics: {[ref.type]: Number.isNaN(value) ? null : value},
    normal: labels.length - anomalous,
    anomalous,
    ...aboutMetrics(context, [ref]),
  };
  return {...summary};
};

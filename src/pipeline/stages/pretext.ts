/** Weights + normal validation images → metrics of the learner's own task. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import type {LearnerMetric} from '../../core/contracts/metric.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {readImageSet} from '../../core/formats/arrow/images.ts';
import {writeMetrics} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {defineStage} from './define.ts';
import {imagesOf} from './hold-out.ts';
import {learn} from './learn.ts';
import {learnerParts, PluginList, strict} from './recipe.ts';
import {aboutMetrics, createPlanned, inputOf, measuredValues} from './shared.ts';
import type {EvaluateSummary} from './stage.ts';

/** Each draws the augmentation anew: few images would give a noisy mean. */
const passes = 4;

const PretextRecipe = Type.Object(
  {
    ...learnerParts,
    augment: PluginList,
    distribution_augmentation: Type.Optional(Type.Unsafe<readonly CopyRef[]>(Type.Array(PluginList))),
    metrics: PluginList,
    normal: Type.String(),
    passes: Type.Integer({description: 'Passes over the images.'}),
  },
  strict,
);

export const pretext = defineStage({
  kind: 'pretext',
  lane: 'accelerator',
  inPrecision: true,
  recipe: PretextRecipe,
  plan(context, graph): void {
    const {task, normal, learner, learnerUses, learnerFiles} = context;
    const metrics = context.metricsOf('learner');
    if (metrics.length === 0) return;
    const {augment, distributionAugmentation: copies} = task;
    const uses = [
      ...learnerUses,
      ...[...augment, ...copies.flat()].flatMap((ref) => usedBy(graph.plugins, 'transform', ref)),
      ...metrics.flatMap((ref) => usedBy(graph.plugins, 'metric', ref)),
    ];
    graph.addStage(pretext, context, {
      label: stageLabel(`pretext ${task.learner.type}`, task.inlier, `seed ${task.seed}`),
      recipe: {
        learner,
        versions: versionsOf(uses),
        augment,
        ...(copies.length > 0 && {distribution_augmentation: copies}),
        metrics,
        normal,
        passes,
      },
      inputs: {
        weights: {stage: graph.plan(learn, context), file: 'weights.arrow'},
        images: imagesOf(context, graph, 'validation'),
      },
      files: learnerFiles,
      uses,
      result: {task: task.id, classifier: '(learner)', part: 'validation'},
    });
  },
  async run(context) {
    const {learner: ref, versions, augment, distribution_augmentation, metrics, normal, passes} = context.recipe;
    const learner = createPlanned(context, 'learner', ref, versions);
    const images = await readImageSet(inputOf(context, 'images'), {class: normal});
    const sample = await learner.pretext?.({
      images,
      weights: await readArrays(inputOf(context, 'weights')),
      augment,
      ...(distribution_augmentation && {distributionAugmentation: distribution_augmentation}),
      passes,
      // Of all seeds alike: they are compared on the same inputs.
      rng: new Rng('pretext'),
      signal: context.signal,
      plugins: context.plugins,
    });
    const values = new Map<string, unknown>();
    for (const metric of metrics) {
      const made = createPlanned(context, 'metric', metric, versions) as LearnerMetric;
      values.set(metric.type, sample ? made.measurePretext(sample) : Number.NaN);
    }
    const {numbers, ...measured} = measuredValues(context, values, () =>
      sample ? `the task of learner "${ref.type}" does not define it` : `learner "${ref.type}" has no task of its own`,
    );
    await writeMetrics(join(context.out, 'metrics.arrow'), numbers);
    const about = aboutMetrics(context, metrics, 'validation');
    const summary: EvaluateSummary = {...measured, normal: images.count, anomalous: 0, ...about};
    return {...summary};
  },
});

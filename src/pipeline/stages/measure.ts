/** A metric of features + features of the test images → `metrics.arrow`. The summary has the same value. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {FeatureMetric} from '../../core/contracts/metric.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeMetrics} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {embedding} from './embed.ts';
import {Plugin, strict} from './recipe.ts';
import {aboutMetrics, createPlanned, inputOf, measuredValues, oneClassOnly} from './shared.ts';
import {type EvaluateSummary, ofPart} from './stage.ts';

/** Each stage has only one metric, because metrics of features take longer than metrics of scores. */
const MeasureRecipe = Type.Object(
  {
    metric: Plugin,
    version: Type.Integer(),
    normal: Type.String({description: 'Every other class is anomalous.'}),
    seed: Type.Integer(),
    part: Type.Optional(Type.Literal('validation', {description: 'The images; absent: the test images.'})),
  },
  strict,
);

export const measure = defineStage({
  kind: 'measure',
  lane: 'accelerator',
  recipe: MeasureRecipe,
  plan(context, graph): void {
    const {task, normal} = context;
    for (const metric of context.metricsOf('features')) {
      const uses = usedBy(graph.plugins, 'metric', metric);
      const definition = graph.plugins.get('metric', metric.type);
      const views = definition.of === 'features' && definition.views === true && task.augment.length > 0;
      // What is fitted on labels would be fitted on those of the validation images.
      const parts = context.parts.filter((part) => part === 'test' || definition.testLabels === undefined);
      for (const [layer, part] of [...chosenLayers(context, graph)].flatMap((one) =>
        parts.map((of) => [one, of] as const),
      )) {
        const features = {layer, split: part};
        const what = part === 'test' ? layer : `${layer} of validation`;
        graph.addStage(measure, context, {
          label: stageLabel(`measure ${metric.type} of ${what}`, task.learner.type, task.inlier, `seed ${task.seed}`),
          recipe: {metric, version: uses[0]!.version, normal, seed: task.seed, ...ofPart(part)},
          inputs: {
            features: embedding(context, graph, features),
            ...(views && {
              first: embedding(context, graph, {...features, draw: 0}),
              second: embedding(context, graph, {...features, draw: 1}),
            }),
          },
          uses,
          result: {task: task.id, classifier: `(${layer})`, ...ofPart(part)},
        });
      }
    }
  },
  async run(context) {
    const {metric: ref, version, normal, seed, part} = context.recipe;
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
    const normals = labels.length - anomalous;
    const value: unknown = metric.measure({features, labels, ...(views && {views}), rng});
    const {numbers, ...measured} = measuredValues(
      context,
      new Map([[ref.type, value]]),
      () =>
        oneClassOnly(normals, anomalous, `${part ?? 'test'} images`) ??
        `these ${labels.length} ${part ?? 'test'} images do not define it`,
    );
    await writeMetrics(join(context.out, 'metrics.arrow'), numbers);
    const summary: EvaluateSummary = {
      ...measured,
      normal: normals,
      anomalous,
      ...aboutMetrics(context, [ref], part),
    };
    return {...summary};
  },
});

/** All layers that classifiers choose. A layer that a classifier always uses does not count: it is not a representation. */
function chosenLayers({classifiers, defaultLayer}: TaskContext, {plugins}: StageGraphBuilder): ReadonlySet<string> {
  const choosing = classifiers.filter(({classifier}) => plugins.get('classifier', classifier.type).layer === undefined);
  return new Set(choosing.length > 0 ? choosing.map(({layer}) => layer) : [defaultLayer]);
}

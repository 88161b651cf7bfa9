/** A fitted classifier + features of the validation images → their `scores.arrow`. Nothing is fitted again. */
import {join} from 'node:path';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskClassifier, type TaskContext} from './define.ts';
import {embedding} from './embed.ts';
import {Plugin, strict} from './recipe.ts';
import {createPlanned, finiteScores, inputOf} from './shared.ts';

export const validate = defineStage({
  kind: 'validate',
  lane: 'accelerator',
  recipe: Type.Object({classifier: Plugin, version: Type.Integer()}, strict),
  async run(context) {
    const {classifier: ref, version} = context.recipe;
    const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
    const scorer = classifier.restore(await readArrays(inputOf(context, 'classifier')));
    const {features, classes, classNames} = await readFeatures(inputOf(context, 'test'));
    const scores = finiteScores(ref, scorer.score(features), features.rows);
    await writeScores(join(context.out, 'scores.arrow'), {scores, classes, classNames});
    return {scored: scores.length};
  },
});

/** Adds the stage that scores a task's validation images with what the `score` stage `fitted` has fitted. */
export function validationScores(
  context: TaskContext,
  graph: StageGraphBuilder,
  {classifier, name, layer, fitted}: TaskClassifier & {readonly fitted: string},
): string {
  const {task} = context;
  const uses = usedBy(graph.plugins, 'classifier', classifier);
  return graph.addStage(validate, context, {
    label: stageLabel(`score ${name} of validation`, task.learner.type, task.inlier, `seed ${task.seed}`),
    recipe: {classifier, version: uses[0]!.version},
    inputs: {
      classifier: {stage: fitted, file: 'classifier.arrow'},
      test: embedding(context, graph, {layer, split: 'validation'}),
    },
    uses,
  });
}

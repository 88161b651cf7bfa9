/** Classifier plug-in + features → `scores.arrow` of the test images and the fitted `classifier.arrow`. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {readArrays, writeArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {scoresParts} from '../config/spec.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskClassifier, type TaskContext} from './define.ts';
import {embedding} from './embed.ts';
import {evaluations, type Scored} from './evaluate.ts';
import {Plugin, strict} from './recipe.ts';
import {trainingFeatures} from './refine.ts';
import {createPlanned, finiteScores, inputOf} from './shared.ts';
import type {StageContext} from './stage.ts';
import {writePlainScores, writeTrainingScores} from './training-scores.ts';
import {validationScores} from './validate.ts';

const ScoreRecipe = Type.Object({classifier: Plugin, version: Type.Integer(), seed: Type.Integer()}, strict);
type ScoreRecipe = Static<typeof ScoreRecipe>;

export const score = defineStage({
  kind: 'score',
  lane: 'accelerator',
  recipe: ScoreRecipe,
  /** Returns one stage for each classifier, in the order of the task. */
  plan(context, graph): readonly Scored[] {
    const {task, classifiers} = context;
    const metrics = context.metricsOf('scores');
    if (scoresParts(task.localize) || context.metricsOf('scores', 'agreement').length === 0) return [];
    return classifiers.map(({classifier, name, layer}) => {
      const stage = scoring(context, graph, {classifier, name, layer});
      const scored: Scored = {
        stage,
        ...(task.validation && {
          validation: validationScores(context, graph, {classifier, name, layer, fitted: stage}),
        }),
        classifier: name,
      };
      evaluations(context, graph, scored, {test: metrics, validation: metrics});
      return scored;
    });
  },
  async run(context) {
    const {classifier: ref} = context.recipe;
    const classifier = classifierOf(context);
    const train = await readFeatures(inputOf(context, 'train'));
    const test = await readFeatures(inputOf(context, 'test'));
    if (train.features.columns !== test.features.columns) {
      throw new Error(
        `training features have ${train.features.columns} columns, those of the test ${test.features.columns}`,
      );
    }
    const scorer = classifier.fit(train.features, rngOf(context));
    context.signal.throwIfAborted();
    const scores = finiteScores(ref, scorer.score(test.features), test.features.rows);
    await writeScores(join(context.out, 'scores.arrow'), {scores, classes: test.classes, classNames: test.classNames});
    await writeArrays(join(context.out, 'classifier.arrow'), scorer.save());
    return {trained: train.features.rows, scored: scores.length};
  },
  /** Inputs: `classifier`, which the run has fitted; `train`; and `test` if there are images to score. */
  async restore(context) {
    const classifier = classifierOf(context);
    const scorer = classifier.restore(await readArrays(inputOf(context, 'classifier')));
    const {features: train} = await readFeatures(inputOf(context, 'train'));
    if ('test' in context.inputs) {
      const {features} = await readFeatures(inputOf(context, 'test'));
      await writePlainScores(context, 'scores.arrow', scorer.score(features));
    }
    await writeTrainingScores(context, heldOutScores());
    return null;

    function heldOutScores(): Float64Array {
      if (!classifier.heldOut) return scorer.score(train);
      if (train.rows < 2) return Float64Array.of(Number.NaN); // no other rows to fit on
      return classifier.heldOut(train, rngOf(context));
    }
  },
});

/** The stage that fits a classifier on the training images' features, and scores the test images. */
export function scoring(
  context: TaskContext,
  graph: StageGraphBuilder,
  {classifier, name, layer}: TaskClassifier,
): string {
  const {task} = context;
  const uses = usedBy(graph.plugins, 'classifier', classifier);
  return graph.addStage(score, context, {
    label: stageLabel(`score ${name}`, task.learner.type, task.inlier, `seed ${task.seed}`),
    recipe: {classifier, version: uses[0]!.version, seed: task.seed},
    inputs: {
      train: trainingFeatures(context, graph, layer),
      test: embedding(context, graph, {layer, split: 'test'}),
    },
    uses,
  });
}

function classifierOf(context: StageContext<ScoreRecipe>) {
  const {classifier, version} = context.recipe;
  return createPlanned(context, 'classifier', classifier, {[`classifier ${classifier.type}`]: version});
}

const rngOf = ({recipe}: StageContext<ScoreRecipe>): Rng => new Rng(recipe.seed).fork('classifier');

/** Classifier plug-in + features → `scores.arrow` of the test images and the fitted `classifier.arrow`. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {readArrays, writeArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage} from './define.ts';
import {embedding} from './embed.ts';
import {evaluation} from './evaluate.ts';
import {Plugin, strict} from './recipe.ts';
import {createPlanned, inputOf, StageError} from './shared.ts';
import type {StageContext} from './stage.ts';
import {writePlainScores, writeTrainingScores} from './training-scores.ts';

const ScoreRecipe = Type.Object({classifier: Plugin, version: Type.Integer(), seed: Type.Integer()}, strict);
type ScoreRecipe = Static<typeof ScoreRecipe>;

/** Id of a stage that leaves `scores.arrow`, and the name of the classifier's column in tables. */
export interface Scored {
  readonly stage: string;
  readonly classifier: string;
}

export const score = defineStage({
  kind: 'score',
  lane: 'accelerator',
  recipe: ScoreRecipe,
  /** Returns one stage for each classifier, in the order of the task. */
  plan(context, graph): readonly Scored[] {
    const {task, classifiers} = context;
    const metrics = context.metricsOf('scores');
    if (task.localize?.type === 'patches' || metrics.length === 0) return [];
    return classifiers.map(({classifier, name, layer}) => {
      const uses = usedBy(graph.plugins, 'classifier', classifier);
      const stage = graph.addStage(score, context, {
        label: stageLabel(`score ${name}`, task.learner.type, task.inlier, `seed ${task.seed}`),
        recipe: {classifier, version: uses[0]!.version, seed: task.seed},
        inputs: {
          train: embedding(context, graph, {layer, split: 'train'}),
          test: embedding(context, graph, {layer, split: 'test'}),
        },
        uses,
      });
      evaluation(context, graph, {metrics, scores: stage, result: {task: task.id, classifier: name}});
      return {stage, classifier: name};
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
    const scores = scorer.score(test.features);
    if (scores.length !== test.features.rows) {
      throw new Error(`classifier "${ref.type}" gave ${scores.length} scores for ${test.features.rows} images`);
    }
    const bad = firstNonFinite(scores);
    if (bad >= 0) {
      throw new StageError(
        `classifier "${ref.type}" gave image ${bad} the score ${scores[bad]}`,
        'Probably training has diverged or collapsed, so that features are too large or too equal. Lower the learning rate.',
      );
    }
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

function classifierOf(context: StageContext<ScoreRecipe>) {
  const {classifier, version} = context.recipe;
  return createPlanned(context, 'classifier', classifier, {[`classifier ${classifier.type}`]: version});
}

const rngOf = ({recipe}: StageContext<ScoreRecipe>): Rng => new Rng(recipe.seed).fork('classifier');

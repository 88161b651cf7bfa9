/** Classifier plug-in + features → `scores.arrow` of the test images and the fitted `classifier.arrow`. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import type {ScoreRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, inputOf, StageError} from './shared.ts';
import type {RunStage} from './stage.ts';

export const score: RunStage = async (context) => {
  const {classifier: ref, version, seed} = context.recipe as unknown as ScoreRecipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const train = await readFeatures(inputOf(context, 'train'));
  const test = await readFeatures(inputOf(context, 'test'));
  if (train.features.columns !== test.features.columns) {
    throw new Error(
      `training features have ${train.features.columns} columns, those of the test ${test.features.columns}`,
    );
  }
  const scorer = classifier.fit(train.features, new Rng(seed).fork('classifier'));
  context.signal.throwIfAborted();
  const scores = scorer.score(test.features);
  if (scores.length !== test.features.rows) {
    throw new Error(`classifier "${ref.type}" gave ${scores.length} scores for ${test.features.rows} images`);
  }
  const bad = firstNonFinite(scores);
  if (bad >= 0) {
    throw new StageError(
      `classifier "${ref.type}" gave image ${bad} the score ${scores[bad]}`,
      'The features are probably so large or so equal that training has diverged or collapsed: lower the learning rate.',
    );
  }
  await writeScores(join(context.out, 'scores.arrow'), {scores, classes: test.classes, classNames: test.classNames});
  await writeArrays(join(context.out, 'classifier.arrow'), scorer.save());
  return {trained: train.features.rows, scored: scores.length};
};

/**
 * What a worker process does for `predict` and `export`: stages as they are, but a fitted classifier is restored instead of fitted
 * anew, and what the training images score when they are held out is left beside the scores (`training.arrow`).
 */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import {windowsAlong} from '../../core/images/windows.ts';
import {runStage as runPlanned} from '../stages/index.ts';
import {localize, mapsOf} from '../stages/localize.ts';
import type {LocalizeRecipe, ScoreRecipe} from '../stages/recipes.ts';
import {createPlanned, inputOf} from '../stages/shared.ts';
import type {RunStage, StageContext} from '../stages/stage.ts';
import {openWindows} from '../stages/window-features.ts';

/** Names of the file and of the input that work has beside those of its stage. */
export const trainingFile = 'training.arrow';

/** Summary of heat maps: what is usual, the median over the training images of the medians of their maps. */
export interface HeatSummary {
  readonly usual: number;
}

export const runStage: RunStage = (context) => {
  if (context.kind === 'score') return score(context);
  if (context.kind === 'localize') return 'learner' in context.recipe ? explain(context) : scoreWindows(context);
  return runPlanned(context);
};

/** Inputs `classifier` and `train`; and `test`, where there is something to score. */
const score: RunStage = async (context) => {
  const {classifier: ref, version, seed} = context.recipe as unknown as ScoreRecipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const scorer = classifier.restore(await readArrays(inputOf(context, 'classifier')));
  const {features: train} = await readFeatures(inputOf(context, 'train'));
  if ('test' in context.inputs) {
    const {features} = await readFeatures(inputOf(context, 'test'));
    await leave(context, 'scores.arrow', scorer.score(features));
  }
  await leave(context, trainingFile, heldOutScores());
  return null;

  function heldOutScores(): Float64Array {
    if (!classifier.heldOut) return scorer.score(train);
    if (train.rows < 2) return Float64Array.of(Number.NaN); // there are no others
    return classifier.heldOut(train, new Rng(seed).fork('classifier'));
  }
};

/** Inputs of a `localize` stage. */
const scoreWindows: RunStage = async (context) => {
  const {classifier: ref, version, windows} = context.recipe as unknown as LocalizeRecipe;
  await localize(context);
  const {shape} = await imagesInfo(inputOf(context, 'images'));
  const places = windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows);
  const train = await openWindows(inputOf(context, 'train'), places);
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const maps: Float32Array[] = [];
  for await (const [map] of mapsOf(context, classifier, shape, train, train)) maps.push(map);
  return summarise(context, maps);
};

/** Inputs of a `localize` stage that explains, and the `training` images. */
const explain: RunStage = async (context) => {
  await localize(context);
  const out = join(context.scratch, 'training');
  mkdirSync(out);
  await localize({...context, inputs: {...context.inputs, images: inputOf(context, 'training')}, out});
  const {count, height, width, data} = await readMaps(join(out, 'maps.arrow'));
  const area = height * width;
  return summarise(
    context,
    Array.from({length: count}, (_, i) => data.subarray(i * area, (i + 1) * area)),
  );
};

async function summarise(context: StageContext, maps: readonly Float32Array[]) {
  const median = (values: Float32Array | Float64Array): number => values.toSorted()[Math.floor(values.length / 2)]!;
  const largest = Float64Array.from(maps, (map) => map.reduce((most, value) => Math.max(most, value), -Infinity));
  await leave(context, trainingFile, largest);
  const summary: HeatSummary = {usual: median(Float64Array.from(maps, median))};
  return {...summary};
}

/** Whose scores they are is known to those who asked for them. */
const leave = ({out}: StageContext, name: string, scores: Float64Array): Promise<void> =>
  writeScores(join(out, name), {scores, classes: new Int32Array(scores.length), classNames: ['image']});

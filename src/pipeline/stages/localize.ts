/** Features of all windows → heat maps. Features are streamed: memory does not grow with the windows. */

import {Rng} from '../../core/base/random.ts';
import type {Classifier} from '../../core/contracts/classifier.ts';
import type {ImageShape, Matrix} from '../../core/contracts/data.ts';
import {streamFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo} from '../../core/formats/arrow/images.ts';
import {spread, windowsAlong} from '../../core/images/windows.ts';
import {explain} from './explain.ts';
import {type LabelledMap, writeHeatMaps} from './heat-maps.ts';
import type {LocalizeRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, ItemProgress, inputOf, StageError} from './shared.ts';
import type {RunStage, StageContext} from './stage.ts';
import {gatherPlaces, openWindows, sampleRows, type WindowFeatures} from './window-features.ts';

/** Of features in memory at a time, in bytes. */
const featureBytes = 512 * 1024 * 1024;

export const localize: RunStage = (context) => ('learner' in context.recipe ? explain(context) : scoreWindows(context));

const scoreWindows: RunStage = async (context) => {
  const recipe = context.recipe as unknown as LocalizeRecipe;
  const {classifier: ref, version, windows} = recipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const {shape, count, classes} = await imagesInfo(inputOf(context, 'images'));
  const places = windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows);
  const train = await openWindows(inputOf(context, 'train'), places);
  const test = await openWindows(inputOf(context, 'test'), places);
  if (test.images !== count) throw new Error(`windows of ${test.images} images for ${count} images`);

  await writeHeatMaps(context, mapsOf(context, classifier, shape, train, test), {
    shape,
    classNames: classes,
    normal: recipe.normal,
  });
  return {images: count, windows: places, trained: train.rows};
};

/** Of the images whose windows are `test`; of the training images themselves, each held out, where it is `train`. */
export async function* mapsOf(
  context: StageContext,
  classifier: Classifier,
  shape: ImageShape,
  train: WindowFeatures,
  test: WindowFeatures,
): AsyncIterable<LabelledMap> {
  const recipe = context.recipe as unknown as LocalizeRecipe;
  const score = recipe.per_location ? scoreByPlace : scoreTogether;
  const scores = await score(context, classifier, train, test);
  const bad = firstNonFinite(scores);
  if (bad >= 0)
    throw new StageError(
      `classifier "${recipe.classifier.type}" gave a window of image ${Math.floor(bad / test.places)} the score ${scores[bad]}`,
      'The features are probably so large or so equal that training has diverged or collapsed: lower the learning rate.',
    );
  for (let image = 0; image < test.images; image++) {
    const ofImage = scores.subarray(image * test.places, (image + 1) * test.places);
    yield [spread(ofImage, shape, recipe.windows, recipe), test.classes[image * test.places]!];
  }
}

/** The training rows as rows that the classifier has not seen; undefined where it was not fitted on every one of them. */
function heldOut(classifier: Classifier, features: Matrix, rng: Rng): Float64Array | undefined {
  const scores = features.rows > 1 ? classifier.heldOut?.(features, rng) : undefined;
  return scores?.length === features.rows ? scores : undefined;
}

const rngOf = ({recipe}: StageContext): Rng => new Rng((recipe as unknown as LocalizeRecipe).seed).fork('classifier');

/** One classifier, of windows of all places; of a random subset of them where all would not fit in memory. */
async function scoreTogether(
  context: StageContext,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Float64Array> {
  const rng = rngOf(context);
  const most = Math.max(1, Math.floor(featureBytes / (4 * train.columns)));
  const sample = await sampleRows(train, most, rng.fork('windows'));
  const own = test === train && sample.rows === train.rows ? heldOut(classifier, sample, rng) : undefined;
  if (own) return own;
  const scorer = classifier.fit(sample, rng);
  context.signal.throwIfAborted();
  const progress = new ItemProgress(context, 'windows', test.rows);
  const scores = new Float64Array(test.rows);
  let row = 0;
  for await (const {features} of streamFeatures(test.path)) {
    scores.set(scorer.score(features), row);
    row += features.rows;
    await progress.add(features.rows);
  }
  return scores;
}

/** A classifier at each place, of the same place in all training images; none is kept. */
async function scoreByPlace(
  context: StageContext,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Float64Array> {
  const {places} = test;
  const rng = rngOf(context);
  const progress = new ItemProgress(context, 'places', places);
  const scores = new Float64Array(test.rows);
  const atOnce = Math.max(1, Math.floor(featureBytes / (4 * train.columns * (train.images + test.images))));
  for (let first = 0; first < places; first += atOnce) {
    const count = Math.min(atOnce, places - first);
    const [ofTrain, ofTest] = [await gatherPlaces(train, first, count), await gatherPlaces(test, first, count)];
    for (let i = 0; i < count; i++) {
      const place = first + i;
      const own = test === train ? heldOut(classifier, ofTrain[i]!, rng.fork(place)) : undefined;
      const ofPlace = own ?? classifier.fit(ofTrain[i]!, rng.fork(place)).score(ofTest[i]!);
      for (const [image, score] of ofPlace.entries()) scores[image * places + place] = score;
      await progress.add(1);
    }
  }
  return scores;
}

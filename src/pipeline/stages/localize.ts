/** Features of all windows → heat maps. Features are streamed: memory does not grow with the windows. */
import type {Classifier} from '../../core/plugin/contracts.ts';
import {Rng} from '../../core/random.ts';
import {streamFeatures} from '../../core/table/features.ts';
import {imagesInfo} from '../../core/table/images.ts';
import {spread, windowsAlong} from '../../core/windows.ts';
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

  const score = recipe.per_location ? scoreByPlace : scoreTogether;
  const scores = await score(context, classifier, train, test);
  const bad = firstNonFinite(scores);
  if (bad >= 0)
    throw new StageError(
      `classifier "${ref.type}" gave a window of image ${Math.floor(bad / places)} the score ${scores[bad]}`,
      'The features are probably so large or so equal that training has diverged or collapsed: lower the learning rate.',
    );

  await writeHeatMaps(context, mapsOf(), {shape, classNames: classes, normal: recipe.normal});
  return {images: count, windows: places, trained: train.rows};

  async function* mapsOf(): AsyncIterable<LabelledMap> {
    for (let image = 0; image < count; image++) {
      const ofImage = scores.subarray(image * places, (image + 1) * places);
      yield [spread(ofImage, shape, windows, recipe), test.classes[image * places]!];
    }
  }
};

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
  const scorer = classifier.fit(await sampleRows(train, most, rng.fork('windows')), rng);
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
      const scorer = classifier.fit(ofTrain[i]!, rng.fork(place));
      for (const [image, score] of scorer.score(ofTest[i]!).entries()) scores[image * places + place] = score;
      await progress.add(1);
    }
  }
  return scores;
}

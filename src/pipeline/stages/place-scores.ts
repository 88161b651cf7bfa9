/** Scores of the places of images: with one classifier for all places, or one at each. */
import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {streamFeatures} from '../../core/formats/arrow/features.ts';
import {type LocalizeRecipe, rngOf} from './localize-recipe.ts';
import {ItemProgress} from './shared.ts';
import {scoreAmongSimilar} from './similar-images.ts';
import type {StageContext} from './stage.ts';
import {blocksOf, featureBytes, gatherPlaces, type Scores, sampleRows, type WindowFeatures} from './window-features.ts';

/** Arrays of the fitted classifier. With one classifier for each place, their names begin with the place and a slash. */
export async function fittedArrays(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
): Promise<NamedArrays> {
  if (!context.recipe.per_location) return (await fitTogether(context, classifier, train)).save();
  const rng = rngOf(context);
  const arrays = new Map<string, {readonly shape: readonly number[]; readonly data: Float32Array}>();
  const atOnce = placesAtOnce(train.columns, train.images);
  for (let first = 0; first < train.places; first += atOnce)
    for (const [i, ofPlace] of (await gatherPlaces(train, first, Math.min(atOnce, train.places - first))).entries())
      for (const [name, array] of classifier.fit(ofPlace, rng.fork(first + i)).save())
        arrays.set(`${first + i}/${name}`, array);
  return arrays;
}

/** Number of places whose features fit in memory together, at least 1. */
const placesAtOnce = (columns: number, images: number): number =>
  Math.max(1, Math.floor(featureBytes / (4 * columns * images)));

/** Held-out scores of the training rows; undefined if the classifier does not give a score for every row. */
function heldOut(classifier: Classifier, features: Matrix, rng: Rng): Float64Array | undefined {
  const scores = features.rows > 1 ? classifier.heldOut?.(features, rng) : undefined;
  return scores?.length === features.rows ? scores : undefined;
}

/** Features of the windows of all places; a random subset if they would not all fit in memory. */
const sampleOf = (context: StageContext<LocalizeRecipe>, train: WindowFeatures): Promise<Matrix> =>
  sampleRows(train, Math.max(1, Math.floor(featureBytes / (4 * train.columns))), rngOf(context).fork('windows'));

/** One classifier, fitted on windows of all places: on blocks of them if it can, otherwise on a random subset that fits in memory. */
async function fitTogether(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
): Promise<Scorer> {
  const rows = blocksOf(train);
  if (context.recipe.fitted_on) return await classifier.fitParts!(rows.blocks);
  return classifier.fitBlocks
    ? await classifier.fitBlocks(rows, rngOf(context))
    : classifier.fit(await sampleOf(context, train), rngOf(context));
}

/** Scores of the places `test`. If it is the same object as `train`, they are scored held out if the classifier can. */
export function placeScores(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Scores> {
  const {per_location, similar} = context.recipe;
  if (similar !== undefined) return scoreAmongSimilar({...context, similar}, classifier, train, test);
  return (per_location ? scoreByPlace : scoreTogether)(context, classifier, train, test);
}

/** Scores with one classifier. */
async function scoreTogether(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Scores> {
  const fits = train.rows * train.columns * 4 <= featureBytes && !train.counting && !context.recipe.fitted_on;
  const own = test === train && fits ? heldOut(classifier, await sampleOf(context, train), rngOf(context)) : undefined;
  const scorer = await fitTogether(context, classifier, train);
  context.signal.throwIfAborted();
  const progress = new ItemProgress(context, 'windows', test.rows);
  const scores = new Float64Array(test.rows);
  const highest = new HighestPlaces(test);
  let row = 0;
  for await (const {features} of streamFeatures(test.path)) {
    const made = own?.subarray(row, row + features.rows) ?? scorer.score(features);
    if (test.counting) for (let i = 0; i < made.length; i++) if (test.counting[row + i] === 0) made[i] = 0;
    scores.set(made, row);
    highest.add(features, made);
    row += features.rows;
    await progress.add(features.rows);
  }
  const isLargest = context.recipe.image_score === 'largest-window';
  if (!isLargest || !scorer.imageWeights) return {scores};
  const weights = scorer.imageWeights(highest.features);
  return {scores, ofImages: weights.map((weight, image) => weight * highest.scores[image]!)};
}

/** The features of each image's highest place. */
class HighestPlaces {
  readonly features: Matrix;
  readonly scores: Float64Array;
  readonly #places: number;
  #row = 0;

  constructor({images, places, columns}: WindowFeatures) {
    this.features = {rows: images, columns, data: new Float32Array(images * columns)};
    this.scores = new Float64Array(images).fill(Number.NEGATIVE_INFINITY);
    this.#places = places;
  }

  add({rows, columns, data}: Matrix, scores: Float64Array): void {
    for (let i = 0; i < rows; i++, this.#row++) {
      const image = Math.floor(this.#row / this.#places);
      if (!(scores[i]! > this.scores[image]!)) continue;
      this.scores[image] = scores[i]!;
      this.features.data.set(data.subarray(i * columns, (i + 1) * columns), image * columns);
    }
  }
}

/** Scores with a separate classifier at each place, fitted on that place in all training images. The classifiers are not kept. */
async function scoreByPlace(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Scores> {
  const {places} = test;
  const rng = rngOf(context);
  const progress = new ItemProgress(context, 'places', places);
  const scores = new Float64Array(test.rows);
  const atOnce = placesAtOnce(train.columns, train.images + test.images);
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
  return {scores};
}

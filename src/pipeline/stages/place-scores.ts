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
  sampleRows(train, mostRows(train), rngOf(context).fork('windows'));

const mostRows = ({columns}: WindowFeatures): number => Math.max(1, Math.floor(featureBytes / (4 * columns)));

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

/** Scores of the places `test`. If it is the same object as `train`, each image is scored by a fit on others. */
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

/** Groups of training images that are held out together, at most. */
const folds = 5;

/**
 * Scores with one classifier. Training images are held out a fifth at a time, neighbours together: places of one image, and copies of it,
 * are too like each other for one of them to be new to a fit on the others.
 */
async function scoreTogether(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Scores> {
  if (test === train && train.images === 1) return {scores: await scoreAlone(context, classifier, train)};
  const progress = new ItemProgress(context, 'windows', test.rows);
  const scores = new Float64Array(test.rows);
  const isLargest = context.recipe.image_score === 'largest-window';
  let ofImages: Float64Array | undefined;
  const parts = test === train ? Math.min(folds, train.images) : 1;
  for (let part = 0; part < parts; part++) {
    const [from, to] = [part, part + 1].map((end) => Math.floor((end * test.images) / parts)) as [number, number];
    const fitted = test === train ? without(train, from, to) : train;
    const scorer = await fitTogether(context, classifier, fitted);
    context.signal.throwIfAborted();
    const factor = fitted === train ? 1 : growth(classifier, train, fitted);
    const highest = new HighestPlaces(test, from, to);
    for await (const {features, row} of rowsBetween(test, from * test.places, to * test.places)) {
      const made = scorer.score(features);
      for (let i = 0; i < made.length; i++) made[i] = test.counting?.[row + i] === 0 ? 0 : made[i]! * factor;
      scores.set(made, row);
      highest.add(features, made);
      await progress.add(features.rows);
    }
    if (!isLargest || !scorer.imageWeights) continue;
    ofImages ??= new Float64Array(test.images);
    for (const [i, weight] of scorer.imageWeights(highest.features).entries())
      ofImages[from + i] = weight * highest.scores[i]!;
  }
  return {scores, ofImages};
}

/** The places of a single training image, each held out of the others if the classifier can. */
async function scoreAlone(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
): Promise<Float64Array> {
  const rows = await sampleRows(train, train.rows, rngOf(context));
  const own = train.counting ? undefined : heldOut(classifier, rows, rngOf(context));
  if (own) return own;
  const {score} = await fitTogether(context, classifier, train);
  if (!train.counting) return score(rows);
  const scores = new Float64Array(train.rows);
  const counted = score(rows);
  let next = 0;
  for (let row = 0; row < scores.length; row++) if (train.counting[row] === 1) scores[row] = counted[next++]!;
  return scores;
}

/** The training features without images `from` to `to` (exclusive). */
function without(train: WindowFeatures, from: number, to: number): WindowFeatures {
  const counting = train.counting?.slice() ?? new Uint8Array(train.rows).fill(1);
  return {...train, counting: counting.fill(0, from * train.places, to * train.places)};
}

/** By how much scores of a fit on `all` are larger than those of a fit on `some`, only because there are more rows. */
function growth(classifier: Classifier, all: WindowFeatures, some: WindowFeatures): number {
  const scaleOf = (rows: WindowFeatures): number =>
    classifier.scale?.(Math.min(blocksOf(rows).rows, mostRows(rows))) ?? 1;
  return scaleOf(all) / scaleOf(some);
}

/** Blocks of the rows `from` to `to` (exclusive), each with the number of its first. */
async function* rowsBetween({path, columns}: WindowFeatures, from: number, to: number) {
  let row = 0;
  for await (const {features} of streamFeatures(path)) {
    const [first, last] = [Math.max(row, from), Math.min(row + features.rows, to)];
    if (first < last) {
      const data = features.data.subarray((first - row) * columns, (last - row) * columns);
      yield {features: {rows: last - first, columns, data}, row: first};
    }
    row += features.rows;
    if (row >= to) return;
  }
}

/** The features of the highest place of images `from` to `to` (exclusive), whose places come in their order. */
class HighestPlaces {
  readonly features: Matrix;
  readonly scores: Float64Array;
  readonly #places: number;
  #row = 0;

  constructor({places, columns}: WindowFeatures, from: number, to: number) {
    const images = to - from;
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

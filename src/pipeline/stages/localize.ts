/**
 * Features of all windows → `maps.arrow`, a score for each pixel of the test images; `scores.arrow`, the largest of each; and
 * pictures of the most telling maps (`overlay-*.png`). Features are streamed: memory does not grow with the windows.
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {encodePng} from '../../core/images.ts';
import type {Classifier} from '../../core/plugin/contracts.ts';
import {Rng} from '../../core/random.ts';
import {streamFeatures} from '../../core/table/features.ts';
import {imagesInfo, readImages} from '../../core/table/images.ts';
import {readMaps, writeMaps} from '../../core/table/maps.ts';
import {writeScores} from '../../core/table/small.ts';
import {spread, windowsAlong} from '../../core/windows.ts';
import {overlay} from './overlay.ts';
import type {LocalizeRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, ItemProgress, inputOf, StageError} from './shared.ts';
import type {RunStage, StageContext} from './stage.ts';
import {gatherPlaces, openWindows, sampleRows, type WindowFeatures} from './window-features.ts';

/** Pictures of each kind: false alarms, misses and finds. */
const pictures = 8;
/** Of features in memory at a time, in bytes. */
const featureBytes = 512 * 1024 * 1024;

export const localize: RunStage = async (context) => {
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

  const largest = new Float64Array(count);
  const labels = Int32Array.from({length: count}, (_, image) => test.classes[image * places]!);
  const path = join(context.out, 'maps.arrow');
  await writeMaps(path, {...shape, classNames: classes}, mapsOf());
  await writeScores(join(context.out, 'scores.arrow'), {scores: largest, classes: labels, classNames: test.classNames});
  await draw(context, path, largest, labels, test.classNames);
  return {images: count, windows: places, trained: train.rows};

  async function* mapsOf(): AsyncIterable<readonly [Float32Array, number]> {
    for (let image = 0; image < count; image++) {
      const map = spread(scores.subarray(image * places, (image + 1) * places), shape, windows, recipe);
      largest[image] = map.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
      yield [map, labels[image]!];
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

/** The normal images that score highest, the anomalous ones that score lowest, and those that score highest. */
async function draw(
  context: StageContext,
  path: string,
  scores: Float64Array,
  labels: Int32Array,
  classNames: readonly string[],
): Promise<void> {
  const {normal} = context.recipe as unknown as {readonly normal: string};
  const ascending = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
  const [good, bad] = [true, false].map((wanted) =>
    ascending.filter((image) => (classNames[labels[image]!] === normal) === wanted),
  ) as [number[], number[]];
  const wanted = new Map<number, string>();
  const choose = (images: readonly number[], kind: string): void => {
    for (const image of images.slice(0, pictures)) if (!wanted.has(image)) wanted.set(image, kind);
  };
  choose(good.toReversed(), 'false-alarm');
  choose(bad.toReversed(), 'find');
  choose(bad, 'miss');
  const maps = await readMaps(path);
  const range = rangeOf(maps.data);
  const area = maps.height * maps.width;
  let image = 0;
  for await (const batch of readImages(inputOf(context, 'images')))
    for (let i = 0; i < batch.count; i++, image++) {
      const kind = wanted.get(image);
      if (kind === undefined) continue;
      const mask = batch.masks?.subarray(i * area, (i + 1) * area);
      const picture = overlay(batch, i, mask, maps.data.subarray(image * area, (image + 1) * area), range);
      await writeFile(
        join(context.out, `overlay-${kind}-${String(image).padStart(5, '0')}.png`),
        await encodePng(picture),
      );
    }
}

/** From the median of all pixels to all but the highest thousandth: one scale for all pictures. */
function rangeOf(maps: Float32Array): readonly [number, number] {
  const step = Math.max(1, Math.floor(maps.length / 1e6));
  const sample = Float32Array.from({length: Math.ceil(maps.length / step)}, (_, i) => maps[i * step]!).sort();
  return [sample[Math.floor(sample.length / 2)]!, sample[Math.floor(0.999 * (sample.length - 1))]!];
}

/**
 * Features of all windows → `maps.arrow`, a score for each pixel of the test images; `scores.arrow`, the largest of each; and
 * pictures of the most telling maps (`overlay-*.png`). Memory: the features of all windows, training and test.
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {encodePng} from '../../core/images.ts';
import type {Classifier, Matrix} from '../../core/plugin/contracts.ts';
import {Rng} from '../../core/random.ts';
import {type Features, readFeatures} from '../../core/table/features.ts';
import {imagesInfo, readImages} from '../../core/table/images.ts';
import {readMaps, writeMaps} from '../../core/table/maps.ts';
import {writeScores} from '../../core/table/small.ts';
import {spread, windowsAlong} from '../../core/windows.ts';
import {overlay} from './overlay.ts';
import type {LocalizeRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, ItemProgress, inputOf, StageError} from './shared.ts';
import type {RunStage, StageContext} from './stage.ts';

/** Pictures of each kind: false alarms, misses and finds. */
const pictures = 8;

export const localize: RunStage = async (context) => {
  const recipe = context.recipe as unknown as LocalizeRecipe;
  const {classifier: ref, version, windows} = recipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const {shape, count, classes} = await imagesInfo(inputOf(context, 'images'));
  const places = windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows);
  const train = await readFeatures(inputOf(context, 'train'));
  const test = await readFeatures(inputOf(context, 'test'));
  if (test.features.rows !== count * places)
    throw new Error(`${test.features.rows} windows for ${count} images of ${places}`);

  const scores = recipe.per_location
    ? await scoreByPlace(context, classifier, train.features, test.features, places)
    : scoreTogether(context, classifier, train.features, test.features);
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
  await draw(context, path, largest, labels, test);
  return {images: count, windows: places, trained: train.features.rows};

  async function* mapsOf(): AsyncIterable<readonly [Float32Array, number]> {
    for (let image = 0; image < count; image++) {
      const map = spread(scores.subarray(image * places, (image + 1) * places), shape, windows, recipe);
      largest[image] = map.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
      yield [map, labels[image]!];
    }
  }
};

const rngOf = ({recipe}: StageContext): Rng => new Rng((recipe as unknown as LocalizeRecipe).seed).fork('classifier');

function scoreTogether(context: StageContext, classifier: Classifier, train: Matrix, test: Matrix): Float64Array {
  const scorer = classifier.fit(train, rngOf(context));
  context.signal.throwIfAborted();
  return scorer.score(test);
}

/** A classifier at each place, of the same place in all training images; none is kept. */
async function scoreByPlace(
  context: StageContext,
  classifier: Classifier,
  train: Matrix,
  test: Matrix,
  places: number,
): Promise<Float64Array> {
  const rng = rngOf(context);
  const progress = new ItemProgress(context, 'places', places);
  const scores = new Float64Array(test.rows);
  for (let place = 0; place < places; place++) {
    const scorer = classifier.fit(everyNth(train, places, place), rng.fork(place));
    for (const [image, score] of scorer.score(everyNth(test, places, place)).entries())
      scores[image * places + place] = score;
    await progress.add(1);
  }
  return scores;
}

/** Rows first, first + n, … */
function everyNth({rows, columns, data}: Matrix, n: number, first: number): Matrix {
  const chosen = rows / n;
  const picked = new Float32Array(chosen * columns);
  for (let i = 0; i < chosen; i++) {
    const from = (i * n + first) * columns;
    picked.set(data.subarray(from, from + columns), i * columns);
  }
  return {rows: chosen, columns, data: picked};
}

/** The normal images that score highest, the anomalous ones that score lowest, and those that score highest. */
async function draw(
  context: StageContext,
  path: string,
  scores: Float64Array,
  labels: Int32Array,
  {classNames}: Features,
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

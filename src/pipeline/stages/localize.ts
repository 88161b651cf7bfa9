/** Features of all windows → heat maps. Features are streamed, so memory does not grow with the number of windows. */

import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import type {ImageShape, Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {streamFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo} from '../../core/formats/arrow/images.ts';
import {receptiveSigma, spread, windowsAlong} from '../../core/images/windows.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type TaskClassifier} from './define.ts';
import {embedding} from './embed.ts';
import {evaluations, type Scored} from './evaluate.ts';
import {type HeatMap, largestOf, summariseTrainingMaps, writeHeatMaps} from './heat-maps.ts';
import {imagesOf} from './hold-out.ts';
import {Plugin, strict, WindowsOfImages} from './recipe.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {Part, StageContext} from './stage.ts';
import {gatherPlaces, openWindows, sampleRows, type WindowFeatures} from './window-features.ts';

/** Most bytes of features in memory at a time. */
const featureBytes = 512 * 1024 * 1024;

/**
 * The features of all windows of an image are scored. The scores are spread over its pixels, and the largest is the image's score
 * (CutPaste, figure 1: "max-pooled for detection or upsampled for localization").
 */
const LocalizeRecipe = Type.Object(
  {
    classifier: Plugin,
    version: Type.Integer(),
    seed: Type.Integer(),
    windows: WindowsOfImages,
    per_location: Type.Boolean({description: 'true: a separate classifier at every place.'}),
    normal: Type.String({description: 'The normal class, for the pictures.'}),
    sigma: Type.Number({description: 'Of the Gaussian, in pixels.'}),
    blend: Type.Union([Type.Literal('mean'), Type.Literal('sum')]),
    fitted_on: Type.Optional(
      Type.Literal('all-windows', {description: 'Absent: on some of them where they are many.'}),
    ),
    image_score: Type.Optional(
      Type.Literal('largest-window', {description: 'Absent, as in earlier versions: the largest pixel of the map.'}),
    ),
  },
  strict,
);
type LocalizeRecipe = Static<typeof LocalizeRecipe>;

export const localize = defineStage({
  kind: 'localize',
  lane: 'accelerator',
  recipe: LocalizeRecipe,
  /** Returns one stage for each classifier, in the order of the task. */
  plan(context, graph): readonly Scored[] {
    const {task, normal, dataset, classifiers} = context;
    const metrics = context.metricsOf('scores', 'pixels');
    if (task.localize?.type !== 'patches' || metrics.length + context.metricsOf('agreement').length === 0) return [];
    const {patch, stride, sigma, blend, density} = task.localize;
    const windows = {patch, stride};
    const all = task.localize.windows === 'all';
    const perLocation = density === 'per-location' || (density === 'auto' && (dataset.aligned?.(task.inlier) ?? false));
    const scoresOf = (part: Part, {classifier, name, layer}: TaskClassifier): string => {
      const uses = usedBy(graph.plugins, 'classifier', classifier);
      const what = part === 'test' ? name : `${name} of validation`;
      return graph.addStage(localize, context, {
        label: stageLabel(`localize ${what}`, task.learner.type, task.inlier, `seed ${task.seed}`),
        recipe: {
          classifier,
          version: uses[0]!.version,
          seed: task.seed,
          windows,
          per_location: perLocation,
          normal,
          sigma: sigma === 'auto' ? receptiveSigma(patch) : sigma,
          blend,
          ...(all && !perLocation && {fitted_on: 'all-windows' as const}),
          image_score: 'largest-window',
        },
        inputs: {
          train: embedding(context, graph, {layer, split: 'train', windows}),
          test: embedding(context, graph, {layer, split: part, windows}),
          images: imagesOf(context, graph, part),
        },
        uses,
      });
    };
    return classifiers.map((of) => {
      const scored: Scored = {
        stage: scoresOf('test', of),
        ...(task.validation && {validation: scoresOf('validation', of)}),
        classifier: of.name,
      };
      // Only the test images have masks.
      evaluations(context, graph, scored, {test: metrics, validation: context.metricsOf('scores')});
      return scored;
    });
  },
  async run(context) {
    const {classifier, shape, classNames, train, test} = await open(context);
    await writeHeatMaps(context, mapsOf(context, classifier, shape, train, test), {
      shape,
      classNames,
      normal: context.recipe.normal,
    });
    return {images: test.images, windows: test.places, trained: train.rows};
  },
  /**
   * Fits again, because the cache does not keep classifiers of windows. Inputs: `train`, and `images` for their shape. With an input
   * `test`, it makes maps of those images; without, it writes what it has fitted (`fittedArrays`).
   */
  async restore(context) {
    if ('test' in context.inputs) await localize.run(context);
    const {classifier, shape, train} = await openTraining(context);
    if (!('test' in context.inputs))
      await writeArrays(join(context.out, 'classifier.arrow'), await fittedArrays(context, classifier, train));
    const maps: HeatMap[] = [];
    for await (const map of mapsOf(context, classifier, shape, train, train)) maps.push(map);
    return summariseTrainingMaps(context, maps);
  },
});

/** The classifier before it is fitted, the windows of the training images, and facts about the images. */
async function openTraining(context: StageContext<LocalizeRecipe>) {
  const {classifier: ref, version, windows} = context.recipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const {shape, count, classes: classNames} = await imagesInfo(inputOf(context, 'images'));
  const places = windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows);
  return {classifier, shape, count, classNames, places, train: await openWindows(inputOf(context, 'train'), places)};
}

/** The same, with the windows of the test images. */
async function open(context: StageContext<LocalizeRecipe>) {
  const opened = await openTraining(context);
  const test = await openWindows(inputOf(context, 'test'), opened.places);
  if (test.images !== opened.count) throw new Error(`windows of ${test.images} images for ${opened.count} images`);
  return {...opened, test};
}

/** Arrays of the fitted classifier. With one classifier for each place, their names begin with the place and a slash. */
async function fittedArrays(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
): Promise<NamedArrays> {
  if (!context.recipe.per_location)
    return (await fitTogether(context, classifier, train, await sampleOf(context, train))).save();
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

/** Maps of the images whose windows are `test`. If it is the same object as `train`, windows are scored held out if the classifier can. */
async function* mapsOf(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  shape: ImageShape,
  train: WindowFeatures,
  test: WindowFeatures,
): AsyncIterable<HeatMap> {
  const {recipe} = context;
  const score = recipe.per_location ? scoreByPlace : scoreTogether;
  const scores = await score(context, classifier, train, test);
  const bad = firstNonFinite(scores);
  if (bad >= 0)
    throw new StageError(
      `classifier "${recipe.classifier.type}" gave a window of image ${Math.floor(bad / test.places)} the score ${scores[bad]}`,
      'Probably training has diverged or collapsed, so that features are too large or too equal. Lower the learning rate.',
    );
  for (let image = 0; image < test.images; image++) {
    const ofImage = scores.subarray(image * test.places, (image + 1) * test.places);
    const map = spread(ofImage, shape, recipe.windows, recipe);
    const score = largestOf(recipe.image_score ? ofImage : map);
    yield {map, score, label: test.classes[image * test.places]!};
  }
}

/** Held-out scores of the training rows; undefined if the classifier does not give a score for every row. */
function heldOut(classifier: Classifier, features: Matrix, rng: Rng): Float64Array | undefined {
  const scores = features.rows > 1 ? classifier.heldOut?.(features, rng) : undefined;
  return scores?.length === features.rows ? scores : undefined;
}

const rngOf = ({recipe}: StageContext<LocalizeRecipe>): Rng => new Rng(recipe.seed).fork('classifier');

/** Features of the windows of all places, a random subset if they would not all fit in memory; undefined: all are wanted, in parts. */
const sampleOf = async (context: StageContext<LocalizeRecipe>, train: WindowFeatures): Promise<Matrix | undefined> =>
  context.recipe.fitted_on
    ? undefined
    : sampleRows(train, Math.max(1, Math.floor(featureBytes / (4 * train.columns))), rngOf(context).fork('windows'));

/** On a sample of the windows of all places, or on all of them. */
const fitTogether = async (
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  sample: Matrix | undefined,
): Promise<Scorer> =>
  sample ? classifier.fit(sample, rngOf(context)) : await classifier.fitParts!(() => partsOf(train));

async function* partsOf({path}: WindowFeatures): AsyncIterable<Matrix> {
  for await (const {features} of streamFeatures(path)) yield features;
}

/** Scores with one classifier for all places. */
async function scoreTogether(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Float64Array> {
  const sample = await sampleOf(context, train);
  const own = test === train && sample?.rows === train.rows ? heldOut(classifier, sample, rngOf(context)) : undefined;
  if (own) return own;
  const scorer = await fitTogether(context, classifier, train, sample);
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

/** Scores with a separate classifier at each place, fitted on that place in all training images. The classifiers are not kept. */
async function scoreByPlace(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Float64Array> {
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
  return scores;
}

/** Features of all windows, or of all places of maps, → heat maps. Features are streamed, so memory does not grow with the number of windows. */

import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {plural} from '../../core/base/text.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import type {ImageShape, Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {type Grid, streamFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo} from '../../core/formats/arrow/images.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {receptiveSigma, spread, windowsAlong} from '../../core/images/windows.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {type Patches, type PlacesOfMaps, scoresParts} from '../config/spec.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type TaskClassifier} from './define.ts';
import {embedding} from './embed.ts';
import {evaluations, type Scored} from './evaluate.ts';
import {foregroundRows} from './foreground-rows.ts';
import {type HeatMap, largestOf, summariseTrainingMaps, writeHeatMaps} from './heat-maps.ts';
import {imagesOf} from './hold-out.ts';
import {Plugin, strict, WindowsOfImages} from './recipe.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {Part, StageContext} from './stage.ts';
import {blocksOf, gatherPlaces, openWindows, sampleRows, type WindowFeatures} from './window-features.ts';

/** Most bytes of features in memory at a time. */
const featureBytes = 512 * 1024 * 1024;

/** Of places, in pixels: that of PatchCore, SPADE and AnomalyDINO. */
const sigmaOfPlaces = 4;

/**
 * The features of all windows of an image are scored. The scores are spread over its pixels, and the largest is the image's score
 * (CutPaste, figure 1: "max-pooled for detection or upsampled for localization"). Scores of places of maps are enlarged to the image,
 * bilinear, and smoothed (Roth et al. 2022, 3.3).
 */
const LocalizeRecipe = Type.Object(
  {
    classifier: Plugin,
    version: Type.Integer(),
    seed: Type.Integer(),
    windows: Type.Optional({
      ...WindowsOfImages,
      description: 'Absent: features are those of places, whose file has their grid.',
    }),
    per_location: Type.Boolean({description: 'true: a separate classifier at every place.'}),
    normal: Type.String({description: 'The normal class, for the pictures.'}),
    sigma: Type.Number({description: 'Of the Gaussian, in pixels.'}),
    blend: Type.Optional(Type.Union([Type.Literal('mean'), Type.Literal('sum')], {description: 'Of windows.'})),
    fitted_on: Type.Optional(
      Type.Literal('all-windows', {description: 'Absent: on some of them where they are many.'}),
    ),
    image_score: Type.Optional(
      Type.Union([Type.Literal('largest-window'), Type.Object({top: Type.Number()}, strict)], {
        description:
          'That of the highest window or place, or the mean of so many of the highest, as a share of all. Absent, as in earlier versions: the ' +
          'largest pixel of the map.',
      }),
    ),
    foreground: Type.Optional(
      Type.Number({description: 'Places whose first principal component is not more score 0; absent: all count.'}),
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
    const how = task.localize;
    if (!scoresParts(how) || metrics.length + context.metricsOf('agreement').length === 0) return [];
    const {density} = how;
    const isAligned = (dataset.aligned?.(task.inlier) ?? false) && !needsShared(how);
    const embedded = (layer: string, split: 'train' | Part) =>
      embedding(context, graph, {
        split,
        ...(how.type === 'patches' ? {layer, windows: how} : placesOf(how, split, task.seed)),
      });
    const scoresOf = (part: Part, {classifier, name, layer}: TaskClassifier): string => {
      const uses = usedBy(graph.plugins, 'classifier', classifier);
      const what = part === 'test' ? name : `${name} of validation`;
      const {type, ...options} = classifier;
      const weighs = graph.plugins.get('classifier', type).weighsImages?.(options as never) ?? false;
      const perLocation = density === 'per-location' || (density === 'auto' && isAligned && !weighs);
      return graph.addStage(localize, context, {
        label: stageLabel(`localize ${what}`, task.learner.type, task.inlier, `seed ${task.seed}`),
        recipe: {
          classifier,
          version: uses[0]!.version,
          seed: task.seed,
          per_location: perLocation,
          normal,
          ...(how.type === 'patches' ? recipeOfPatches(how, perLocation) : recipeOfPlaces(how)),
        },
        inputs: {
          train: embedded(layer, 'train'),
          test: embedded(layer, part),
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
    return {images: test.images, windows: test.places, trained: blocksOf(train).rows};
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

/** Where places are no longer the same in all images, or are compared with each other, one classifier at each has no meaning. */
const needsShared = (how: Patches | PlacesOfMaps): boolean =>
  how.type === 'places' && (how.turns > 1 || how.foreground !== undefined || how.image !== 'largest');

const recipeOfPatches = ({patch, stride, sigma, blend, windows}: Patches, perLocation: boolean) =>
  ({
    windows: {patch, stride},
    sigma: sigma === 'auto' ? receptiveSigma(patch) : sigma,
    blend,
    ...(windows === 'all' && !perLocation && {fitted_on: 'all-windows' as const}),
    image_score: 'largest-window',
  }) as const;

const recipeOfPlaces = ({sigma, image, foreground}: PlacesOfMaps) =>
  ({
    sigma: sigma === 'auto' ? sigmaOfPlaces : sigma,
    image_score: image === 'largest' ? 'largest-window' : image,
    ...(foreground !== undefined && {foreground}),
  }) as const;

/** What is embedded: copies only of training images. */
function placesOf({layers, neighbourhood, channels, turns}: PlacesOfMaps, split: 'train' | Part, seed: number) {
  const chosen = channels && ('random' in channels ? {random: channels.random, seed} : [...channels]);
  const places = {
    layers: [...layers],
    neighbourhood,
    ...(chosen && {channels: chosen}),
    ...(split === 'train' && turns > 1 && {turns}),
  };
  return {layer: layers.join(' + '), places};
}

/** The classifier before it is fitted, the windows of the training images, and facts about the images. */
async function openTraining(context: StageContext<LocalizeRecipe>) {
  const {classifier: ref, version} = context.recipe;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const {shape, count, classes: classNames} = await imagesInfo(inputOf(context, 'images'));
  return {classifier, shape, count, classNames, train: await openParts(context, 'train', shape)};
}

async function openParts(
  context: StageContext<LocalizeRecipe>,
  role: string,
  {height, width}: ImageShape,
): Promise<WindowFeatures> {
  const {windows, foreground} = context.recipe;
  const most = windows && windowsAlong(height, windows) * windowsAlong(width, windows);
  const parts = await openWindows(inputOf(context, role), most);
  if (foreground === undefined) return parts;
  const {counting, without} = await foregroundRows(parts, foreground);
  if (role === 'train' && without === parts.images)
    throw new StageError(
      'no place of any training image is of the foreground',
      'Use a smaller "localize.foreground", or none.',
    );
  if (without > 0)
    context.warn(
      `in ${without} of ${plural(parts.images, `${role === 'train' ? 'training' : 'scored'} image`)} no place is of the foreground, so all their places count. Use a smaller "localize.foreground", or none`,
    );
  return {...parts, counting};
}

/** The same, with the windows of the test images. */
async function open(context: StageContext<LocalizeRecipe>) {
  const opened = await openTraining(context);
  const test = await openParts(context, 'test', opened.shape);
  if (test.images !== opened.count) throw new Error(`windows of ${test.images} images for ${opened.count} images`);
  return {...opened, test};
}

/** Arrays of the fitted classifier. With one classifier for each place, their names begin with the place and a slash. */
async function fittedArrays(
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
  const {scores, ofImages} = await score(context, classifier, train, test);
  const bad = firstNonFinite(scores);
  if (bad >= 0)
    throw new StageError(
      `classifier "${recipe.classifier.type}" gave a window of image ${Math.floor(bad / test.places)} the score ${scores[bad]}`,
      'Probably training has diverged or collapsed, so that features are too large or too equal. Lower the learning rate.',
    );
  for (let image = 0; image < test.images; image++) {
    const ofImage = scores.subarray(image * test.places, (image + 1) * test.places);
    const map = recipe.windows
      ? spread(ofImage, shape, recipe.windows, blending(recipe))
      : smoothed(ofImage, test.grid!, shape, recipe.sigma);
    const score = ofImages?.[image] ?? imageScore(recipe.image_score, ofImage, map);
    yield {map, score, label: test.classes[image * test.places]!};
  }
}

const blending = ({sigma, blend = 'mean'}: LocalizeRecipe) => ({sigma, blend});

/** Scores of places → a score for each pixel, as `scipy.ndimage.gaussian_filter` smooths, but for the edges: there the edge goes on. */
function smoothed(
  scores: Float64Array,
  [rows, columns]: Grid,
  {height, width}: ImageShape,
  sigma: number,
): Float32Array {
  const data = enlarged(scores, {height: rows, width: columns}, {height, width});
  return gaussianBlur({height, width, channels: 1, data}, sigma, Math.round(4 * sigma)).data;
}

function imageScore(how: LocalizeRecipe['image_score'], ofImage: Float64Array, map: Float32Array): number {
  if (how === undefined) return largestOf(map);
  if (how === 'largest-window') return largestOf(ofImage);
  const highest = ofImage.toSorted().subarray(-Math.max(1, Math.floor(how.top * ofImage.length)));
  return highest.reduce((sum, score) => sum + score, 0) / highest.length;
}

/** Held-out scores of the training rows; undefined if the classifier does not give a score for every row. */
function heldOut(classifier: Classifier, features: Matrix, rng: Rng): Float64Array | undefined {
  const scores = features.rows > 1 ? classifier.heldOut?.(features, rng) : undefined;
  return scores?.length === features.rows ? scores : undefined;
}

const rngOf = ({recipe}: StageContext<LocalizeRecipe>): Rng => new Rng(recipe.seed).fork('classifier');

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

/** Scores of windows, and of images where these are not simply the highest of their windows. */
interface Scores {
  readonly scores: Float64Array;
  readonly ofImages?: Float64Array | undefined;
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

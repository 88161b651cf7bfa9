/** Features of all windows, or of all places of maps, → heat maps. Features are streamed, so memory does not grow with the number of windows. */

import {join} from 'node:path';
import {plural} from '../../core/base/text.ts';
import type {Classifier} from '../../core/contracts/classifier.ts';
import type {ImageShape} from '../../core/contracts/data.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import type {Grid} from '../../core/formats/arrow/features.ts';
import {imagesInfo} from '../../core/formats/arrow/images.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {receptiveSigma, spread, windowsAlong} from '../../core/images/windows.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Patches, type PlacesOfMaps, scoresParts} from '../config/spec.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type TaskClassifier} from './define.ts';
import {embedding} from './embed.ts';
import {evaluations, type Scored} from './evaluate.ts';
import {foregroundRows} from './foreground-rows.ts';
import {type HeatMap, largestOf, summariseTrainingMaps, writeHeatMaps} from './heat-maps.ts';
import {imagesOf} from './hold-out.ts';
import {LocalizeRecipe} from './localize-recipe.ts';
import {fittedArrays, placeScores} from './place-scores.ts';
import {createPlanned, inputOf, StageError} from './shared.ts';
import type {Part, StageContext} from './stage.ts';
import {blocksOf, openWindows, type WindowFeatures} from './window-features.ts';

/** Of places, in pixels: that of PatchCore, SPADE and AnomalyDINO. */
const sigmaOfPlaces = 4;

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
    const similar = how.type === 'places' ? how.similar : undefined;
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
          ...(similar !== undefined && {
            whole_train: embedding(context, graph, {layer, split: 'train'}),
            whole_test: embedding(context, graph, {layer, split: part}),
          }),
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
  how.type === 'places' &&
  (how.turns > 1 || how.foreground !== undefined || how.image !== 'largest' || how.similar !== undefined);

const recipeOfPatches = ({patch, stride, sigma, blend, windows}: Patches, perLocation: boolean) =>
  ({
    windows: {patch, stride},
    sigma: sigma === 'auto' ? receptiveSigma(patch) : sigma,
    blend,
    ...(windows === 'all' && !perLocation && {fitted_on: 'all-windows' as const}),
    image_score: 'largest-window',
  }) as const;

const recipeOfPlaces = ({sigma, image, foreground, similar}: PlacesOfMaps) =>
  ({
    sigma: sigma === 'auto' ? sigmaOfPlaces : sigma,
    ...(similar === undefined ? {image_score: image === 'largest' ? ('largest-window' as const) : image} : {similar}),
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

/** Maps of the images whose windows are `test`. If it is the same object as `train`, windows are scored held out if the classifier can. */
async function* mapsOf(
  context: StageContext<LocalizeRecipe>,
  classifier: Classifier,
  shape: ImageShape,
  train: WindowFeatures,
  test: WindowFeatures,
): AsyncIterable<HeatMap> {
  const {recipe} = context;
  const {scores, ofImages} = await placeScores(context, classifier, train, test);
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

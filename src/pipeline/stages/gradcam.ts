/**
 * Weights + test images → heat maps: what raises the score of each image, place by place. The score is a classifier's, through the network
 * (CutPaste, figure 1: "the area affecting the decision of anomaly detector"; Sohn et al. explain KDE's and OC-SVM's), or the learner's own.
 */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {plural} from '../../core/base/text.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import {type Attribution, type Encoder, type Explained, NotExplainable} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {floatImage} from '../../core/images/float-image.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {type Explanation, scoresParts} from '../config/spec.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskClassifier, type TaskContext} from './define.ts';
import {evaluation} from './evaluate.ts';
import {type HeatMap, largestOf, summariseTrainingMaps, writeHeatMaps} from './heat-maps.ts';
import {imagesOf} from './hold-out.ts';
import {learn} from './learn.ts';
import {learnerParts, Plugin, strict} from './recipe.ts';
import {scoring} from './score.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {StageContext} from './stage.ts';

/** Number of images at a time. */
const batch = 16;

const GradcamRecipe = Type.Object(
  {
    ...learnerParts,
    normal: Type.String({description: 'The normal class, for the pictures.'}),
    scored: Type.Optional(
      Type.Object(
        {classifier: Plugin, version: Type.Integer(), layer: Type.String()},
        {...strict, description: 'Whose score is explained; absent: the learner’s own.'},
      ),
    ),
    pixels: Type.Optional(
      Type.Object(
        {
          sigma: Type.Number({description: 'Of the Gaussian by which the pixels’ values are smoothed, in pixels.'}),
          steps: Type.Optional(
            Type.Integer({
              description: 'Of integrated gradients, from the mean training image; absent: the slopes alone.',
            }),
          ),
          start: Type.Optional(
            Type.Literal('normal', {
              description:
                'The mean of the normal training images. Absent with steps, in earlier results: of the training images of all classes.',
            }),
          ),
        },
        {...strict, description: 'Explained by the slopes of pixels; absent: by GradCAM.'},
      ),
    ),
  },
  strict,
);
export type GradcamRecipe = Static<typeof GradcamRecipe>;

export const gradcam = defineStage({
  kind: 'gradcam',
  // It was once part of `localize`. With the old name, its earlier results are still found in the cache, and earlier runs can be read.
  recordedAs: 'localize',
  lane: 'accelerator',
  recipe: GradcamRecipe,
  plan(context, graph): void {
    const {task, classifiers} = context;
    const how = task.localize;
    if (!how || scoresParts(how)) return;
    const metrics = context.metricsOf('pixels');
    for (const of of how.score === 'classifier' ? classifiers : [undefined]) {
      const name = explanationName(how.type, of?.name);
      const maps = explaining(context, graph, how, of, name);
      if (metrics.length > 0)
        evaluation(context, graph, {metrics, scores: maps, result: {task: task.id, classifier: name}});
    }
  },
  run: computeMaps,
  /** Has one more input than `run`: `training`, the training images; and, where it explains a classifier, the one that was fitted. */
  async restore(context) {
    await computeMaps(context);
    const out = join(context.scratch, 'training');
    mkdirSync(out);
    await computeMaps({...context, inputs: {...context.inputs, images: inputOf(context, 'training')}, out});
    const {count, height, width, data: values} = await readMaps(join(out, 'maps.arrow'));
    const area = height * width;
    const maps = Array.from({length: count}, (_, i) => scored(values.subarray(i * area, (i + 1) * area)));
    return summariseTrainingMaps(context, maps);
  },
});

/** The name of its maps in tables: `gradcam gde`; of the learner's own score `gradcam`. */
export const explanationName = (type: Explanation['type'], classifier: string | undefined): string =>
  classifier === undefined ? type : `${type} ${classifier}`;

export const explanationType = ({pixels}: GradcamRecipe): Explanation['type'] =>
  pixels ? (pixels.steps === undefined ? 'gradient' : 'integrated-gradients') : 'gradcam';

function explaining(
  context: TaskContext,
  graph: StageGraphBuilder,
  how: Explanation,
  of: TaskClassifier | undefined,
  name: string,
): string {
  const {task, normal, learnerUses} = context;
  const classifierUses = of ? usedBy(graph.plugins, 'classifier', of.classifier) : [];
  const {height, width} = context.dataset.shape;
  const ofPixels = how.type !== 'gradcam' && {
    sigma: how.sigma === 'auto' ? Math.min(height, width) / 32 : how.sigma,
    ...(how.type === 'integrated-gradients' && {steps: how.steps, start: 'normal' as const}),
  };
  return graph.addStage(gradcam, context, {
    label: stageLabel(`localize ${name}`, task.learner.type, task.inlier, `seed ${task.seed}`),
    recipe: {
      learner: task.learner,
      versions: versionsOf(learnerUses),
      normal,
      ...(of && {scored: {classifier: of.classifier, version: classifierUses[0]!.version, layer: of.layer}}),
      ...(ofPixels && {pixels: ofPixels}),
    },
    inputs: {
      weights: {stage: graph.plan(learn, context), file: 'weights.arrow'},
      images: imagesOf(context, graph, 'test'),
      ...(of && {classifier: {stage: scoring(context, graph, of), file: 'classifier.arrow'}}),
      ...(how.type === 'integrated-gradients' && {training: imagesOf(context, graph, 'train')}),
    },
    uses: [...learnerUses, ...classifierUses],
  });
}

async function computeMaps(context: StageContext<GradcamRecipe>) {
  const {learner: ref, versions, normal} = context.recipe;
  const learner = createPlanned(context, 'learner', ref, versions);
  const {shape, classes, count} = await imagesInfo(inputOf(context, 'images'));
  const encoder = learner.encoder(await readArrays(inputOf(context, 'weights')), context.plugins);
  try {
    const {explain} = encoder;
    if (!explain)
      throw new StageError(
        `learner "${ref.type}" has no network whose scores can be explained`,
        'Use "localize" of type "patches".',
      );
    const maps = mapsOf(context, explain, new ItemProgress(context, 'images', count));
    await writeHeatMaps(context, maps, {shape, classNames: classes, normal});
    return {images: count};
  } finally {
    encoder.dispose();
  }
}

async function* mapsOf(
  context: StageContext<GradcamRecipe>,
  explain: NonNullable<Encoder['explain']>,
  progress: ItemProgress,
): AsyncIterable<HeatMap> {
  const {pixels} = context.recipe;
  const score = await explainedBy(context);
  const by = await attributionOf(context.recipe, () => inputOf(context, 'training'));
  let [done, blank] = [0, 0];
  for await (const images of readImages(inputOf(context, 'images'), {batch})) {
    const maps = await explain(images, score, by).catch((error: unknown) => {
      if (!(error instanceof NotExplainable)) throw error;
      throw new StageError(
        `the score can't be explained by ${pixels ? 'its slopes' : 'GradCAM'}: ${error.message}`,
        pixels
          ? 'Use "localize" of type "patches".'
          : 'Use "localize" of type "gradient" or "integrated-gradients", which explain every layer, or of type "patches".',
      );
    });
    const bad = firstNonFinite(maps.data);
    const area = maps.height * maps.width;
    if (bad >= 0)
      throw new StageError(
        `the map of image ${done + Math.floor(bad / area)} has the value ${maps.data[bad]}, because the training has diverged`,
        "Lower the learner's learning rate.",
      );
    for (let i = 0; i < images.count; i++) {
      const own = maps.data.subarray(i * area, (i + 1) * area);
      if (own.every((value) => value === 0)) blank++;
      const map = pixels
        ? gaussianBlur({...maps, channels: 1, data: own}, pixels.sigma, Math.ceil(3 * pixels.sigma)).data
        : enlarged(own, maps, images.shape);
      yield {...scored(map), label: images.classes[i]!};
    }
    done += images.count;
    await progress.add(images.count);
  }
  if (blank > 0)
    context.warn(
      `the maps of ${blank === done ? 'all' : `${blank} of`} ${plural(done, 'image')} are 0 everywhere: ${
        pixels
          ? 'their scores do not change with the pixels'
          : 'GradCAM keeps only what raises a score, and there no place of the layer does. "localize" of type "gradient" or "integrated-gradients" shows what lowers it, too'
      }`,
    );
}

async function explainedBy(context: StageContext<GradcamRecipe>): Promise<Explained> {
  const {scored} = context.recipe;
  if (!scored) return 'own';
  const {classifier: ref, version, layer} = scored;
  const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const {gradient} = classifier.restore(await readArrays(inputOf(context, 'classifier')));
  if (!gradient)
    throw new StageError(
      `classifier "${ref.type}" does not say how its scores change with the features`,
      'Use another classifier, "score: learner", or "localize" of type "patches".',
    );
  return {layer, slopes: gradient};
}

/** `training`: path of the training images, of which integrated gradients have their baseline. */
export async function attributionOf(
  {pixels, normal}: GradcamRecipe,
  training: () => string | Promise<string>,
): Promise<Attribution> {
  if (!pixels) return {by: 'gradcam'};
  const {steps, start} = pixels;
  if (steps === undefined) return {by: 'gradient'};
  return {by: 'integrated-gradients', steps, baseline: await meanImage(await training(), start && {class: normal})};
}

/** Of the images of a file, all or those of a class: how an image looks that is like none of them in particular. */
async function meanImage(path: string, which: {readonly class?: string} = {}): Promise<FloatImage> {
  const {shape} = await imagesInfo(path);
  const {height, width} = shape;
  const sum = new Float64Array(height * width * 3);
  let count = 0;
  for await (const images of readImages(path, {batch, ...which}))
    for (let i = 0; i < images.count; i++, count++) {
      const {data: values} = floatImage(images, i);
      for (let at = 0; at < sum.length; at++) sum[at]! += values[at]!;
    }
  return {height, width, channels: 3, data: Float32Array.from(sum, (value) => value / Math.max(1, count))};
}

const scored = (map: Float32Array) => ({map, score: largestOf(map)});

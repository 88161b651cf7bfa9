/** Weights + test images → heat maps: GradCAM of the learner's own score of each image. No classifier is needed. */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Encoder} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {versionsOf} from '../plan/used.ts';
import {data} from './data.ts';
import {defineStage} from './define.ts';
import {evaluation} from './evaluate.ts';
import {type HeatMap, largestOf, summariseTrainingMaps, writeHeatMaps} from './heat-maps.ts';
import {learn} from './learn.ts';
import {learnerParts, strict} from './recipe.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {StageContext} from './stage.ts';

/** Number of images at a time. */
const batch = 16;

const GradcamRecipe = Type.Object(
  {...learnerParts, normal: Type.String({description: 'The normal class, for the pictures.'})},
  strict,
);

export const gradcam = defineStage({
  kind: 'gradcam',
  // It was once part of `localize`. With the old name, its earlier results are still found in the cache, and earlier runs can be read.
  recordedAs: 'localize',
  lane: 'accelerator',
  recipe: GradcamRecipe,
  plan(context, graph): void {
    const {task, normal, learnerUses} = context;
    if (task.localize?.type !== 'gradcam') return;
    const maps = graph.addStage(gradcam, context, {
      label: stageLabel('localize gradcam', task.learner.type, task.inlier, `seed ${task.seed}`),
      recipe: {learner: task.learner, versions: versionsOf(learnerUses), normal},
      inputs: {
        weights: {stage: graph.plan(learn, context), file: 'weights.arrow'},
        images: {stage: graph.plan(data, context), file: 'test.arrow'},
      },
      uses: learnerUses,
    });
    const metrics = context.metricsOf('pixels');
    if (metrics.length > 0)
      evaluation(context, graph, {metrics, scores: maps, result: {task: task.id, classifier: 'gradcam'}});
  },
  run: computeMaps,
  /** Has one more input than `run`: `training`, the training images. */
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

async function computeMaps(context: StageContext<Static<typeof GradcamRecipe>>) {
  const {learner: ref, versions, normal} = context.recipe;
  const learner = createPlanned(context, 'learner', ref, versions);
  const {shape, classes, count} = await imagesInfo(inputOf(context, 'images'));
  const encoder = learner.encoder(await readArrays(inputOf(context, 'weights')), context.plugins);
  try {
    const {cam} = encoder;
    if (!cam)
      throw new StageError(
        `the network of learner "${ref.type}" has no feature map for GradCAM`,
        'Use the network resnet18 or small, or "localize" of type "patches".',
      );
    const maps = mapsOf(context, cam, new ItemProgress(context, 'images', count));
    await writeHeatMaps(context, maps, {shape, classNames: classes, normal});
    return {images: count};
  } finally {
    encoder.dispose();
  }
}

async function* mapsOf(
  context: StageContext,
  cam: NonNullable<Encoder['cam']>,
  progress: ItemProgress,
): AsyncIterable<HeatMap> {
  let done = 0;
  for await (const images of readImages(inputOf(context, 'images'), {batch})) {
    const maps = await cam(images);
    const bad = firstNonFinite(maps.data);
    const area = maps.height * maps.width;
    if (bad >= 0)
      throw new StageError(
        `GradCAM gives ${maps.data[bad]} for image ${done + Math.floor(bad / area)}, because the training has diverged`,
        "Lower the learner's learning rate.",
      );
    for (let i = 0; i < images.count; i++) {
      const map = enlarged(maps.data.subarray(i * area, (i + 1) * area), maps, images.shape);
      yield {...scored(map), label: images.classes[i]!};
    }
    done += images.count;
    await progress.add(images.count);
  }
}

const scored = (map: Float32Array) => ({map, score: largestOf(map)});

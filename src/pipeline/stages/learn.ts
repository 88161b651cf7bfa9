/** Learner plug-in + images of the normal class → `weights.arrow` and `curve.arrow`. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {ImageSet} from '../../core/contracts/data.ts';
import type {CurvePoint} from '../../core/contracts/learner.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImageSet} from '../../core/formats/arrow/images.ts';
import {writeCurve} from '../../core/formats/arrow/small.ts';
import {checkpointInterval, openCheckpoints} from './checkpoints.ts';
import type {LearnRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, inputOf, StageError} from './shared.ts';
import type {RunStage, StageContext} from './stage.ts';

export const learn: RunStage = async (context) => {
  const recipe = context.recipe as unknown as LearnRecipe;
  const {plugins, signal, warn} = context;
  const learner = createPlanned(context, 'learner', recipe.learner, recipe.versions);
  const {weights, curve} = await learner.fit({
    images: await trainingImages(context, recipe.normal),
    augment: recipe.augment,
    ...(recipe.distribution_augmentation && {distributionAugmentation: recipe.distribution_augmentation}),
    rng: learnerRng(recipe),
    signal,
    checkpoints: openCheckpoints(context.scratch, {every: checkpointInterval(process.env), warn}),
    plugins,
    report: (progress) => context.report({of: 'training', ...progress}),
    warn,
  });
  signal.throwIfAborted();
  for (const [name, {data}] of weights) {
    if (firstNonFinite(data) < 0) continue;
    throw new StageError(
      `the ${recipe.learner.type} learner's training diverged: its weights "${name}" are no finite numbers`,
      'Lower its learning rate, or train with a larger batch.',
    );
  }
  await writeArrays(join(context.out, 'weights.arrow'), weights);
  await writeCurve(join(context.out, 'curve.arrow'), curve);
  return summaryOf(curve);
};

/** Where all chance of a training comes from. */
export const learnerRng = ({seed}: Pick<LearnRecipe, 'seed'>): Rng => new Rng(seed).fork('learner');

async function trainingImages(context: StageContext, normal: string | undefined): Promise<ImageSet> {
  const path = inputOf(context, 'images');
  if (normal === undefined) {
    // It does not train: the shape is all that it may look at.
    const {shape} = await imagesInfo(path);
    return {shape, count: 0, pixels: new Uint8Array()};
  }
  const images = await readImageSet(path, {class: normal});
  if (images.count === 0) {
    throw new StageError(
      `there are no training images of class "${normal}"`,
      'Check the dataset, or raise limit.train.',
    );
  }
  return images;
}

function summaryOf(curve: readonly CurvePoint[]) {
  const last = curve.at(-1);
  if (!last) return {epochs: 0};
  return {
    epochs: curve.length,
    loss: Number.isFinite(last.loss) ? last.loss : null,
    ...(last.accuracy !== undefined && {accuracy: last.accuracy}),
  };
}

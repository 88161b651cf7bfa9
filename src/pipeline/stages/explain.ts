/** Weights + test images → heat maps: the learner's own score of each image, explained by GradCAM. */

import type {Encoder} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {type LabelledMap, writeHeatMaps} from './heat-maps.ts';
import type {ExplainRecipe} from './recipes.ts';
import {createPlanned, firstNonFinite, ItemProgress, inputOf, StageError} from './shared.ts';
import type {RunStage, StageContext} from './stage.ts';

/** Images at a time. */
const batch = 16;

export const explain: RunStage = async (context) => {
  const {learner: ref, versions, normal} = context.recipe as unknown as ExplainRecipe;
  const learner = createPlanned(context, 'learner', ref, versions);
  const {shape, classes, count} = await imagesInfo(inputOf(context, 'images'));
  const encoder = learner.encoder(await readArrays(inputOf(context, 'weights')), context.plugins);
  try {
    const {cam} = encoder;
    if (!cam)
      throw new StageError(
        `the network of learner "${ref.type}" has no map that GradCAM could explain`,
        'Use network resnet18 or small, or "localize" of type "patches".',
      );
    const maps = explained(context, cam, new ItemProgress(context, 'images', count));
    await writeHeatMaps(context, maps, {shape, classNames: classes, normal});
    return {images: count};
  } finally {
    encoder.dispose();
  }
};

async function* explained(
  context: StageContext,
  cam: NonNullable<Encoder['cam']>,
  progress: ItemProgress,
): AsyncIterable<LabelledMap> {
  let done = 0;
  for await (const images of readImages(inputOf(context, 'images'), {batch})) {
    const maps = await cam(images);
    const bad = firstNonFinite(maps.data);
    const area = maps.height * maps.width;
    if (bad >= 0)
      throw new StageError(
        `GradCAM gives ${maps.data[bad]} for image ${done + Math.floor(bad / area)}: the training has diverged`,
        "Lower the learner's learning rate.",
      );
    for (let i = 0; i < images.count; i++)
      yield [enlarged(maps.data.subarray(i * area, (i + 1) * area), maps, images.shape), images.classes[i]!];
    done += images.count;
    await progress.add(images.count);
  }
}

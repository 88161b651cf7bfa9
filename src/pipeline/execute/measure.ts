/** How fast a learner trains here: a few of its own steps, on noise. */

import {Rng} from '../../core/base/random.ts';
import type {ImageSet} from '../../core/contracts/data.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Training} from '../plan/estimate.ts';

/** Reports that are looked at, after a first one that is slow for reasons of its own; and when fewer must do. */
const wanted = 4;
const enoughSeconds = 20;
/** Bounds the noise: 64 images of 256 pixels. */
const mostPixels = 2 ** 22;

/** Network inputs a second, the median of a few reports. The engine has been started. */
export async function measureSpeed({recipe, shape, images: all}: Training, plugins: Plugins): Promise<number> {
  const controller = new AbortController();
  const speeds: number[] = [];
  const began = performance.now();
  const few = Math.max(64, Math.floor(mostPixels / (shape.height * shape.width)));
  try {
    await plugins.create('learner', recipe.learner).fit({
      images: noise(shape, Math.min(all ?? few, few)),
      augment: recipe.augment,
      ...(recipe.distribution_augmentation && {distributionAugmentation: recipe.distribution_augmentation}),
      rng: new Rng('speed'),
      signal: controller.signal,
      checkpoints: {load: async () => undefined, save: async () => {}, due: () => false},
      plugins,
      mainPart: true,
      report({imagesPerSecond}) {
        speeds.push(imagesPerSecond);
        const seconds = (performance.now() - began) / 1000;
        if (speeds.length > wanted || (speeds.length > 1 && seconds > enoughSeconds)) controller.abort();
      },
      warn() {},
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  const steady = (speeds.length > 1 ? speeds.slice(1) : speeds).sort((a, b) => a - b);
  return steady[Math.floor(steady.length / 2)]!;
}

function noise(shape: ImageSet['shape'], count: number): ImageSet {
  const rng = new Rng('noise');
  const pixels = new Uint8Array(count * shape.height * shape.width * shape.channels);
  for (let i = 0; i < pixels.length; i++) pixels[i] = rng.integer(256);
  return {shape, count, pixels};
}

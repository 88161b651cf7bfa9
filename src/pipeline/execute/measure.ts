/** Measures how fast a learner trains on this machine, by some of its own steps on noise. */
import {Rng} from '../../core/base/random.ts';
import type {ImageSet} from '../../core/contracts/data.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {FitContext, LearnProgress} from '../../core/contracts/learner.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Training} from '../plan/estimate.ts';

/** How many reports are used, after the first one, which is always slow; and when fewer have to be enough. */
const wanted = 4;
const enoughSeconds = 20;
/** The noise has at most so many values: 64 images of 256 pixels. */
const mostPixels = 2 ** 22;

/** Network inputs a second, the median of a few reports. The engine has been started. */
export async function measureSpeed({recipe, shape, images: all}: Training, plugins: Plugins): Promise<number> {
  const speeds: number[] = [];
  const began = performance.now();
  const few = Math.max(64, Math.floor(mostPixels / (shape.height * shape.width)));
  const what = {
    learner: recipe.learner,
    augment: recipe.augment,
    ...(recipe.distribution_augmentation && {distributionAugmentation: recipe.distribution_augmentation}),
    shape,
    images: Math.min(all ?? few, few),
    plugins,
  };
  await trainOnNoise(what, ({imagesPerSecond}) => {
    speeds.push(imagesPerSecond);
    const seconds = (performance.now() - began) / 1000;
    return speeds.length > wanted || (speeds.length > 1 && seconds > enoughSeconds);
  });
  const steady = (speeds.length > 1 ? speeds.slice(1) : speeds).sort((a, b) => a - b);
  return steady[Math.floor(steady.length / 2)]!;
}

export interface NoiseTraining extends Pick<FitContext, 'distributionAugmentation' | 'plugins'> {
  readonly learner: PluginRef;
  readonly augment: FitContext['augment'];
  readonly shape: ImageSet['shape'];
  readonly images: number;
}

/** Trains until `report` says that it is enough. The engine has been started. */
export async function trainOnNoise(
  {learner, shape, images, plugins, ...augmentation}: NoiseTraining,
  report: (progress: LearnProgress) => boolean,
): Promise<void> {
  const controller = new AbortController();
  try {
    await plugins.create('learner', learner).fit({
      ...augmentation,
      images: noise(shape, images),
      rng: new Rng('speed'),
      signal: controller.signal,
      checkpoints: {load: async () => undefined, save: async () => {}, due: () => false},
      plugins,
      mainPart: true,
      report(progress) {
        if (report(progress)) controller.abort();
      },
      warn() {},
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
}

function noise(shape: ImageSet['shape'], count: number): ImageSet {
  const rng = new Rng('noise');
  const pixels = new Uint8Array(count * shape.height * shape.width * shape.channels);
  for (let i = 0; i < pixels.length; i++) pixels[i] = rng.integer(256);
  return {shape, count, pixels};
}

/** A learner's own task on images that it was not trained on. */
import type {PretextContext} from '../../../core/contracts/learner.ts';
import type {PretextSample} from '../../../core/contracts/metric.ts';
import {type Tensor4D, tf} from '../../../core/engine/engine.ts';
import {disposeWeights, weightsFromArrays} from '../../../core/nn/layers.ts';
import {instancesOf, openFeed} from './feed.ts';
import type {Training} from './phases.ts';

/** `loss`: of the training, with batch normalisation in inference mode. */
interface Measured extends Pick<Training, 'learner' | 'batch' | 'loss'> {
  readonly context: PretextContext;
}

/**
 * Mean loss and accuracy over the batches of `context.passes` passes, whose inputs are made as in training. All batches have the same
 * size, because a contrastive loss depends on it: images that do not fill the last batch of a pass are left out of it.
 */
export async function measurePretext({context, learner, batch, loss}: Measured): Promise<PretextSample> {
  const {images, augment, distributionAugmentation: copies = [], plugins, passes, rng, signal} = context;
  const weights = weightsFromArrays(context.weights);
  const feed = openFeed({
    images,
    learner,
    augment,
    copies,
    plugins,
    stream: rng.path,
    batch: Math.min(batch, instancesOf(images, copies)),
    epochs: passes,
    startEpoch: 0,
    dropLast: true,
  });
  const sums = {loss: 0, accuracy: 0};
  let isClassifying = false;
  let batches = 0;
  try {
    for (let made = await feed.next(); made; made = await feed.next(), batches++) {
      signal.throwIfAborted();
      const {images: data, count, views} = made;
      const step = tf.tidy(() => {
        const x: Tensor4D = tf.tensor4d(data, [views * count, feed.height, feed.width, 3]);
        const {loss: value, accuracy} = loss(weights, x, {count, views});
        return accuracy ? {value, accuracy} : {value};
      });
      sums.loss += (await step.value.data<'float32'>())[0]!;
      if (step.accuracy) {
        isClassifying = true;
        sums.accuracy += (await step.accuracy.data<'float32'>())[0]!;
      }
      tf.dispose(step);
    }
  } finally {
    await feed.close();
    disposeWeights(weights);
  }
  return {loss: sums.loss / batches, ...(isClassifying && {accuracy: sums.accuracy / batches})};
}

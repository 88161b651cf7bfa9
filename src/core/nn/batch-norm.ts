import {type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf} from '../engine/engine.ts';
import {TRAIN_BATCH_NORM} from '../engine/gradients.ts';

export interface TrainBatchNorm<T> {
  readonly y: T;
  /** (c): the running statistics, moved; no gradient flows through them. */
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Statistics (c) to be moved, and how much of the old ones stays: running = momentum · running + (1 − momentum) · batch. */
export interface Running {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
  readonly momentum: number;
}

/**
 * Batch normalisation by the statistics of this batch, differentiable in x, gamma and beta:
 * y = gamma · (x − mean) / √(variance + epsilon) + beta, for every channel (the last axis).
 * x: (n, h, w, c) or (n, c); gamma, beta: (c).
 *
 * The running variance is updated with the squared deviations of the n·h·w values of a channel, divided by n·h·w − 1 for
 * images and by n for rows, as the Keras of the reference implementation does (its fused kernel, which only handles 4-D
 * inputs, corrects the bias; its composed 2-D path does not). y itself is always normalised by the biased variance.
 */
export function trainBatchNorm<T extends Tensor2D | Tensor4D>(
  x: T,
  gamma: Tensor1D,
  beta: Tensor1D,
  running: Running,
  epsilon: number,
): TrainBatchNorm<T> {
  if (x.rank === 4)
    return fused(x as Tensor4D, gamma, beta, running, epsilon) as TrainBatchNorm<Tensor> as TrainBatchNorm<T>;
  return tf.tidy(() => {
    const [n, channels] = x.shape as [number, number];
    const {y, mean, variance} = fused(tf.reshape(x, [n, 1, 1, channels]), gamma, beta, running, epsilon);
    // Of momentum · old + (1 − momentum) · v · n / (n − 1), back to the biased v: everything but the old part times (n − 1) / n.
    const old = tf.mul(running.variance, running.momentum / n);
    return {y: tf.reshape(y, x.shape), mean, variance: tf.add(tf.mul(variance, (n - 1) / n), old)};
  }) as TrainBatchNorm<Tensor> as TrainBatchNorm<T>;
}

function fused(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  {momentum, ...running}: Running,
  epsilon: number,
): TrainBatchNorm<Tensor4D> {
  const inputs = {x, gamma, beta, mean: running.mean, variance: running.variance};
  const outputs = tf.engine().runKernel(TRAIN_BATCH_NORM, inputs, {epsilon, momentum}) as Tensor[];
  const [y, mean, variance, ...kept] = outputs as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]];
  // The gradient holds its own references to the other tensors.
  tf.dispose(kept);
  return {y, mean, variance};
}

/** Batch normalisation by given statistics: a row does not depend on its batch. Differentiable in x. Shapes as in `trainBatchNorm`. */
export function inferBatchNorm<T extends Tensor2D | Tensor4D>(
  x: T,
  mean: Tensor1D,
  variance: Tensor1D,
  gamma: Tensor1D,
  beta: Tensor1D,
  epsilon: number,
): T {
  return tf.batchNorm(x, mean, variance, beta, gamma, epsilon) as T;
}

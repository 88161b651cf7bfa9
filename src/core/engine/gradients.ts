/**
 * Kernels of our own, by name, and their gradients, which are the same for every engine. Each engine brings the kernels
 * themselves (`tensorflow.ts`: TensorFlow's fused ones; `wasm.ts`: composed of few passes; `webgpu.ts`: shaders).
 */
import type * as TF from '@tensorflow/tfjs';

/**
 * Inputs x (n, h, w, c), gamma, beta and the running mean and variance (c); attributes epsilon and momentum (`Running`);
 * outputs y, the moved mean and variance (by the unbiased one of the batch), then what the gradient needs: the batch's mean and biased
 * variance, the same for every engine since a kernel that is computed another way may stand beside one that is not, and the engine's own.
 */
export const TRAIN_BATCH_NORM = 'TrainBatchNorm';
/** Inputs dy, x, gamma and the last three outputs of the above as a, b, c; outputs dx, dgamma, dbeta. */
export const TRAIN_BATCH_NORM_GRAD = 'TrainBatchNormGrad';
/** Inputs dy and y = relu(x); output dx. */
export const RELU_GRAD = 'ReluGrad';
/**
 * Inputs, a list: n weights, n velocities, n gradients, the rate; attributes momentum and decay; outputs: the moved weights and velocities. On
 * engines that have it, where it is one pass over all of them.
 */
export const SGD_STEP = 'SgdStep';

export function registerGradients(tf: typeof TF): void {
  tf.registerGradient({
    kernelName: TRAIN_BATCH_NORM,
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, false, false, true, true, true],
    // No gradient flows through the running statistics.
    gradFunc: (dys, saved, attrs) => {
      const [x, gamma, a, b, c] = saved as [TF.Tensor4D, TF.Tensor1D, TF.Tensor, TF.Tensor, TF.Tensor];
      const dy = (dys as TF.Tensor[])[0]!;
      const all = tf.engine().runKernel(TRAIN_BATCH_NORM_GRAD, {dy, x, gamma, a, b, c}, attrs) as TF.Tensor[];
      const [dx, dgamma, dbeta] = all as [TF.Tensor, TF.Tensor, TF.Tensor];
      return {x: () => dx, gamma: () => dgamma, beta: () => dbeta};
    },
  });
  // The gradient of normalisation by given statistics, only in x: in training the statistics do not change. The one of tfjs also
  // computes four others, and keeps x for them.
  tf.unregisterGradient('FusedBatchNorm');
  tf.registerGradient({
    kernelName: 'FusedBatchNorm',
    inputsToSave: ['variance', 'scale'],
    gradFunc: (dy, saved, attrs) => {
      const [variance, scale] = saved as [TF.Tensor1D, TF.Tensor1D];
      const {varianceEpsilon} = attrs as unknown as {readonly varianceEpsilon: number};
      const slope = () => tf.mul(scale, tf.rsqrt(tf.add(variance, varianceEpsilon)));
      return {x: () => tf.mul(dy as TF.Tensor, slope())};
    },
  });
  // The gradient of relu in tfjs makes eight passes over memory (a step function by comparisons) and keeps the input alive.
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    inputsToSave: [],
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({
      x: () => tf.engine().runKernel(RELU_GRAD, {dy: dy as TF.Tensor, y: saved[0]!}) as TF.Tensor,
    }),
  });
}

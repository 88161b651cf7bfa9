/**
 * Kernels composed of other kernels: what the wasm engine computes by, and what stands in on TensorFlow for a kernel that is wrong
 * on a processor. Each takes and returns tensors; intermediates are for the caller's `tidy`.
 */
import type * as TF from '@tensorflow/tfjs';

export interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4 = [number, number, number, number];
type Sides = readonly [before: number, after: number];

/** Sides, padding and strides of a convolution. */
export const infoOf = (
  tf: typeof TF,
  inputShape: Shape4,
  filterShape: Shape4,
  {strides, pad, dimRoundingMode}: ConvolutionAttributes,
  {depthwise}: {readonly depthwise: boolean} = {depthwise: false},
) => tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode, depthwise);

/**
 * dW[i, j, c, k] = Σ x[n, i + s·p, j + s·q, c] · dy[n, p, q, k]: x as c images of n channels, convolved with dy as a
 * p × q filter from n to k channels, spread out by the stride.
 */
export function filterGradient(
  tf: typeof TF,
  x: TF.Tensor4D,
  dy: TF.Tensor4D,
  filterShape: Shape4,
  attributes: ConvolutionAttributes,
): TF.Tensor4D {
  const info = infoOf(tf, x.shape, filterShape, attributes);
  const {top, bottom, left, right} = info.padInfo;
  const [height, width] = filterShape;
  const images = channelsFirstImagesLast(tf, x);
  const [n, rows, columns, features] = dy.shape;
  const placesFirst = tf.transpose(tf.reshape(dy, [n, rows * columns, features]), [1, 0, 2]);
  const filter = tf.reshape<TF.Rank.R4>(placesFirst, [rows, columns, n, features]);
  const padding: TF.backend_util.ExplicitPadding = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const all = tf.conv2d(images, filter, 1, padding, 'NHWC', [info.strideHeight, info.strideWidth]);
  // Rows and columns that the stride skipped at the far edge give more positions than the filter has.
  const whole = all.shape[1] === height && all.shape[2] === width;
  const used = whole ? all : tf.slice(all, [0, 0, 0, 0], [-1, height, width, -1]);
  return tf.transpose(used, [1, 2, 0, 3]);
}

/** dx = the gradient, its values spread out by the stride, convolved with the filter turned by 180°. */
export function inputGradient(
  tf: typeof TF,
  dy: TF.Tensor4D,
  filter: TF.Tensor4D,
  inputShape: Shape4,
  attributes: ConvolutionAttributes,
): TF.Tensor4D {
  const info = infoOf(tf, inputShape, filter.shape, attributes);
  const spread = spreadOut(tf, dy, info.strideHeight, info.strideWidth);
  const [vertical, horizontal] = fullSides(spread, filter.shape, inputShape, info.padInfo);
  const turned = tf.transpose(turnedTaps(tf, filter), [0, 1, 3, 2]) as TF.Tensor4D;
  return tf.conv2d(padSides(tf, spread, vertical, horizontal), turned, 1, 'valid');
}

/** dW[i, j, c] = Σ x[n, i + s·p, j + s·q, c] · dy[n, p, q, c]: one product and sum for each place (i, j) of the filter. */
export function depthwiseFilterGradient(
  tf: typeof TF,
  x: TF.Tensor4D,
  dy: TF.Tensor4D,
  filterShape: Shape4,
  attributes: ConvolutionAttributes,
  means: (x: TF.Tensor) => TF.Tensor1D,
): TF.Tensor4D {
  const [height, width, channels] = filterShape;
  const info = infoOf(tf, x.shape, filterShape, attributes, {depthwise: true});
  const {top, bottom, left, right} = info.padInfo;
  const image = padSides(tf, x, [top, bottom], [left, right]);
  const rows = (info.outHeight - 1) * info.strideHeight + 1;
  const columns = (info.outWidth - 1) * info.strideWidth + 1;
  const spread = spreadOut(tf, dy, info.strideHeight, info.strideWidth);
  const slopes = tf.slice(spread, [0, 0, 0, 0], [-1, rows, columns, -1]);
  const taps = Array.from({length: height * width}, (_, at) =>
    tf.tidy(() => {
      const under = tf.slice(image, [0, Math.floor(at / width), at % width, 0], [-1, rows, columns, -1]);
      return means(tf.mul(under, slopes));
    }),
  );
  return tf.mul(tf.reshape(tf.stack(taps), [height, width, channels, 1]), slopes.size / channels);
}

/** dx = the gradient, its values spread out by the stride, convolved with the filter turned by 180°. */
export function depthwiseInputGradient(
  tf: typeof TF,
  dy: TF.Tensor4D,
  filter: TF.Tensor4D,
  inputShape: Shape4,
  attributes: ConvolutionAttributes,
): TF.Tensor4D {
  const info = infoOf(tf, inputShape, filter.shape, attributes, {depthwise: true});
  const spread = spreadOut(tf, dy, info.strideHeight, info.strideWidth);
  const [vertical, horizontal] = fullSides(spread, filter.shape, inputShape, info.padInfo);
  return tf.depthwiseConv2d(padSides(tf, spread, vertical, horizontal), turnedTaps(tf, filter), 1, 'valid');
}

/** The filter (h, w, …) turned by 180°. */
function turnedTaps(tf: typeof TF, filter: TF.Tensor4D): TF.Tensor4D {
  const [height, width, inputs, outputs] = filter.shape;
  const taps = height * width;
  const backwards = tf.tensor1d(
    Int32Array.from({length: taps}, (_, i) => taps - 1 - i),
    'int32',
  );
  return tf.reshape(tf.gather(tf.reshape(filter, [taps, inputs * outputs]), backwards), [
    height,
    width,
    inputs,
    outputs,
  ]);
}

/** How far to pad a spread gradient so that the turned filter, without padding, gives as many rows and columns as the input has. */
function fullSides(
  spread: TF.Tensor4D,
  [height, width]: Shape4,
  [, inputHeight, inputWidth]: Shape4,
  padInfo: {readonly top: number; readonly left: number},
): readonly [vertical: Sides, horizontal: Sides] {
  const sides = (size: number, before: number, input: number, spreadInput: number): Sides => [
    size - 1 - before,
    input + before - spreadInput,
  ];
  return [
    sides(height, padInfo.top, inputHeight, spread.shape[1]),
    sides(width, padInfo.left, inputWidth, spread.shape[2]),
  ];
}

/** (n, h, w, c) → (c, h, w, n) in two steps, a matrix's transpose and a move of whole rows: three times as fast as in one. */
function channelsFirstImagesLast(tf: typeof TF, x: TF.Tensor4D): TF.Tensor4D {
  const [n, height, width, channels] = x.shape;
  const places = height * width;
  const imagesLast = tf.transpose(tf.reshape(x, [n, places * channels]));
  const moved = tf.transpose(tf.reshape(imagesLast, [places, channels, n]), [1, 0, 2]);
  return tf.reshape(moved, [channels, height, width, n]);
}

/** Pads height and width; a negative width crops. */
export function padSides(tf: typeof TF, x: TF.Tensor4D, vertical: Sides, horizontal: Sides): TF.Tensor4D {
  const cut = (side: number) => Math.max(0, -side);
  const grow = (side: number): number => Math.max(0, side);
  let y = x;
  if ([...vertical, ...horizontal].some((side) => side < 0)) {
    const size = [
      y.shape[1] - cut(vertical[0]) - cut(vertical[1]),
      y.shape[2] - cut(horizontal[0]) - cut(horizontal[1]),
    ];
    y = tf.slice(y, [0, cut(vertical[0]), cut(horizontal[0]), 0], [-1, ...size, -1]);
  }
  if ([...vertical, ...horizontal].every((side) => side <= 0)) return y;
  return tf.pad(y, [
    [0, 0],
    [grow(vertical[0]), grow(vertical[1])],
    [grow(horizontal[0]), grow(horizontal[1])],
    [0, 0],
  ]);
}

/** Puts strides − 1 zeros after every row and column: (n, h, w, c) → (n, h·sh, w·sw, c), by concatenation (plain copies). */
export function spreadOut(tf: typeof TF, x: TF.Tensor4D, strideHeight: number, strideWidth: number): TF.Tensor4D {
  const [n, height, width, channels] = x.shape;
  let y: TF.Tensor2D = tf.reshape(x, [n * height * width, channels]);
  if (strideWidth > 1) y = tf.concat2d([y, tf.zeros([y.shape[0], channels * (strideWidth - 1)])], 1);
  const row = width * strideWidth * channels;
  y = tf.reshape(y, [n * height, row]);
  if (strideHeight > 1) y = tf.concat2d([y, tf.zeros([y.shape[0], row * (strideHeight - 1)])], 1);
  return tf.reshape(y, [n, height * strideHeight, width * strideWidth, channels]);
}

/** Inputs and outputs of `TRAIN_BATCH_NORM`; `means` averages all axes but the last. */
export function composedBatchNorm(
  tf: typeof TF,
  inputs: Readonly<Record<string, TF.Tensor>>,
  {epsilon, momentum}: {readonly epsilon: number; readonly momentum: number},
  means: (x: TF.Tensor) => TF.Tensor1D,
): TF.Tensor[] {
  const {gamma, beta} = inputs as unknown as Record<'gamma' | 'beta', TF.Tensor1D>;
  const image = inputs['x'] as TF.Tensor4D;
  const values = image.size / image.shape[3];
  const mean = means(image);
  const variance = means(tf.squaredDifference(image, mean));
  const y = tf.batchNorm(image, mean, variance, beta, gamma, epsilon);
  const moved = (old: TF.Tensor, batch: TF.Tensor, factor: number) =>
    tf.add(tf.mul(old, momentum), tf.mul(batch, (1 - momentum) * factor));
  return [
    y,
    moved(inputs['mean']!, mean, 1),
    moved(inputs['variance']!, variance, values / Math.max(values - 1, 1)),
    mean,
    variance,
    tf.zeros([1]), // the third place is TensorFlow's alone
  ];
}

/**
 * Inputs and outputs of `TRAIN_BATCH_NORM_GRAD`. With x̂ = (x − mean) / √(variance + ε) and ⟨·⟩ the mean over a channel's values
 * (their number is m): dβ = m⟨dy⟩, dγ = m⟨dy·x̂⟩, dx = γ/√(variance + ε) · (dy − ⟨dy⟩ − x̂·⟨dy·x̂⟩).
 */
export function composedBatchNormGradient(
  tf: typeof TF,
  {dy, x, gamma, a, b}: Readonly<Record<string, TF.Tensor>>,
  {epsilon}: {readonly epsilon: number},
  means: (x: TF.Tensor) => TF.Tensor1D,
): TF.Tensor[] {
  const image = x! as TF.Tensor4D;
  const [mean, variance] = [a as TF.Tensor1D, b as TF.Tensor1D];
  const values = image.size / image.shape[3];
  const zero = tf.zerosLike(mean);
  const normal = tf.batchNorm(image, mean, variance, zero, tf.onesLike(mean), epsilon);
  const meanDy = means(dy!);
  const meanDyNormal = means(tf.mul(dy!, normal));
  const slope = tf.mul(gamma!, tf.rsqrt(tf.add(variance, epsilon)));
  const drift = tf.batchNorm(
    image,
    mean,
    variance,
    tf.neg(tf.mul(slope, meanDy)) as TF.Tensor1D,
    tf.neg(tf.mul(slope, meanDyNormal)) as TF.Tensor1D,
    epsilon,
  );
  return [tf.add(tf.mul(dy!, slope), drift), tf.mul(meanDyNormal, values), tf.mul(meanDy, values)];
}

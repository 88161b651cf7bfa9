import {backendEngine, type Tensor4D, tf} from '../engine/engine.ts';

/**
 * Convolution with ⌊k/2⌋ zeros on every side (docs/paper-notes.md 1.1), which differs from TensorFlow's `same` wherever the stride
 * leaves an odd remainder. x: (n, h, w, c); filter: (k, k, c, features), k odd; → (n, ⌈h/stride⌉, ⌈w/stride⌉, features).
 */
export function conv2d(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  if (filter.shape[0] === 1 && backendEngine()?.convolvesByProducts) return tf.tidy(() => product(x, filter, stride));
  return padded(x, filter.shape[0], stride, (y, pad) => tf.conv2d(y, filter, stride, pad));
}

/**
 * A 1 × 1 convolution as the matrix product that it is: TensorFlow's product with its two gradients takes half to four fifths of
 * the processor time of its convolution at stride 2 and no more at stride 1, and is right for every number of channels.
 */
function product(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  const seen = everyPixel(x, stride);
  const [n, height, width, channels] = seen.shape;
  const features = filter.shape[3];
  const y = tf.matMul(tf.reshape(seen, [n * height * width, channels]), tf.reshape(filter, [channels, features]));
  return tf.reshape(y, [n, height, width, features]);
}

/** The pixels in every `stride`-th row and column, from the first. By reshaping, because a slice with strides has no gradient. */
function everyPixel(x: Tensor4D, stride: number): Tensor4D {
  if (stride === 1) return x;
  const [n, h, w, channels] = x.shape;
  const [height, width] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const [below, beside] = [height * stride - h, width * stride - w];
  const whole =
    below + beside === 0
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, below],
          [0, beside],
          [0, 0],
        ]);
  const cells = tf.reshape(whole, [n, height, stride, width, stride * channels]);
  return tf.reshape(tf.slice(cells, [0, 0, 0, 0, 0], [n, height, 1, width, channels]), [n, height, width, channels]);
}

/** The same with a separate filter for each channel, and no sum over them. filter: (k, k, c, 1), k odd; → (n, …, …, c). */
export function depthwiseConv2d(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  return padded(x, filter.shape[0], stride, (y, pad) => tf.depthwiseConv2d(y, filter, stride, pad));
}

/**
 * Max-pooling over size × size windows with ⌊size/2⌋ of padding on every side. x: (n, h, w, c) must not be negative (it
 * comes from a ReLU): padding is then by zeros, and the wasm engine's gradient is wrong for windows without a positive value.
 */
export function maxPool2d(x: Tensor4D, size: number, stride: number): Tensor4D {
  return tf.tidy(() => tf.maxPool(padAround(x, Math.floor(size / 2)), size, stride, 'valid'));
}

/** Convolves with ⌊k/2⌋ zeros on every side; the engine pads itself if it would add the same number. */
function padded(
  x: Tensor4D,
  k: number,
  stride: number,
  convolve: (x: Tensor4D, pad: 'same' | 'valid') => Tensor4D,
): Tensor4D {
  const around = Math.floor(k / 2);
  if (around === 0) return convolve(x, 'valid');
  if (isSame(x.shape[1], k, stride) && isSame(x.shape[2], k, stride)) return convolve(x, 'same');
  return tf.tidy(() => convolve(padAround(x, around), 'valid'));
}

/** Whether TensorFlow's `same` puts exactly ⌊k/2⌋ on both sides of an axis of this length. Engines take no other padding. */
function isSame(length: number, k: number, stride: number): boolean {
  const all = Math.max((Math.ceil(length / stride) - 1) * stride + k - length, 0);
  return all === 2 * Math.floor(k / 2);
}

function padAround(x: Tensor4D, size: number): Tensor4D {
  if (size === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [size, size],
    [size, size],
    [0, 0],
  ]);
}

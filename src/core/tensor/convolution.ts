import {type Tensor4D, tf} from './engine.ts';

/**
 * Convolution with ⌊k/2⌋ zeros on every side (paper.md 1.1), which differs from TensorFlow's `same` wherever the stride
 * leaves an odd remainder. x: (n, h, w, c); filter: (k, k, c, features), k odd; → (n, ⌈h/stride⌉, ⌈w/stride⌉, features).
 */
export function conv2d(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  const k = filter.shape[0];
  const around = Math.floor(k / 2);
  if (around === 0) return tf.conv2d(x, filter, stride, 'valid');
  if (isSame(x.shape[1], k, stride) && isSame(x.shape[2], k, stride)) return tf.conv2d(x, filter, stride, 'same');
  return tf.tidy(() => tf.conv2d(padAround(x, around), filter, stride, 'valid'));
}

/**
 * Max-pooling over size × size windows with ⌊size/2⌋ of padding on every side. x: (n, h, w, c) must not be negative (it
 * comes from a ReLU): padding is then by zeros, and the wasm engine's gradient is wrong for windows without a positive value.
 */
export function maxPool2d(x: Tensor4D, size: number, stride: number): Tensor4D {
  return tf.tidy(() => tf.maxPool(padAround(x, Math.floor(size / 2)), size, stride, 'valid'));
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

/** Reproducible random numbers, made fast: tens of millions for one kernel. */
import type * as TF from '@tensorflow/tfjs';

// A prime, so that no image or row begins at the same value as another. Larger tensors repeat it.
const period = 1_048_583;
let pool: Float32Array | undefined;

function xorshift(seed: number): () => number {
  let state = (seed * 2654435761 + 88172645) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function numbers(): Float32Array {
  if (pool === undefined) {
    const next = xorshift(1);
    pool = Float32Array.from({length: period}, () => (next() >>> 8) / 2 ** 23 - 1);
  }
  return pool;
}

/** At a place from which TensorFlow's `slice` takes a part without copying it: 64 bytes are what its vectors are aligned to. */
const startOf = (seed: number): number => ((seed * 374_761_393) % period) & ~15;

/** Uniform in [−1, 1), of variance 1/3. */
export function noise(size: number, seed: number): Float32Array {
  const values = new Float32Array(size);
  let from = startOf(seed);
  for (let at = 0; at < size; from = 0) {
    const part = numbers().subarray(from, from + size - at);
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** The pool, as often as the largest tensor needed it. */
let repeated: TF.Tensor1D | undefined;

/** The same values, in the library's own memory. */
export function noiseTensor(tf: typeof TF, shape: readonly number[], seed: number): TF.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  const start = startOf(seed);
  if (repeated === undefined || repeated.size < start + size) {
    repeated?.dispose();
    // Somewhat more, so that a tensor that is a little larger does not need all of it anew.
    const times = Math.ceil((1.25 * (start + size)) / period);
    repeated = tf.tidy(() => tf.keep(tf.tile(tf.tensor1d(numbers()), [times])));
  }
  return tf.tidy(() => tf.reshape(tf.slice(repeated!, [start], [size]), [...shape]));
}

/** ±1. */
export function signs(size: number, seed: number): Float64Array {
  const next = xorshift(seed + 7919);
  return Float64Array.from({length: size}, () => (next() & 0x10000 ? 1 : -1));
}

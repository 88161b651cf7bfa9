/**
 * Faults of the kinds that were seen in TensorFlow's kernels, on every processor: each for one number of channels that the library computes
 * right, in its ordinary kernels alone (explicit padding leads to the older ones). What plants them again in the process that tries
 * kernels is `plant`.
 */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const tf = createRequire(import.meta.url)('@tensorflow/tfjs');

/** Whether the C library looks for writes outside a block of memory in this process. */
export const isGuarded = () =>
  process.env.MALLOC_CHECK_ === '3' && readFileSync('/proc/self/maps', 'utf8').includes('libc_malloc_debug');

/** Multiplies the last `count` places of an axis by 1.5. */
function spoil(axis, count) {
  return (right) => {
    const side = right.shape[axis];
    const shape = right.shape.map((_, i) => (i === axis ? side : 1));
    const factors = Float32Array.from({length: side}, (_, i) => (i < side - count ? 1 : 1.5));
    return tf.mul(right, tf.tensor(factors, shape));
  };
}

/** By operation and number of input channels. */
const faults = {
  Conv2D: {
    20: spoil(3, 1), // the last feature
    21: spoil(1, 1), // the last row
    22: spoil(0, 1), // the last image
    23: (right) => tf.mul(right, Number.NaN),
  },
  Conv2DBackpropInput: {
    20: spoil(3, 4), // the last channels
    21: spoil(2, 1), // the last column
    22: () => {
      throw new Error('could not create a primitive descriptor');
    },
    24: () => {
      process.kill(process.pid, 'SIGSEGV');
      for (;;); // until it arrives
    },
  },
  Conv2DBackpropFilter: {
    20: spoil(2, 4), // the last channels
    21: spoil(0, 1), // one row of taps
    24: () => {
      for (;;); // for ever
    },
    // Its values are right and it writes outside its memory: JavaScript can't, so that it ends the process where the C library's
    // guards would when they see it, and does nothing where they don't look.
    25: (right) => (isGuarded() ? process.abort() : right),
  },
  MaxPool: {
    20: spoil(1, 1),
    21: () => {
      throw new Error('the window does not fit');
    },
  },
};

/** Of the gradient of batch normalisation: its first result. */
const gradientFaults = {20: spoil(3, 1)};

/** From now on the backend's kernels have them. */
export function plant(backend) {
  const computeAll = backend.executeMultipleOutputs.bind(backend);
  backend.executeMultipleOutputs = (operation, attributes, inputs, count) => {
    const [first, ...others] = computeAll(operation, attributes, inputs, count);
    const fault = operation === 'FusedBatchNormGradV3' ? gradientFaults[first.shape[3]] : undefined;
    return [fault === undefined ? first : fault(first), ...others];
  };
  const compute = backend.executeSingleOutput.bind(backend);
  backend.executeSingleOutput = (operation, attributes, inputs) => {
    const result = compute(operation, attributes, inputs);
    const isOlder = attributes.some(({name, value}) => name === 'padding' && value === 'EXPLICIT');
    const fault = isOlder ? undefined : faults[operation]?.[channelsOf(operation, inputs, result)];
    return fault === undefined ? result : fault(result);
  };
}

const channelsOf = (operation, [first], result) =>
  operation === 'Conv2DBackpropInput'
    ? result.shape[3]
    : operation === 'Conv2DBackpropFilter'
      ? result.shape[2]
      : first.shape[3];

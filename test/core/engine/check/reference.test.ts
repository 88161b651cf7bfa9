/** What kernels are held against: right results pass, and a single value that is wrong does not, wherever it is. */
import {describe, expect, test} from 'vitest';
import type {KernelCall} from '../../../../src/core/engine/check/call.ts';
import {referenceOf} from '../../../../src/core/engine/check/reference.ts';
import {type Tensor, tf} from '../../../../src/core/engine/engine.ts';
import {onEachEngine} from '../../../rig/tensors.ts';

const [x, dy] = [
  [4, 9, 8, 24],
  [4, 5, 4, 33],
];
const convolution = {strides: 2, pad: 'same', dataFormat: 'NHWC', dilations: 1};
const images = [4, 9, 8, 48];
const norm = {epsilon: 1e-5, momentum: 0.9};
const channels = [48];
const pool = {filterSize: 3, strides: 2, pad: 'same'};

// Large enough for sums; small ones of each kind follow.
const calls: readonly KernelCall[] = [
  {kernel: 'Conv2D', shapes: {x: [4, 20, 18, 24], filter: [3, 3, 24, 33]}, attrs: convolution},
  {
    kernel: 'Conv2DBackpropInput',
    shapes: {dy: [4, 10, 9, 33], filter: [3, 3, 24, 33]},
    attrs: {...convolution, inputShape: [4, 20, 18, 24]},
  },
  {
    kernel: 'Conv2DBackpropFilter',
    shapes: {x: [4, 20, 18, 24], dy: [4, 10, 9, 33]},
    attrs: {...convolution, filterShape: [3, 3, 24, 33]},
  },
  {kernel: 'Conv2D', shapes: {x: x!, filter: [3, 3, 24, 33]}, attrs: convolution},
  {
    kernel: 'Conv2DBackpropInput',
    shapes: {dy: dy!, filter: [3, 3, 24, 33]},
    attrs: {...convolution, inputShape: x!},
  },
  {kernel: 'Conv2DBackpropFilter', shapes: {x: x!, dy: dy!}, attrs: {...convolution, filterShape: [3, 3, 24, 33]}},
  {kernel: 'DepthwiseConv2dNative', shapes: {x: images, filter: [3, 3, 48, 1]}, attrs: convolution},
  {
    kernel: 'DepthwiseConv2dNativeBackpropInput',
    shapes: {dy: [4, 5, 4, 48], filter: [3, 3, 48, 1]},
    attrs: {...convolution, inputShape: images},
  },
  {
    kernel: 'DepthwiseConv2dNativeBackpropFilter',
    shapes: {x: images, dy: [4, 5, 4, 48]},
    attrs: {...convolution, filterShape: [3, 3, 48, 1]},
  },
  {
    kernel: 'TrainBatchNorm',
    shapes: {x: images, gamma: channels, beta: channels, mean: channels, variance: channels},
    attrs: norm,
  },
  {
    kernel: 'TrainBatchNormGrad',
    shapes: {dy: images, x: images, gamma: channels, a: channels, b: channels, c: [0]},
    attrs: norm,
  },
  {
    kernel: 'FusedBatchNorm',
    shapes: {x: images, mean: channels, variance: channels, scale: channels, offset: channels},
    attrs: {varianceEpsilon: 1e-3},
  },
  {kernel: 'MaxPool', shapes: {x: images}, attrs: pool},
  {kernel: 'AvgPool', shapes: {x: images}, attrs: pool},
  {kernel: 'BatchMatMul', shapes: {a: [70, 45], b: [50, 45]}, attrs: {transposeA: false, transposeB: true}},
];

onEachEngine((engine) => {
  const has = ({kernel}: KernelCall) => tf.getKernel(kernel, tf.getBackend()) !== undefined;
  const results = ({kernel, shapes, attrs}: KernelCall) => {
    const call = {kernel, shapes, attrs};
    const {inputs, error} = referenceOf(tf, call)!;
    const given = Object.entries(inputs).map(([name, values]) => [
      name,
      values instanceof Float32Array ? tf.tensor(values, [...shapes[name]!]) : values,
    ]);
    const outputs = [tf.engine().runKernel(kernel, Object.fromEntries(given), attrs as never)].flat() as Tensor[];
    return {outputs, error};
  };

  describe.skipIf(engine === 'webgpu')('a check of kernels', () => {
    test.for(calls)('$kernel: right values pass, one wrong value does not', async (call, {skip}) => {
      skip(!has(call), `${engine} computes it of other kernels`);
      const {outputs, error} = results(call);
      expect(error(outputs)).toBeLessThan(1e-5);
      const [first, ...others] = outputs;
      const values = (await first!.data()) as Float32Array;
      const usual = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
      const last = first!.shape.at(-1)!;
      for (const place of [0, last - 1, values.length >> 1, values.length - last, values.length - 1]) {
        const wrong = Float32Array.from(values);
        wrong[place]! += usual;
        expect(error([tf.tensor(wrong, first!.shape), ...others]), `value ${place}`).toBeGreaterThan(3e-3);
        wrong[place] = Number.NaN;
        expect(error([tf.tensor(wrong, first!.shape), ...others]), `value ${place}`).toBe(Number.POSITIVE_INFINITY);
      }
    });

    test('TrainBatchNorm: a moving mean or variance that is wrong does not pass', () => {
      const {outputs, error} = results(calls.find(({kernel}) => kernel === 'TrainBatchNorm')!);
      const [y, mean, variance, ...others] = outputs;
      expect(error([y!, tf.mul(mean!, 1.01), variance!, ...others])).toBeGreaterThan(3e-3);
      expect(error([y!, mean!, tf.mul(variance!, 1.01), ...others])).toBeGreaterThan(3e-3);
    });
  });
});

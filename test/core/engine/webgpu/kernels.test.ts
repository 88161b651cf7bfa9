/** The shaders on shapes that the suites of all engines leave out: several tiles, vec4 and scalar reads, sums in parts. */
import {beforeAll, describe, expect, test} from 'vitest';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {startEngine, type Tensor, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import {engines, expectClose, onCpu, tensor} from '../../../rig/tensors.ts';

const engine = engines.webgpu;
const absent = typeof engine === 'string';

/** Images, their side and channels; features; filter's side; stride; padding. */
const cases = [
  [2, 8, 16, 16, 3, 1, 'same'],
  [2, 8, 68, 132, 3, 1, 'same'],
  [2, 16, 8, 20, 3, 2, 'valid'],
  [4, 8, 12, 7, 3, 2, 'same'],
  [2, 15, 5, 6, 5, 2, 'same'],
  [2, 10, 4, 4, 3, 3, 'same'],
  [2, 16, 16, 32, 1, 2, 'valid'],
  [1, 4, 256, 64, 3, 1, 'same'],
] as const;

describe.skipIf(absent)(`on webgpu${absent ? `: ${engine}` : ''}`, () => {
  beforeAll(() => startEngine(engine as ResolvedEngine));

  test.for(cases)('convolution and gradients of %s are those of the plain-JavaScript backend', async (shape) => {
    const [n, side, channels, features, k, stride, pad] = shape;
    const all = (): Tensor[] => {
      const [x, filter] = [
        tensor<Tensor4D>([n, side, side, channels], 1),
        tensor<Tensor4D>([k, k, channels, features], 2),
      ];
      const convolved = (a: Tensor, b: Tensor) => tf.conv2d(a as Tensor4D, b as Tensor4D, stride, pad);
      const y = convolved(x, filter);
      const loss = (a: Tensor, b: Tensor) => tf.sum(tf.mul(convolved(a, b), tensor(y.shape, 3)));
      return [y, ...tf.grads(loss)([x, filter])];
    };
    const expected = await onCpu(() => all().map((part) => ({shape: part.shape, data: part.dataSync()})));
    for (const [i, part] of all().entries()) {
      expect(part.shape).toEqual(expected[i]!.shape);
      expectClose(await part.data(), expected[i]!.data, {relative: 1e-4, absolute: 1e-4});
    }
  });

  test('dilated filters are left to the backend', async () => {
    const dilated = () =>
      tf.conv2d(tensor<Tensor4D>([2, 9, 9, 4], 1), tensor<Tensor4D>([3, 3, 4, 4], 2), 1, 'valid', 'NHWC', 2);
    const expected = await onCpu(() => dilated().dataSync());
    expectClose(await dilated().data(), expected);
  });

  test('the features of an image have the same bits in every batch', async () => {
    const x = tensor<Tensor4D>([70, 4, 4, 64], 1);
    const filter = tensor<Tensor4D>([3, 3, 64, 32], 2);
    const together = await tf.conv2d(x, filter, 1, 'same').data();
    const alone = await tf.conv2d(tf.slice(x, [69], [1]), filter, 1, 'same').data();
    expect(alone).toEqual(together.slice(-alone.length));
  });

  test('errors of the GPU are thrown when values are read', async () => {
    const device = (tf.backend() as unknown as {device: {createBuffer(of: {size: number; usage: number}): object}})
      .device;
    const y = tf.add(tensor([3], 1), tensor([3], 2));
    device.createBuffer({size: 2 ** 52, usage: 128});
    await expect(y.data()).rejects.toThrow(/^the GPU reports: .*size/);
    expect(await tf.add(tensor([3], 1), tensor([3], 2)).data()).toHaveLength(3);
  });

  test('the same step has the same bits twice', async () => {
    const gradients = async () => {
      const [x, filter] = [tensor<Tensor4D>([8, 16, 16, 8], 1), tensor<Tensor4D>([3, 3, 8, 16], 2)];
      const all = tf.grads((a, b) => tf.sum(tf.square(tf.relu(tf.conv2d(a as Tensor4D, b as Tensor4D, 1, 'same')))))([
        x,
        filter,
      ]);
      return Promise.all(all.map((gradient) => gradient.data()));
    };
    expect(await gradients()).toEqual(await gradients());
  });
});

import {describe, expect, test} from 'vitest';
import {type Tensor, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {conv2d, depthwiseConv2d, maxPool2d} from '../../../src/core/nn/convolution.ts';
import {
  expectClose,
  expectNoLeaks,
  finiteDifference,
  numberIn,
  onCpu,
  onEachEngine,
  tensor,
  values,
} from '../../rig/tensors.ts';

/** The definition, in plain loops: ⌊k/2⌋ zeros on every side. */
function convolve(
  x: Float32Array,
  shape: readonly number[],
  filter: Float32Array,
  k: number,
  features: number,
  stride: number,
) {
  const [n, h, w, c] = shape as [number, number, number, number];
  const around = Math.floor(k / 2);
  const [rows, columns] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const y = new Float64Array(n * rows * columns * features);
  for (let m = 0; m < n; m++)
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++)
        for (let f = 0; f < features; f++) {
          let sum = 0;
          for (let i = 0; i < k; i++)
            for (let j = 0; j < k; j++) {
              const [row, column] = [p * stride + i - around, q * stride + j - around];
              if (row < 0 || row >= h || column < 0 || column >= w) continue;
              for (let d = 0; d < c; d++)
                sum += x[((m * h + row) * w + column) * c + d]! * filter[((i * k + j) * c + d) * features + f]!;
            }
          y[((m * rows + p) * columns + q) * features + f] = sum;
        }
  return y;
}

const cases = [1, 3, 7].flatMap((k) =>
  [1, 2].flatMap((stride) => [
    {k, stride, shape: [2, 8, 8, 3]},
    {k, stride, shape: [3, 9, 7, 2]},
  ]),
);

/** Numbers of channels at which TensorFlow's own gradients of 1 × 1 convolutions are wrong on processors with AVX-512. */
const pointwise = [
  ...[40, 80, 320].flatMap((channels) => [1, 2].map((stride) => ({k: 1, stride, shape: [2, 4, 4, channels]}))),
  {k: 1, stride: 2, shape: [2, 16, 16, 3]},
];

onEachEngine(() => {
  describe('conv2d', () => {
    test.for([...cases, ...pointwise])('k $k, stride $stride, x $shape: value', async ({k, stride, shape}) => {
      const [x, filter] = [tensor<Tensor4D>(shape, 1), tensor<Tensor4D>([k, k, shape[3]!, 4], 2)];
      const y = conv2d(x, filter, stride);
      expect(y.shape).toEqual([shape[0], Math.ceil(shape[1]! / stride), Math.ceil(shape[2]! / stride), 4]);
      expectClose(await y.data(), convolve(values(x.size, 1), shape, values(filter.size, 2), k, 4, stride));
      tf.dispose([x, filter, y]);
    });

    test.for([...cases, ...pointwise])(
      'k $k, stride $stride, x $shape: gradients equal those of the plain-JavaScript backend',
      async ({k, stride, shape}) => {
        // Weighted by values of its own, so that every output matters differently.
        const gradients = () => {
          const [x, filter] = [tensor<Tensor4D>(shape, 1), tensor<Tensor4D>([k, k, shape[3]!, 4], 2)];
          const loss = (a: Tensor, b: Tensor) => {
            const y = conv2d(a as Tensor4D, b as Tensor4D, stride);
            return tf.sum(tf.mul(y, tensor(y.shape, 3)));
          };
          return tf.grads(loss)([x, filter]);
        };
        const [dx, dfilter] = gradients();
        const [cpuDx, cpuDfilter] = await onCpu(() => gradients().map((gradient) => gradient.dataSync()));
        expect(dx!.shape).toEqual(shape);
        expect(dfilter!.shape).toEqual([k, k, shape[3], 4]);
        expectClose(await dx!.data(), cpuDx!);
        expectClose(await dfilter!.data(), cpuDfilter!);
      },
    );

    test('agrees with finite differences', async () => {
      const shape = [1, 5, 5, 2] as [number, number, number, number];
      const filter = tensor<Tensor4D>([3, 3, 2, 2], 2);
      const loss = (x: Tensor4D) => tf.sum(tf.square(conv2d(x, filter, 2)));
      const x = values(50, 1);
      const gradient = tf.grad(loss as never)(tf.tensor4d(x, shape));
      const numeric = await finiteDifference((at) => numberIn(tf.tidy(() => loss(tf.tensor4d(at, shape)))), x);
      expectClose(await gradient.data(), numeric, {relative: 5e-3, absolute: 5e-3});
    });

    test('frees its tensors, forwards and backwards', async () => {
      const [x, filter] = [tensor<Tensor4D>([2, 8, 8, 3], 1), tensor<Tensor4D>([3, 3, 3, 4], 2)];
      for (const stride of [1, 2]) {
        await expectNoLeaks(() => conv2d(x, filter, stride));
        await expectNoLeaks(() =>
          tf.grads((a, b) => tf.sum(conv2d(a as Tensor4D, b as Tensor4D, stride)))([x, filter]),
        );
      }
    });
  });

  describe('depthwiseConv2d', () => {
    const depthwise = [...cases, ...[1, 2].map((stride) => ({k: 5, stride, shape: [2, 6, 5, 3]}))];

    test.for(depthwise)(
      'k $k, stride $stride, x $shape: each channel as conv2d does it',
      async ({k, stride, shape}) => {
        const channels = shape[3]!;
        const [x, filter] = [tensor<Tensor4D>(shape, 1), tensor<Tensor4D>([k, k, channels, 1], 2)];
        const y = depthwiseConv2d(x, filter, stride);
        const alone = Array.from({length: channels}, (_, c) =>
          conv2d(tf.slice(x, [0, 0, 0, c], [-1, -1, -1, 1]), tf.slice(filter, [0, 0, c, 0], [-1, -1, 1, 1]), stride),
        );
        expectClose(await y.data(), await tf.concat(alone, 3).data());
      },
    );

    test.for(depthwise)(
      'k $k, stride $stride, x $shape: gradients equal those of the plain-JavaScript backend',
      async ({k, stride, shape}) => {
        const gradients = () => {
          const [x, filter] = [tensor<Tensor4D>(shape, 1), tensor<Tensor4D>([k, k, shape[3]!, 1], 2)];
          const loss = (a: Tensor, b: Tensor) => {
            const y = depthwiseConv2d(a as Tensor4D, b as Tensor4D, stride);
            return tf.sum(tf.mul(y, tensor(y.shape, 3)));
          };
          return tf.grads(loss)([x, filter]);
        };
        const [dx, dfilter] = gradients();
        const [cpuDx, cpuDfilter] = await onCpu(() => gradients().map((gradient) => gradient.dataSync()));
        expect(dx!.shape).toEqual(shape);
        expect(dfilter!.shape).toEqual([k, k, shape[3], 1]);
        expectClose(await dx!.data(), cpuDx!);
        expectClose(await dfilter!.data(), cpuDfilter!);
      },
    );

    test('agrees with finite differences', async () => {
      const loss = (x: Tensor4D, filter: Tensor4D) => tf.sum(tf.square(depthwiseConv2d(x, filter, 2)));
      const [x, filter] = [values(50, 1), values(18, 2)];
      const [dx, dfilter] = tf.grads((a, b) => loss(a as Tensor4D, b as Tensor4D))([
        tf.tensor4d(x, [1, 5, 5, 2]),
        tf.tensor4d(filter, [3, 3, 2, 1]),
      ]);
      const at = async (x: Float32Array, filter: Float32Array) =>
        (await tf.tidy(() => loss(tf.tensor4d(x, [1, 5, 5, 2]), tf.tensor4d(filter, [3, 3, 2, 1]))).data())[0]!;
      const near = {relative: 5e-3, absolute: 5e-3};
      expectClose(await dx!.data(), await finiteDifference((moved) => at(moved, filter), x), near);
      expectClose(await dfilter!.data(), await finiteDifference((moved) => at(x, moved), filter), near);
    });

    test('frees its tensors, forwards and backwards', async () => {
      const [x, filter] = [tensor<Tensor4D>([2, 8, 8, 3], 1), tensor<Tensor4D>([5, 5, 3, 1], 2)];
      for (const stride of [1, 2])
        await expectNoLeaks(() =>
          tf.grads((a, b) => tf.sum(depthwiseConv2d(a as Tensor4D, b as Tensor4D, stride)))([x, filter]),
        );
    });
  });

  describe('maxPool2d', () => {
    test('3 × 3, stride 2, one row of padding: value and gradient by hand', async () => {
      const x = tf.tensor4d(
        [1, 2, 3, 4, 8, 6, 7, 5, 9, 1, 2, 3, 4, 5, 6, 10].map((v) => v / 8),
        [1, 4, 4, 1],
      );
      const y = maxPool2d(x, 3, 2);
      expect(y.shape).toEqual([1, 2, 2, 1]);
      expectClose(
        await y.data(),
        [8, 7, 9, 10].map((v) => v / 8),
      );
      // No window has two equal maxima: engines differ in which one of those gets the gradient.
      const gradient = tf.grad((at) =>
        tf.sum(tf.mul(maxPool2d(at as Tensor4D, 3, 2), tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]))),
      )(x);
      expectClose(await gradient.data(), [0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 4]);
    });
  });
});

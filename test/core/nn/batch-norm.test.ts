import {describe, expect, test} from 'vitest';
import {type Tensor, type Tensor1D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {inferBatchNorm, type Running, trainBatchNorm} from '../../../src/core/nn/batch-norm.ts';
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

const epsilon = 1e-3;
const shapes = [
  [4, 5, 3, 6],
  [2, 1, 1, 3],
  [64, 16, 16, 2],
  [7, 6],
  [2, 3],
];

const parameters = (channels: number): [Tensor1D, Tensor1D] => [
  tf.tidy(() => tf.add(tensor<Tensor1D>([channels], 5), 2)),
  tensor<Tensor1D>([channels], 6),
];

/** Running statistics of which a quarter stays. */
const running = (channels: number): Running => ({
  mean: tensor<Tensor1D>([channels], 7),
  variance: tf.tidy(() => tf.add(tensor<Tensor1D>([channels], 8), 2)),
  momentum: 0.25,
});

/** x with a mean far from 0, as after a few layers. */
const input = (shape: readonly number[]): Tensor4D => tf.tidy(() => tf.add(tf.mul(tensor<Tensor4D>(shape, 4), 2), 3));

/** The textbook formula, in ops whose gradients are tfjs's own. */
function composed(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const {mean, variance} = tf.moments(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  );
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), gamma), beta);
}

onEachEngine(() => {
  describe('trainBatchNorm', () => {
    test.for(shapes)('x %s: value, statistics', async (...[shape]) => {
      const channels = shape.at(-1)!;
      const [gamma, beta] = parameters(channels);
      const x = input(shape);
      const old = running(channels);
      const {y, mean, variance} = trainBatchNorm(x, gamma, beta, old, epsilon);
      const given = await x.data();
      const columns = Array.from({length: channels}, (_, c) =>
        Float64Array.from(given).filter((_, i) => i % channels === c),
      );
      const means = columns.map((column) => column.reduce((sum, v) => sum + v, 0) / column.length);
      const sums = columns.map((column, c) => column.reduce((sum, v) => sum + (v - means[c]!) ** 2, 0));
      const [g, b] = [await gamma.data(), await beta.data()];
      const expected = Array.from(given, (v, i) => {
        const c = i % channels;
        return (g[c]! * (v - means[c]!)) / Math.sqrt(sums[c]! / columns[c]!.length + epsilon) + b[c]!;
      });
      expect(y.shape).toEqual(shape);
      expectClose(await y.data(), expected, {relative: 1e-4, absolute: 1e-4});
      const moved = async (before: Tensor1D, batch: readonly number[]) =>
        Array.from(await before.data(), (value, c) => 0.25 * value + 0.75 * batch[c]!);
      expectClose(await mean.data(), await moved(old.mean, means));
      // Images: unbiased; rows: biased (see the doc comment).
      const variances = sums.map((sum, c) => sum / (columns[c]!.length - (shape.length === 4 ? 1 : 0)));
      expectClose(await variance.data(), await moved(old.variance, variances));
    });

    test.for(shapes)(
      'x %s: gradients equal those of the composed formula on the plain-JavaScript backend',
      async (...[shape]) => {
        const gradients = (normalise: (x: Tensor, gamma: Tensor, beta: Tensor) => Tensor) => {
          const [gamma, beta] = parameters(shape.at(-1)!);
          const loss = (x: Tensor, g: Tensor, b: Tensor) => tf.sum(tf.mul(normalise(x, g, b), tensor(shape, 3)));
          return tf.grads(loss)([input(shape), gamma, beta]);
        };
        const old = running(shape.at(-1)!);
        const ours = gradients(
          (x, g, b) => trainBatchNorm(x as Tensor4D, g as Tensor1D, b as Tensor1D, old, epsilon).y,
        );
        const theirs = await onCpu(() => gradients(composed).map((gradient) => gradient.dataSync()));
        for (const [i, gradient] of ours.entries())
          expectClose(await gradient.data(), theirs[i]!, {relative: 1e-3, absolute: 1e-3});
      },
    );

    test.for([
      [3, 2, 2, 2],
      [6, 2],
    ])('x %s: agrees with finite differences', async (...[shape]) => {
      const [gamma, beta] = parameters(2);
      const weights = tensor(shape, 3);
      const old = running(2);
      const loss = (x: Tensor) =>
        tf.sum(tf.mul(tf.square(trainBatchNorm(x as Tensor4D, gamma, beta, old, epsilon).y), weights));
      const x = values(
        shape.reduce((size, side) => size * side, 1),
        1,
      );
      const gradient = tf.grad(loss)(tf.tensor(x, [...shape]));
      const numeric = await finiteDifference((at) => numberIn(tf.tidy(() => loss(tf.tensor(at, [...shape])))), x);
      expectClose(await gradient.data(), numeric, {relative: 1e-2, absolute: 2e-2});
    });

    test('normalises by the biased variance, also with a large mean', async () => {
      const x = tf.tensor2d([1000, 1001, 1002, 1003], [4, 1]);
      const {y} = trainBatchNorm(x, tf.tensor1d([1]), tf.tensor1d([0]), running(1), 0);
      expectClose(await y.data(), [-1.341641, -0.447214, 0.447214, 1.341641], {relative: 1e-3});
    });

    test('frees its tensors, forwards and backwards', async () => {
      for (const shape of [
        [4, 5, 3, 6],
        [7, 6],
      ]) {
        const x = input(shape);
        const [gamma, beta] = parameters(6);
        const old = running(6);
        await expectNoLeaks(() => Object.values(trainBatchNorm(x, gamma, beta, old, epsilon)));
        await expectNoLeaks(() =>
          tf.grads((...[a, g, b]) =>
            tf.sum(trainBatchNorm(a as Tensor4D, g as Tensor1D, b as Tensor1D, old, epsilon).y),
          )([x, gamma, beta]),
        );
      }
    });
  });

  describe('inferBatchNorm', () => {
    test.for(shapes)('x %s: a row does not depend on its batch', async (...[shape]) => {
      const channels = shape.at(-1)!;
      const [gamma, beta] = parameters(channels);
      const mean = tensor<Tensor1D>([channels], 8);
      const variance = tf.add(tensor<Tensor1D>([channels], 9), 1.5) as Tensor1D;
      const x = input(shape);
      const y = inferBatchNorm(x, mean, variance, gamma, beta, epsilon);
      const first = inferBatchNorm(tf.slice(x, [0], [1]) as Tensor4D, mean, variance, gamma, beta, epsilon);
      const [m, v, g, b] = (await Promise.all([mean, variance, gamma, beta].map((part) => part.data()))) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const expected = Array.from(await x.data(), (value, i) => {
        const c = i % channels;
        return (g[c]! * (value - m[c]!)) / Math.sqrt(v[c]! + epsilon) + b[c]!;
      });
      expect(y.shape).toEqual(shape);
      const values = await y.data();
      expectClose(values, expected);
      expect(Array.from(await first.data())).toEqual(Array.from(values.slice(0, first.size)));
    });

    test.for(shapes)('x %s: its slope in x is that of each channel', async (...[shape]) => {
      const channels = shape.at(-1)!;
      const [gamma, beta] = parameters(channels);
      const mean = tensor<Tensor1D>([channels], 8);
      const variance = tf.add(tensor<Tensor1D>([channels], 9), 1.5) as Tensor1D;
      const x = input(shape);
      const dy = tensor(shape, 10);
      const dx = tf.grad((at) =>
        tf.sum(tf.mul(inferBatchNorm(at as Tensor4D, mean, variance, gamma, beta, epsilon), dy)),
      )(x);
      const [v, g] = [await variance.data(), await gamma.data()];
      expect(dx.shape).toEqual(shape);
      expectClose(
        await dx.data(),
        Array.from(await dy.data(), (value, i) => (value * g[i % channels]!) / Math.sqrt(v[i % channels]! + epsilon)),
      );
    });
  });
});

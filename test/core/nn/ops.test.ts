/** The rest of what networks and losses are made of: that both engines differentiate it rightly and free it. */
import {expect, test} from 'vitest';
import type {ResolvedEngine} from '../../../src/core/engine/contract.ts';
import {
  startEngine,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
} from '../../../src/core/engine/engine.ts';
import {trainBatchNorm} from '../../../src/core/nn/batch-norm.ts';
import {conv2d} from '../../../src/core/nn/convolution.ts';
import {engines, expectClose, expectNoLeaks, onCpu, onEachEngine, tensor} from '../../rig/tensors.ts';

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  loss(...inputs: Tensor[]): Tensor;
}

const weighted = (y: Tensor): Tensor => tf.sum(tf.mul(y, tensor(y.shape, 9)));

const cases: readonly Case[] = [
  {name: 'global average', shapes: [[3, 4, 5, 6]], loss: (x) => weighted(tf.mean(x!, [1, 2]))},
  {
    name: 'dense with bias',
    shapes: [[5, 4], [4, 3], [3]],
    loss: (x, kernel, bias) => weighted(tf.add(tf.matMul(x as Tensor2D, kernel as Tensor2D), bias!)),
  },
  {
    name: 'residual sum, used twice',
    shapes: [[2, 3, 3, 2]],
    loss: (x) => weighted(tf.square(tf.add(x!, tf.mul(x!, x!)))),
  },
  {
    name: 'softmax cross-entropy',
    shapes: [[6, 4]],
    loss: (logits) =>
      tf.losses.softmaxCrossEntropy(
        tf.oneHot(tf.tensor1d([0, 3, 1, 2, 2, 0], 'int32'), 4),
        tf.mul(logits!, 3) as Tensor2D,
      ),
  },
  {
    name: 'similarities of unit rows, log-sum-exp',
    shapes: [[6, 5]],
    loss: (x) => {
      const unit = tf.div(x!, tf.norm(x!, 'euclidean', 1, true)) as Tensor2D;
      return tf.sum(tf.logSumExp(tf.div(tf.matMul(unit, unit, false, true), 0.2), 1));
    },
  },
];

onEachEngine((engine) => {
  test.for(cases)('$name: value and gradients equal those of the plain-JavaScript backend', async ({shapes, loss}) => {
    const all = () => {
      const inputs = shapes.map((shape, i) => tensor(shape, i + 1));
      return [loss(...inputs), ...tf.grads(loss)(inputs)];
    };
    const theirs = await onCpu(() => all().map((part) => part.dataSync()));
    for (const [i, part] of all().entries()) expectClose(await part.data(), theirs[i]!);
  });

  test('relu passes the gradient where its output is positive, and none at 0', async () => {
    const x = tf.tensor1d([-2, -0, 0, 1e-30, 0.5, 3]);
    const gradient = tf.grad((at) => tf.sum(tf.mul(tf.relu(at), tf.tensor1d([1, 2, 3, 4, 5, 6]))))(x);
    expect(Array.from(await gradient.data())).toEqual([0, 0, 0, 4, 5, 6]);
  });

  test('a training step frees its tensors', async () => {
    const filter = tf.variable(tensor<Tensor4D>([3, 3, 3, 4], 1));
    const [gamma, beta] = [tf.variable(tf.ones([4])), tf.variable(tf.zeros([4]))];
    const running = {mean: tf.zeros([4]) as Tensor1D, variance: tf.ones([4]) as Tensor1D, momentum: 0.9};
    const kernel = tf.variable(tensor<Tensor2D>([4, 2], 2));
    const optimizer = tf.train.sgd(0.1);
    const x = tensor<Tensor4D>([4, 8, 8, 3], 3);
    const labels = tf.tensor2d([1, 0, 0, 1, 1, 0, 0, 1], [4, 2]);
    await expectNoLeaks(() =>
      tf.tidy(() => {
        optimizer.minimize(() => {
          const {y} = trainBatchNorm(conv2d(x, filter as Tensor4D, 2), gamma as never, beta as never, running, 1e-5);
          const pooled = tf.mean(tf.relu(y), [1, 2]) as Tensor2D;
          return tf.losses.softmaxCrossEntropy(labels, tf.matMul(pooled, kernel as Tensor2D)) as never;
        });
      }),
    );
  });

  test('starting again returns the running engine', async () => {
    const info = await startEngine({...(engines[engine] as ResolvedEngine), remark: 'because'});
    expect(info).toMatchObject({
      name: engine,
      device: expect.stringMatching(engine === 'webgpu' ? /./ : /^(cpu|gpu)$/),
      remark: 'because',
    });
    expect(info.version).toMatch(/^\d+\.\d+/);
    expect(info.threads).toBeGreaterThanOrEqual(1);
    expect(tf.getBackend()).toBe(engine === 'onnx' ? 'wasm' : engine); // which runs all but recorded steps
  });
});

test('a missing library is named', async () => {
  // In a process of its own: here the engine may be loaded already, and a loaded one is returned.
  const {loadTensorflow} = await import('../../../src/core/engine/tensorflow/tensorflow.ts');
  expect(() => loadTensorflow(tf, {name: 'tensorflow', library: '/nowhere', threads: 2})).toThrow(
    expect.objectContaining({message: expect.stringContaining('/nowhere')}),
  );
});

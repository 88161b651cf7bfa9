import {readdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {takeKernelChecks} from '../../../src/core/engine/check/findings.ts';
import {type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {profileKernels} from '../../../src/core/engine/profile.ts';
import type {NodeBackend} from '../../../src/core/engine/tensorflow/binding.ts';
import {compile} from '../../../src/core/nn/compile.ts';
import {
  batchNorm,
  batchNormParameters,
  conv,
  convParameters,
  createWeights,
  dense,
  denseParameters,
  disposeWeights,
  globalAveragePool,
  type Weights,
  weightsToArrays,
} from '../../../src/core/nn/layers.ts';
import {Sgd} from '../../../src/core/nn/optimise.ts';
import {expectClose, expectNoLeaks, onEachEngine, tensor} from '../../rig/tensors.ts';

onEachEngine((engine) => {
  const parameters = [
    ...convParameters('a', 3, 3, 8),
    ...batchNormParameters('a', 8),
    ...convParameters('b', 3, 8, 8),
    ...batchNormParameters('b', 8),
    ...denseParameters('d', 8, 4, {bias: true}),
  ];
  const logits = (weights: Weights, x: Tensor4D): Tensor2D => {
    const block = (name: string, y: Tensor4D, stride: number) =>
      tf.relu(batchNorm(weights, name, conv(weights, name, y, stride), {training: true}));
    return dense(weights, 'd', globalAveragePool(block('b', block('a', x, 1), 2)));
  };
  const descend = (weights: Weights, sgd: Sgd, x: Tensor, rate: Scalar | number): Tensor[] => {
    const {value, grads} = tf.variableGrads(
      () => tf.mean(tf.square(logits(weights, x as Tensor4D))) as Scalar,
      [...sgd.trainable],
    );
    sgd.step(grads, rate);
    return [value];
  };

  /** Losses and weights of five steps of different rates. */
  async function descent(compiled: boolean) {
    const weights = createWeights(parameters, new Rng(3));
    const sgd = new Sgd(weights, {momentum: 0.9, decay: 1e-3});
    const step = compile([...weights.values(), ...sgd.variables], ([x, rate]) =>
      descend(weights, sgd, x!, rate as Scalar),
    );
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const [x, rate] = [tensor([8, 6, 6, 3], i), tf.scalar(0.1 / (i + 1))];
      const [loss] = compiled ? step.run([x, rate]) : tf.tidy(() => descend(weights, sgd, x, rate));
      losses.push((await loss!.data())[0]!);
      tf.dispose([x, rate, loss!]);
    }
    const made = [...(await weightsToArrays(weights)), ...(await sgd.arrays())];
    step.dispose();
    sgd.dispose();
    disposeWeights(weights);
    return {losses, values: made.map(([, {data}]) => data)};
  }

  test('five steps of descent are those of the function itself', async () => {
    const [plain, compiled] = [await descent(false), await descent(true)];
    expectClose(compiled.losses, plain.losses, {relative: 1e-5});
    for (const [i, values] of plain.values.entries())
      expectClose(compiled.values[i]!, values, {relative: 1e-4, absolute: 1e-6});
    expect(plain.losses[4]!).toBeLessThan(plain.losses[0]!);
  });

  test('the same bits each time', async () => {
    expect(await descent(true)).toEqual(await descent(true));
  });

  test('neither tensors nor files are left behind', async () => {
    const ours = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`pipeline-graph-${process.pid}-`));
    await expectNoLeaks(() => descent(true).then(() => undefined));
    expect(ours()).toEqual([]);
  });

  test('variables move once in each call, from their current values', async () => {
    const number = async (tensor: Tensor) => (await tensor.data())[0];
    const [count, unread] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(9))];
    const double = compile([count, unread], ([x]) => {
      count.assign(tf.mul(count, 2));
      return [tf.add(count, x!)];
    });
    const three = tf.scalar(3);
    expect(await number(double.run([three])[0]!)).toBe(5);
    expect(await number(count)).toBe(2);
    count.assign(tf.scalar(10));
    expect(await number(double.run([three])[0]!)).toBe(23);
    expect(await number(unread)).toBe(9);
    double.dispose();
  });

  test('inputs of another shape are another graph', async () => {
    const sum = compile([], ([x]) => [tf.sum(x!), tf.scalar(x!.size)]);
    for (const shape of [[2, 3], [4], [2, 3]]) {
      const [total, size] = sum.run([tf.ones(shape)]);
      expect([(await total!.data())[0], (await size!.data())[0]]).toEqual([
        tf.util.sizeFromShape(shape),
        tf.util.sizeFromShape(shape),
      ]);
    }
    sum.dispose();
  });

  test('while kernels are profiled they run one by one in every call', () => {
    const profile = profileKernels();
    const relu = compile([], ([x]) => [tf.relu(x!)]);
    try {
      for (let i = 0; i < 3; i++) relu.run([tf.tensor1d([-1, 2])]);
      expect(profile.take().find(({kernel}) => kernel === 'Relu')).toMatchObject({calls: 3});
    } finally {
      profile.stop();
      relu.dispose();
    }
  });

  if (engine !== 'tensorflow' && engine !== 'onnx') return;
  describe('where the function is recorded', () => {
    test('it is called once, and its constants stay', () => {
      let calls = 0;
      const body = compile([], ([x]) => [tf.add(x!, ++calls)]);
      const sums = [5, 6].map((value) => body.run([tf.scalar(value)])[0]!.dataSync()[0]);
      expect({sums, calls}).toEqual({sums: [6, 7], calls: 1});
      body.dispose();
    });

    test.runIf(engine === 'tensorflow')('a graph with other results is not used, and this is reported', () => {
      const backend = tf.backend() as unknown as NodeBackend;
      const {binding} = backend;
      const runSavedModel: typeof binding.runSavedModel = (...given) =>
        binding.runSavedModel(...given).map((handle) => {
          const wrong = tf.mul(backend.createOutputTensor(handle), 1.1);
          return {...handle, id: backend.getInputTensorIds([wrong])[0]!};
        });
      const weight = tf.variable(tf.scalar(100));
      takeKernelChecks();
      const body = compile([weight], ([x]) => {
        weight.assign(tf.add(weight, x!));
        return [];
      });
      backend.binding = new Proxy({} as typeof binding, {
        get: (_, name) => (name === 'runSavedModel' ? runSavedModel : Reflect.get(binding, name)),
      });
      try {
        for (let call = 0; call < 2; call++) body.run([tf.scalar(1)]);
        expect(weight.dataSync()[0]).toBe(102);
        expect(takeKernelChecks()).toMatchObject({refusedGraphs: 1});
      } finally {
        backend.binding = binding;
        body.dispose();
      }
    });

    test('it must not look at values', () => {
      const body = compile([], ([x]) => [tf.scalar(tf.add(x!, 1).dataSync()[0]!)]);
      expect(() => body.run([tf.scalar(1)])).toThrowErrorMatchingInlineSnapshot(
        `[Error: Internal error: a compiled function looks at values]`,
      );
      expect(tf.add(1, 2).dataSync()[0]).toBe(3); // and the engine goes on as before
    });

    test('it must not use other tensors', () => {
      const other = tf.add(tf.scalar(1), tf.scalar(2));
      const body = compile([], ([x]) => [tf.add(x!, other)]);
      expect(() => body.run([tf.scalar(1)])).toThrowErrorMatchingInlineSnapshot(
        `[Error: Internal error: a compiled function uses a tensor that is neither an input nor a variable of it]`,
      );
    });
  });
});

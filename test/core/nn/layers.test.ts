import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
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
  maxPool,
  type ParameterSpec,
  restoreWeights,
  startValues,
  swish,
  type Weights,
  weightsFromArrays,
  weightsToArrays,
} from '../../../src/core/nn/layers.ts';
import {expectClose, expectNoLeaks, finiteDifference, numberIn, onEachEngine, tensor} from '../../rig/tensors.ts';

const moments = (sample: Float32Array) => {
  const mean = sample.reduce((sum, v) => sum + v, 0) / sample.length;
  return {mean, deviation: Math.sqrt(sample.reduce((sum, v) => sum + (v - mean) ** 2, 0) / sample.length)};
};

describe('start values', () => {
  const [filter] = convParameters('a', 3, 8, 64) as [ParameterSpec];

  test('of a convolution: truncated normal, deviation √(2 / fan-out)', () => {
    const sample = startValues({...filter, shape: [3, 3, 128, 64]}, new Rng(0));
    const wanted = Math.sqrt(2 / (9 * 64));
    const {mean, deviation} = moments(sample);
    expect(Math.abs(mean)).toBeLessThan(0.01 * wanted);
    expect(Math.abs(deviation / wanted - 1)).toBeLessThan(0.01);
    // Cut at two deviations of the untruncated normal.
    expect(Math.max(...sample)).toBeLessThanOrEqual((2 * wanted) / 0.8796);
    expect(Math.max(...sample)).toBeGreaterThan((1.95 * wanted) / 0.8796);
  });

  test('of a dense layer: uniform within √(6 / (inputs + outputs)); bias 0', () => {
    const [kernel, bias] = denseParameters('a', 300, 200, {bias: true}) as [ParameterSpec, ParameterSpec];
    const sample = startValues(kernel, new Rng(0));
    const limit = Math.sqrt(6 / 500);
    expect(Math.max(...sample)).toBeLessThanOrEqual(limit);
    expect(Math.abs(moments(sample).deviation / (limit / Math.sqrt(3)) - 1)).toBeLessThan(0.01);
    expect(startValues(bias, new Rng(0))).toEqual(new Float32Array(200));
  });

  test('depend only on the seed and the name', () => {
    expect(startValues(filter, new Rng(3))).toEqual(startValues(filter, new Rng(3)));
    expect(startValues(filter, new Rng(3))).not.toEqual(startValues(filter, new Rng(4)));
    expect(startValues(filter, new Rng(3))).not.toEqual(startValues({...filter, name: 'b/kernel'}, new Rng(3)));
  });
});

onEachEngine(() => {
  test('weights are saved and restored exactly, and leave no tensors', async () => {
    const specs = [...convParameters('c', 3, 2, 4), ...batchNormParameters('b', 4)];
    await expectNoLeaks(async () => {
      const made = createWeights(specs, new Rng(1));
      const arrays = await weightsToArrays(made);
      expect([...arrays.keys()]).toEqual(['c/kernel', 'b/gamma', 'b/beta', 'b/mean', 'b/variance']);
      expect(arrays.get('c/kernel')).toEqual({shape: [3, 3, 2, 4], data: startValues(specs[0]!, new Rng(1))});
      const used = weightsFromArrays(arrays);
      const trained = restoreWeights(specs, arrays);
      expect(await weightsToArrays(used)).toEqual(arrays);
      expect(await weightsToArrays(trained)).toEqual(arrays);
      expect([...trained.values()].map((w) => w.trainable)).toEqual([true, true, true, false, false]);
      expect([...used.values()].some((w) => w.trainable)).toBe(false);
      for (const weights of [made, used, trained]) disposeWeights(weights);
    });
  });

  test('weights of another network are refused', () => {
    const arrays = new Map([['c/kernel', {shape: [1, 1, 2, 4], data: new Float32Array(8)}]]);
    expect(() => restoreWeights(convParameters('c', 3, 2, 4), arrays)).toThrowErrorMatchingInlineSnapshot(
      `[Error: saved weight "c/kernel" is [1,1,2,4]; this network's is [3,3,2,4]]`,
    );
    expect(() => restoreWeights(convParameters('d', 1, 2, 4), arrays)).toThrowErrorMatchingInlineSnapshot(
      `[Error: saved weights have no "d/kernel"]`,
    );
    expect(() => dense(new Map(), 'e', tensor<Tensor2D>([1, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[Error: the weights have no "e/kernel"; they are of another network]`,
    );
  });

  const layers: [string, ParameterSpec[], number[], (weights: Weights, x: Tensor) => Tensor][] = [
    ['dense', denseParameters('l', 3, 2, {bias: true}), [4, 3], (w, x) => dense(w, 'l', x as Tensor2D)],
    ['conv, stride 1', convParameters('l', 3, 2, 3), [2, 4, 4, 2], (w, x) => conv(w, 'l', x as Tensor4D, 1)],
    ['conv, stride 2', convParameters('l', 3, 2, 3), [2, 4, 4, 2], (w, x) => conv(w, 'l', x as Tensor4D, 2)],
    ['conv 7, stride 2', convParameters('l', 7, 1, 2), [1, 6, 6, 1], (w, x) => conv(w, 'l', x as Tensor4D, 2)],
    ['conv 1, stride 2', convParameters('l', 1, 2, 3), [2, 4, 4, 2], (w, x) => conv(w, 'l', x as Tensor4D, 2)],
    [
      'batch norm of images',
      batchNormParameters('l', 2),
      [3, 2, 2, 2],
      (w, x) => batchNorm(w, 'l', x as Tensor4D, {training: true}),
    ],
    [
      'batch norm of rows',
      batchNormParameters('l', 2),
      [5, 2],
      (w, x) => batchNorm(w, 'l', x as Tensor2D, {training: true}),
    ],
    ['max pool', [], [1, 4, 4, 2], (_, x) => maxPool(tf.add(x, 2))],
    ['global average pool', [], [2, 3, 3, 2], (_, x) => globalAveragePool(x as Tensor4D)],
  ];
  test.for(layers)('gradients of %s are those of finite differences', async ([, specs, shape, layer]) => {
    const weights = createWeights(specs, new Rng(2));
    const names = specs.filter(({trainable}) => trainable).map(({name}) => name);
    const size = shape.reduce((product, side) => product * side, 1);
    // Evenly spread, so that no difference quotient moves a maximum elsewhere.
    const at = Float32Array.from({length: size}, (_, i) => (2 * ((7 * i) % size)) / size - 1);
    // A weighted sum, so that every output has another gradient; squared, so that batch norm's is not 0.
    const loss = (x: Tensor): Scalar => {
      const y = layer(weights, x);
      return tf.sum(tf.mul(tf.square(tf.add(y, 1)), tensor(y.shape, 9)));
    };
    const input = tf.variable(tf.tensor(at, shape));
    const {grads} = tf.tidy(() =>
      tf.variableGrads(() => loss(input), [input, ...names.map((name) => weights.get(name)!)]),
    );
    const tolerance = {relative: 2e-2, absolute: 2e-2};
    const lossOf = (values: Float32Array) => numberIn(tf.tidy(() => loss(tf.tensor(values, shape))));
    expectClose(await grads[input.name]!.data(), await finiteDifference(lossOf, at), tolerance);
    for (const name of names) {
      const weight = weights.get(name)!;
      const numeric = await finiteDifference(
        (moved) => {
          const value = tf.tensor(moved, weight.shape);
          weight.assign(value);
          value.dispose();
          return lossOf(at);
        },
        Float32Array.from(await weight.data()),
      );
      expectClose(await grads[weight.name]!.data(), numeric, tolerance);
    }
  });

  test('batch norm moves its running statistics by a tenth, and uses them in inference', async () => {
    const weights = createWeights(batchNormParameters('b', 1), new Rng(0));
    const x = tf.tensor4d([1, 3, 5, 7], [1, 2, 2, 1]); // mean 4, variance 5 (biased), 20 / 3 (unbiased)
    const trained = tf.tidy(() => batchNorm(weights, 'b', x, {training: true}));
    expectClose(
      await trained.data(),
      [1, 3, 5, 7].map((v) => (v - 4) / Math.sqrt(5 + 1e-5)),
    );
    expectClose(await weights.get('b/mean')!.data(), [0.1 * 4]);
    expectClose(await weights.get('b/variance')!.data(), [0.9 + (0.1 * 20) / 3]);
    const inferred = tf.tidy(() => batchNorm(weights, 'b', x, {training: false}));
    expectClose(
      await inferred.data(),
      [1, 3, 5, 7].map((v) => (v - 0.4) / Math.sqrt(0.9 + 2 / 3 + 1e-5)),
    );
    expectClose(await weights.get('b/mean')!.data(), [0.1 * 4]);
  });

  test('convolution and max pool pad by half their size on every side', async () => {
    const ones = new Map([['c/kernel', tf.variable(tf.ones([3, 3, 1, 1]))]]);
    const x = tf.ones<typeof tf.Rank.R4>([1, 4, 4, 1]);
    expectClose(await conv(ones, 'c', x, 2).data(), [4, 6, 6, 9]); // "same" of TensorFlow would give 9 6 6 4
    const ramp = tf.tensor4d(
      Array.from({length: 16}, (_, i) => i),
      [1, 4, 4, 1],
    );
    expectClose(await maxPool(ramp).data(), [5, 7, 13, 15]);
  });

  test('swish is x · σ(x), with its slope, also far from 0', async () => {
    const x = Float32Array.of(-90, -5, -1.278464, -0.5, 0, 0.5, 3, 90);
    const sigmoid = (at: number): number => 1 / (1 + Math.exp(-at));
    const from = tf.tensor1d(x);
    expectClose(
      await swish(from).data(),
      Array.from(x, (at) => at * sigmoid(at)),
    );
    const weights = tensor([8], 3);
    const slope = () => tf.grad((at) => tf.sum(tf.mul(swish(at), weights)))(from);
    const s = await weights.data();
    expectClose(
      await slope().data(),
      Array.from(x, (at, i) => s[i]! * (sigmoid(at) + at * sigmoid(at) * (1 - sigmoid(at)))),
    );
    await expectNoLeaks(slope);
  });
});

import {once} from 'node:events';
import {beforeAll, expect, test} from 'vitest';
import {startEngine, type Tensor, type Tensor1D, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import {trainBatchNorm} from '../../../../src/core/nn/batch-norm.ts';
import {compile} from '../../../../src/core/nn/compile.ts';
import {conv2d} from '../../../../src/core/nn/convolution.ts';
import {expectClose, tensor} from '../../../rig/tensors.ts';

beforeAll(() => startEngine({name: 'onnx', threads: 2}));

/** What `body` gives as a graph, and as it is written, on wasm. */
function bothWays(inputs: Tensor[], body: (inputs: readonly Tensor[]) => Tensor[]) {
  let calls = 0;
  const counted = (given: readonly Tensor[]): Tensor[] => {
    calls++;
    return body(given);
  };
  const graph = compile([], counted);
  const made = graph.run(inputs);
  expect(calls, 'calls of what is recorded and then run by the graph').toBe(1);
  const plain = tf.tidy(() => body(inputs));
  graph.dispose();
  return made.map((one, i) => ({
    shape: one.shape,
    made: one.dataSync(),
    plain: plain[i]!.dataSync(),
    wanted: plain[i]!.shape,
  }));
}

// Channels below, of and beyond a whole block of 8 or 16; sides that the stride divides and that it does not.
test.for([
  {k: 3, stride: 1, side: 8, channels: 3, features: 16},
  {k: 3, stride: 1, side: 7, channels: 16, features: 16},
  {k: 3, stride: 1, side: 8, channels: 13, features: 26},
  {k: 3, stride: 1, side: 5, channels: 33, features: 7},
  {k: 3, stride: 2, side: 8, channels: 16, features: 32},
  {k: 3, stride: 2, side: 9, channels: 18, features: 5},
  {k: 1, stride: 1, side: 6, channels: 64, features: 16},
  {k: 1, stride: 2, side: 7, channels: 20, features: 24},
  {k: 5, stride: 1, side: 9, channels: 24, features: 48},
  {k: 7, stride: 2, side: 12, channels: 3, features: 20},
  {k: 7, stride: 2, side: 11, channels: 17, features: 1},
])('convolution $k × $k by $stride of side $side, $channels to $features channels, and its gradients', (of) => {
  const x = tensor<Tensor4D>([3, of.side, of.side, of.channels], 1);
  const filter = tensor<Tensor4D>([of.k, of.k, of.channels, of.features], 2);
  const side = Math.ceil(of.side / of.stride);
  const dy = tensor<Tensor4D>([3, side, side, of.features], 3);
  const all = bothWays([x, filter, dy], ([a, b, c]) => [
    conv2d(a as Tensor4D, b as Tensor4D, of.stride),
    ...tf.grads((y, w) => conv2d(y as Tensor4D, w as Tensor4D, of.stride))([a!, b!], c),
  ]);
  for (const {shape, wanted, made, plain} of all) {
    expect(shape).toEqual(wanted);
    expectClose(made, plain, {relative: 1e-4, absolute: 1e-4});
  }
});

test.for([4, 16, 21])('batch normalisation of %i channels, relu, and their gradients', (channels) => {
  const image = [4, 5, 5, channels];
  const given = [tensor(image, 1), tensor([channels], 2), tensor([channels], 3), tensor(image, 4)];
  const all = bothWays(given, ([x, gamma, beta, dy]) => {
    const running = {mean: tf.zeros([channels]) as Tensor1D, variance: tf.ones([channels]) as Tensor1D, momentum: 0.9};
    const normal = (a: Tensor, b: Tensor, c: Tensor) =>
      trainBatchNorm(a as Tensor4D, b as Tensor1D, c as Tensor1D, running, 1e-5);
    const slopes = tf.grads((a, b, c) => tf.relu(normal(a!, b!, c!).y));
    const {y, mean, variance} = normal(x!, gamma!, beta!);
    return [y, mean, variance, ...slopes([x!, gamma!, beta!], dy)];
  });
  for (const {made, plain} of all) expectClose(made, plain, {relative: 1e-4, absolute: 1e-4});
});

test('a step of any number of threads makes the same bytes', async () => {
  const made: Float32Array[] = [];
  for (const threads of [1, 2, 3]) {
    await startEngine({name: 'onnx', threads});
    const [x, filter] = [tensor<Tensor4D>([8, 12, 12, 24], 1), tensor<Tensor4D>([3, 3, 24, 40], 2)];
    const graph = compile([], ([y, w]) =>
      tf.grads((a, b) => tf.relu(conv2d(a as Tensor4D, b as Tensor4D, 1)))([y!, w!]),
    );
    made.push(...graph.run([x, filter]).map((one) => Float32Array.from(one.dataSync())));
    graph.dispose();
  }
  expect(made.slice(2, 4)).toEqual(made.slice(0, 2));
  expect(made.slice(4, 6)).toEqual(made.slice(0, 2));
});

test('a step without an operator runs on wasm, kernel by kernel, and this is reported', async () => {
  const warned = once(process, 'warning') as Promise<[Error]>;
  const graph = compile([], ([x]) => [tf.acosh(x!)]);
  expect(graph.run([tf.scalar(2)])[0]!.dataSync()[0]).toBeCloseTo(Math.acosh(2), 5);
  expect((await warned)[0].message).toMatchInlineSnapshot(
    `"the onnx engine runs a step on wasm, because it has no operator for Acosh"`,
  );
  graph.dispose();
});

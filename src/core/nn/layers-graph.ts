/** The layers of `layers.ts` in inference, as nodes of an ONNX graph, where images are (n, c, h, w). */

import type {Matrix, NamedArrays} from '../contracts/data.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import {batchNormEpsilon, weightOf} from './layers.ts';

/** How each of `rows` numbers along an axis is a sum of `columns` others: a matrix. */
type Weighting = Matrix;

/** What a resampling does along an axis of `from` numbers: it gets one that is 1 in each channel, in a line of `from` pixels. */
export function weighting(from: number, resampled: (line: Float32Array, channels: number) => Float32Array): Weighting {
  const each = new Float32Array(from * from);
  for (let i = 0; i < from; i++) each[i * from + i] = 1;
  const data = resampled(each, from);
  return {rows: data.length / from, columns: from, data};
}

/** x (n, inputs) → (n, outputs). */
export function denseGraph(builder: GraphBuilder, weights: NamedArrays, name: string, x: Value): Value {
  const kernel = weightOf(weights, name, 'kernel');
  const y = builder.node('MatMul', [x, builder.constant(kernel.data, kernel.shape)]);
  const bias = weights.get(`${name}/bias`);
  return bias ? builder.node('Add', [y, builder.constant(bias.data)]) : y;
}

/** x (n, inputs, h, w) → (n, outputs, ⌈h / stride⌉, ⌈w / stride⌉). */
export function convGraph(builder: GraphBuilder, weights: NamedArrays, name: string, x: Value, stride: number): Value {
  const {shape, data} = weightOf(weights, name, 'kernel');
  const [size, , inputs, outputs] = shape as [number, number, number, number];
  const around = Math.floor(size / 2);
  const kernel = builder.constant(outputsFirst(data, size * size, inputs, outputs), [outputs, inputs, size, size]);
  return builder.node('Conv', [x, kernel], {strides: [stride, stride], pads: [around, around, around, around]});
}

/** x (n, c, h, w) → (n, c, ⌈h / stride⌉, ⌈w / stride⌉), a filter for each channel. */
export function depthwiseGraph(
  builder: GraphBuilder,
  weights: NamedArrays,
  name: string,
  x: Value,
  stride: number,
): Value {
  const {shape, data} = weightOf(weights, name, 'kernel');
  const [size, , channels] = shape as [number, number, number, number];
  const around = Math.floor(size / 2);
  const kernel = builder.constant(outputsFirst(data, size * size, channels, 1), [channels, 1, size, size]);
  const attributes = {strides: [stride, stride], pads: [around, around, around, around], group: channels};
  return builder.node('Conv', [x, kernel], attributes);
}

/** x (n, c) or (n, c, h, w), normalised by the running statistics. */
export function batchNormGraph(builder: GraphBuilder, weights: NamedArrays, name: string, x: Value): Value {
  const parts = ['gamma', 'beta', 'mean', 'variance'].map((part) =>
    builder.constant(weightOf(weights, name, part).data),
  );
  return builder.node('BatchNormalization', [x, ...parts], {epsilon: {float: batchNormEpsilon}});
}

/** 3 × 3, stride 2, padded by 1. */
export const maxPoolGraph = (builder: GraphBuilder, x: Value): Value =>
  builder.node('MaxPool', [x], {kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]});

/** x (n, c, h, w) → (n, c). */
export const globalAveragePoolGraph = (builder: GraphBuilder, x: Value): Value =>
  builder.node('Flatten', [builder.node('GlobalAveragePool', [x])]);

/** x (n, c, h, w) → (n, c, rows of `down`, rows of `across`): rows and columns are weighted sums of rows and columns. */
export function resampledGraph(builder: GraphBuilder, x: Value, down: Weighting, across: Weighting): Value {
  const [vertical, horizontal] = [down, across].map(({rows, columns, data}) => builder.constant(data, [rows, columns]));
  const turned = builder.node('Transpose', [horizontal!], {perm: [1, 0]});
  return builder.node('MatMul', [builder.node('MatMul', [vertical!, x]), turned]);
}

export const reluGraph = (builder: GraphBuilder, x: Value): Value => builder.node('Relu', [x]);

export const swishGraph = (builder: GraphBuilder, x: Value): Value =>
  builder.node('Mul', [x, builder.node('Sigmoid', [x])]);

/** (places, inputs, outputs) → (outputs, inputs, places). */
function outputsFirst(kernel: Float32Array, places: number, inputs: number, outputs: number): Float32Array {
  const turned = new Float32Array(kernel.length);
  for (let place = 0, from = 0; place < places; place++)
    for (let input = 0; input < inputs; input++)
      for (let output = 0; output < outputs; output++)
        turned[(output * inputs + input) * places + place] = kernel[from++]!;
  return turned;
}

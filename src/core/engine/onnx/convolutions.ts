/** Convolutions and their gradients: direct ones on blocks of channels, and products for the filters' gradients. */

import type {Value} from '../../formats/onnx/builder.ts';
import {tf} from '../running.ts';
import type {LaidOutTensor, LayoutGraph} from './layout-graph.ts';
import type {Translate} from './translate.ts';

type Four = [number, number, number, number];
type Pair = readonly [number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number;
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly inputShape: Four;
  readonly filterShape: Four;
}

/** Sides, padding and strides. */
function infoOf(input: readonly number[], filter: readonly number[], attrs: Attributes, depthwise = false) {
  const {strides, pad, dilations = 1, dimRoundingMode} = attrs;
  const info = tf.backend_util.computeConv2DInfo(
    input as Four,
    filter as Four,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const {top, bottom, left, right} = info.padInfo;
  return {
    output: info.outShape as Four,
    vertical: [top, bottom] as Pair,
    horizontal: [left, right] as Pair,
    stride: [info.strideHeight, info.strideWidth] as Pair,
  };
}

/** y = x convolved with a filter (h, w, c, k). */
export const conv2d: Translate<Attributes> = (graph, {x, filter}, attrs) => {
  const {output, vertical, horizontal, stride} = infoOf(x!.shape, filter!.shape, attrs);
  const turned = graph.transpose(graph.plain(filter!), [3, 2, 0, 1]);
  return [convolve(graph, x!, turned, filter!.shape, {vertical, horizontal, stride, output})];
};

interface Way {
  readonly vertical: Pair;
  readonly horizontal: Pair;
  readonly stride: Pair;
  readonly output: readonly number[];
}

/** `filter`: (k, c, h, w) of a filter of the shape `sides`: (h, w, c, k). */
function convolve(
  graph: LayoutGraph,
  x: LaidOutTensor,
  filter: Value,
  sides: readonly number[],
  way: Way,
): LaidOutTensor {
  const [, , inputs, outputs] = sides as Four;
  const {vertical, horizontal, stride, output} = way;
  const [blockedInputs, blockedOutputs] = [graph.whole(inputs), graph.whole(outputs)];
  // Of few channels (pixels) the operator takes images with the channels first.
  const few = inputs < graph.block;
  const image = few
    ? graph.once(`channels first ${graph.plain(x)}`, () => graph.transpose(graph.plain(x), [0, 3, 1, 2]))
    : graph.blocked(x);
  const blocked = graph.blockedNode(
    'Conv',
    [
      image,
      few
        ? inBlocks(graph, filter, sides, {inputs, outputs: blockedOutputs})
        : inBlocks(graph, filter, sides, {inputs: blockedInputs, outputs: blockedOutputs}, graph.block),
    ],
    {
      pads: [vertical[0], horizontal[0], vertical[1], horizontal[1]],
      strides: [...stride],
      kernel_shape: sides.slice(0, 2),
    },
  );
  return {shape: output, blocked};
}

/** A filter (k, c, h, w), filled up, in the order (k / block, c / part, h, w, part, block). */
function inBlocks(
  graph: LayoutGraph,
  filter: Value,
  [height, width, channels, features]: readonly number[],
  {inputs, outputs}: {readonly inputs: number; readonly outputs: number},
  part = 1,
): Value {
  const {block} = graph;
  const whole = graph.pad(filter, [
    [0, outputs - features!],
    [0, inputs - channels!],
    [0, 0],
    [0, 0],
  ]);
  const split = graph.reshape(whole, [outputs / block, block, inputs / part, part, height!, width!]);
  return graph.reshape(graph.transpose(split, [0, 2, 4, 5, 3, 1]), [outputs, inputs, height!, width!]);
}

/** dx: the gradient, spread out by the stride, convolved with the filter turned by 180°, from features to channels. */
export const conv2dInputGradient: Translate<Attributes> = (graph, {dy, filter}, attrs) => {
  const {inputShape} = attrs;
  const sides = filter!.shape as Four;
  const {vertical, horizontal, stride} = infoOf(inputShape, sides, attrs);
  const spread = spreadOut(graph, dy!, stride);
  const turned = graph.transpose(backwards(graph, graph.plain(filter!)), [2, 3, 0, 1]);
  const full = fullSides(spread, sides, inputShape, [vertical[0], horizontal[0]]);
  const [height, width, channels, features] = sides;
  return [
    convolve(graph, spread, turned, [height, width, features, channels], {...full, stride: [1, 1], output: inputShape}),
  ];
};

/** The filter turned by 180°. */
function backwards(graph: LayoutGraph, filter: Value): Value {
  const before = Number.MIN_SAFE_INTEGER;
  return graph.slice(filter, [-1, -1], [before, before], [0, 1], [-1, -1]);
}

/** The padding with which a convolution of a spread gradient gives as many rows and columns as the input has. */
function fullSides(spread: LaidOutTensor, filter: readonly number[], input: readonly number[], [top, left]: Pair) {
  const sides = (axis: 1 | 2, before: number): Pair => {
    const start = filter[axis - 1]! - 1 - before;
    return [start, input[axis]! + filter[axis - 1]! - 1 - start - spread.shape[axis]!];
  };
  return {vertical: sides(1, top), horizontal: sides(2, left)};
}

/** Zeros between rows and columns: (n, h, w, c) → (n, s·(h − 1) + 1, s·(w − 1) + 1, c). */
function spreadOut(graph: LayoutGraph, x: LaidOutTensor, [down, across]: Pair): LaidOutTensor {
  if (down === 1 && across === 1) return x;
  const [n, height, width, channels] = x.shape as Four;
  const images = (n * graph.whole(channels)) / graph.block;
  const apart = graph.reshape(graph.blocked(x), [images, height, 1, width, 1, graph.block]);
  const grown = graph.pad(apart, [
    [0, 0],
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
    [0, 0],
  ]);
  const all = graph.reshape(grown, [images, height * down, width * across, graph.block]);
  const [rows, columns] = [(height - 1) * down + 1, (width - 1) * across + 1];
  const cut = graph.slice(all, [0, 0], [rows, columns], [1, 2]);
  return {
    shape: [n, rows, columns, channels],
    blocked: graph.reshape(cut, [n, graph.whole(channels), rows, columns]),
  };
}

/** dW[i, j, c, k] = Σ x[n, i + s·p, j + s·q, c] · dy[n, p, q, k]: for each tap (i, j) a product of c (or k) rows of all places. */
export const conv2dFilterGradient: Translate<Attributes> = (graph, {x, dy}, attrs) => {
  const {filterShape} = attrs;
  const [height, width, channels, features] = filterShape;
  const {vertical, horizontal, stride} = infoOf(x!.shape, filterShape, attrs);
  const taps = Array.from({length: height * width}, (_, at) => [Math.floor(at / width), at % width] as const);
  if (stride[0] === 1 && stride[1] === 1 && channels >= features) {
    // The places of x as they are, under a gradient that is moved.
    const moved = graph.pad(graph.plain(dy!), [
      [0, 0],
      [height - 1 - vertical[0], height - 1 - vertical[1]],
      [width - 1 - horizontal[0], width - 1 - horizontal[1]],
      [0, 0],
    ]);
    const [, rows, columns] = x!.shape as Four;
    const left = placesLast(graph, x!);
    const products = taps.map(([i, j]) => {
      const [top, start] = [height - 1 - i, width - 1 - j];
      const under = taps.length === 1 ? moved : graph.slice(moved, [top, start], [top + rows, start + columns], [1, 2]);
      return graph.node('MatMul', [left, graph.reshape(under, [-1, features])]);
    });
    return [{shape: filterShape, plain: graph.reshape(joined(graph, products), filterShape)}];
  }
  const image = graph.pad(graph.plain(x!), [[0, 0], vertical, horizontal, [0, 0]]);
  const [, rows, columns] = dy!.shape as Four;
  const left = placesLast(graph, dy!);
  const under = taps.map(([i, j]) => {
    const ends = [i + (rows - 1) * stride[0] + 1, j + (columns - 1) * stride[1] + 1];
    return graph.slice(image, [i, j], ends, [1, 2], [...stride]);
  });
  if (channels < graph.block) {
    const all = graph.node('Concat', under, {axis: 3});
    const product = graph.node('MatMul', [left, graph.reshape(all, [-1, taps.length * channels])]);
    return [{shape: filterShape, plain: graph.reshape(graph.transpose(product, [1, 0]), filterShape)}];
  }
  const products = under.map((one) => graph.node('MatMul', [left, graph.reshape(one, [-1, channels])]));
  const stacked = graph.reshape(joined(graph, products), [taps.length, features, channels]);
  return [{shape: filterShape, plain: graph.reshape(graph.transpose(stacked, [0, 2, 1]), filterShape)}];
};

const joined = (graph: LayoutGraph, parts: readonly Value[]): Value =>
  parts.length === 1 ? parts[0]! : graph.node('Concat', parts, {axis: 0});

/** (n, h, w, c) → (c, n·h·w): a row for each channel. */
function placesLast(graph: LayoutGraph, x: LaidOutTensor): Value {
  const rows = graph.plain(x);
  return graph.once(`places last ${rows}`, () => graph.transpose(graph.reshape(rows, [-1, x.shape[3]!]), [1, 0]));
}

/** Each kernel of tfjs that a compiled function may run, as operators of ONNX. */

import type {Value} from '../../formats/onnx/builder.ts';
import {dataTypes} from '../../formats/onnx/fields.ts';
import {RELU_GRAD, TRAIN_BATCH_NORM, TRAIN_BATCH_NORM_GRAD} from '../gradients.ts';
import {inferBatchNorm, trainBatchNorm, trainBatchNormGradient} from './batch-norms.ts';
import {conv2d, conv2dFilterGradient, conv2dInputGradient} from './convolutions.ts';
import type {LaidOutTensor, LayoutGraph} from './layout-graph.ts';
import {type Translate, Untranslated} from './translate.ts';

/** Several operators in a row on one tensor of any layout, in which zeros stay zeros, or with channels by themselves. */
const each =
  (make: (graph: LayoutGraph, x: Value) => Value): Translate<object> =>
  (graph, {x}) => [
    x!.blocked === undefined
      ? {shape: x!.shape, plain: make(graph, x!.plain!)}
      : {shape: x!.shape, blocked: make(graph, x!.blocked)},
  ];

/** What does not keep zeros is made where no channels are filled up. */
const eachPlain =
  (make: (graph: LayoutGraph, x: Value) => Value): Translate<object> =>
  (graph, {x}) => [{shape: x!.shape, plain: make(graph, graph.plain(x!))}];

const operator =
  (name: string) =>
  (graph: LayoutGraph, ...x: Value[]): Value =>
    graph.node(name, x);

const isBlockedPair = (a: LaidOutTensor, b: LaidOutTensor): boolean =>
  (a.blocked !== undefined || b.blocked !== undefined) && String(a.shape) === String(b.shape);

/** Of two tensors of one shape in blocks, where one is; else with broadcasting. */
const both =
  (make: (graph: LayoutGraph, a: Value, b: Value) => Value): Translate<object> =>
  (graph, {a, b}, _, [shape]) => [
    isBlockedPair(a!, b!)
      ? {shape: shape!, blocked: make(graph, graph.blocked(a!), graph.blocked(b!))}
      : {shape: shape!, plain: make(graph, graph.plain(a!), graph.plain(b!))},
  ];

const bothPlain =
  (make: (graph: LayoutGraph, a: Value, b: Value) => Value): Translate<object> =>
  (graph, {a, b}, _, [shape]) => [{shape: shape!, plain: make(graph, graph.plain(a!), graph.plain(b!))}];

type Axes = number | readonly number[] | null | undefined;

const reduction =
  (name: string, axesOf: (attrs: Record<string, Axes>) => Axes): Translate<Record<string, Axes>> =>
  (graph, {x}, attrs, [shape]) => {
    const axes = axesOf(attrs);
    const all = axes === null || axes === undefined ? x!.shape.map((_, i) => i) : [axes].flat();
    if (all.length === 0) return [{shape: shape!, plain: graph.plain(x!)}];
    // Up to opset 17 the axes are an attribute, for the largest value only.
    const reduced =
      name === 'ReduceMax' || name === 'ReduceMean' || name === 'ReduceSum'
        ? graph.node(name, [graph.plain(x!), graph.integers(...all)], {keepdims: 0})
        : graph.node(name, [graph.plain(x!)], {axes: all, keepdims: 0});
    return [{shape: shape!, plain: graph.reshape(reduced, shape!)}];
  };

const matMul: Translate<{readonly transposeA: boolean; readonly transposeB: boolean}> = (
  graph,
  {a, b},
  {transposeA, transposeB},
  [shape],
) => {
  const given = (x: LaidOutTensor, swapped: boolean): Value => {
    if (!swapped) return graph.plain(x);
    const axes = x.shape.map((_, axis) => axis);
    return graph.transpose(graph.plain(x), [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
  };
  return [{shape: shape!, plain: graph.node('MatMul', [given(a!, transposeA), given(b!, transposeB)])}];
};

const numbered = (inputs: Readonly<Record<string, LaidOutTensor>>): readonly LaidOutTensor[] =>
  Object.keys(inputs)
    .sort((a, b) => Number(a) - Number(b))
    .map((key) => inputs[key]!);

const addN: Translate<object> = (graph, inputs, _, [shape]) => {
  const parts = numbered(inputs);
  return parts.some(({blocked}) => blocked !== undefined)
    ? [{shape: shape!, blocked: parts.map((part) => graph.blocked(part)).reduce((sum, part) => graph.sum(sum, part))}]
    : [{shape: shape!, plain: parts.map((part) => graph.plain(part)).reduce((sum, part) => graph.sum(sum, part))}];
};

const concat: Translate<{readonly axis: number}> = (graph, inputs, {axis}, [shape]) => [
  {
    shape: shape!,
    plain: graph.node(
      'Concat',
      numbered(inputs).map((part) => graph.plain(part)),
      {axis},
    ),
  },
];

const split: Translate<{readonly axis: number}> = (graph, {x}, {axis}, shapes) => {
  const at = axis < 0 ? axis + x!.shape.length : axis;
  let from = 0;
  return shapes.map((shape) => {
    const start = from;
    from += shape[at]!;
    return {shape, plain: graph.slice(graph.plain(x!), [start], [from], [at])};
  });
};

/** Of rows and columns, where images are in blocks. */
const pad: Translate<{readonly paddings: readonly (readonly [number, number])[]; readonly constantValue: number}> = (
  graph,
  {x},
  {paddings, constantValue},
  [shape],
) => {
  if (constantValue !== 0) throw new Untranslated('PadV2 by another value than 0');
  if (x!.blocked === undefined) return [{shape: shape!, plain: graph.pad(graph.plain(x!), paddings)}];
  return [
    {
      shape: shape!,
      blocked: graph.within(x!, shape!, (y) => graph.pad(y, [[0, 0], paddings[1]!, paddings[2]!, [0, 0]])),
    },
  ];
};

const slice: Translate<{readonly begin: readonly number[]; readonly size: readonly number[]}> = (
  graph,
  {x},
  {begin},
  [shape],
) => {
  const starts = x!.shape.map((_, i) => begin[i] ?? 0);
  const ends = starts.map((start, i) => start + shape![i]!);
  const inside = x!.blocked !== undefined && [0, 3].every((axis) => shape![axis] === x!.shape[axis]);
  if (inside)
    return [
      {
        shape: shape!,
        blocked: graph.within(x!, shape!, (y) => graph.slice(y, starts.slice(1, 3), ends.slice(1, 3), [1, 2])),
      },
    ];
  return [
    {
      shape: shape!,
      plain: graph.slice(
        graph.plain(x!),
        starts,
        ends,
        starts.map((_, i) => i),
      ),
    },
  ];
};

const transpose: Translate<{readonly perm: readonly number[]}> = (graph, {x}, {perm}, [shape]) => [
  {shape: shape!, plain: graph.transpose(graph.plain(x!), perm)},
];

/** Integers and booleans are only cast to float32. */
const cast: Translate<{readonly dtype: string}> = (graph, {x}, {dtype}) => {
  if (dtype !== 'float32') throw new Untranslated(`Cast to ${dtype}`);
  return [{shape: x!.shape, plain: graph.node('Cast', [graph.plain(x!)], {to: dataTypes.float})}];
};

const argMax: Translate<{readonly axis: number}> = (graph, {x}, {axis}, [shape]) => [
  {shape: shape!, plain: graph.node('ArgMax', [graph.plain(x!)], {axis, keepdims: 0})},
];

const reluGradient: Translate<object> = (graph, {dy, y}, attrs, shapes) =>
  both((_, a, b) => graph.product(a, graph.node('Sign', [b])))(graph, {a: dy!, b: y!}, attrs, shapes);

export const kernels: Readonly<Record<string, Translate<never>>> = {
  Abs: each(operator('Abs')),
  Add: both(operator('Add')),
  AddN: addN,
  ArgMax: argMax,
  BatchMatMul: matMul,
  Cast: cast,
  Concat: concat,
  Conv2D: conv2d,
  Conv2DBackpropFilter: conv2dFilterGradient,
  Conv2DBackpropInput: conv2dInputGradient,
  Equal: bothPlain(operator('Equal')),
  Exp: eachPlain(operator('Exp')),
  FusedBatchNorm: inferBatchNorm,
  GreaterEqual: bothPlain(operator('GreaterOrEqual')),
  Log: eachPlain(operator('Log')),
  Max: reduction('ReduceMax', ({reductionIndices}) => reductionIndices),
  Maximum: bothPlain(operator('Max')),
  Mean: reduction('ReduceMean', ({axis}) => axis),
  Multiply: both(operator('Mul')),
  Neg: each(operator('Neg')),
  PadV2: pad,
  Pow: bothPlain(operator('Pow')),
  RealDiv: bothPlain(operator('Div')),
  Relu: each(operator('Relu')),
  Rsqrt: eachPlain((graph, x) => graph.node('Reciprocal', [graph.node('Sqrt', [x])])),
  Sigmoid: eachPlain(operator('Sigmoid')),
  Slice: slice,
  SplitV: split,
  Sqrt: each(operator('Sqrt')),
  Square: each((graph, x) => graph.product(x, x)),
  Sub: both(operator('Sub')),
  Sum: reduction('ReduceSum', ({axis}) => axis),
  Transpose: transpose,
  [RELU_GRAD]: reluGradient,
  [TRAIN_BATCH_NORM]: trainBatchNorm,
  [TRAIN_BATCH_NORM_GRAD]: trainBatchNormGradient,
};

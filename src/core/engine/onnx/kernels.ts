/** Each kernel of tfjs that a compiled function may run, as operators of ONNX. */

import type {Value} from '../../formats/onnx/builder.ts';
import {dataTypes} from '../../formats/onnx/fields.ts';
import {RELU_GRAD, TRAIN_BATCH_NORM, TRAIN_BATCH_NORM_GRAD} from '../gradients.ts';
import {inferBatchNorm, trainBatchNorm, trainBatchNormGradient} from './batch-norms.ts';
import {conv2d, conv2dFilterGradient, conv2dInputGradient} from './convolutions.ts';
import type {Sheet, Sheeted} from './sheet.ts';
import {type Translate, Untranslated} from './translate.ts';

/** Several operators in a row on one tensor of any layout, in which zeros stay zeros, or with channels by themselves. */
const each =
  (make: (sheet: Sheet, x: Value) => Value): Translate<object> =>
  (sheet, {x}) => [
    x!.blocked === undefined
      ? {shape: x!.shape, plain: make(sheet, x!.plain!)}
      : {shape: x!.shape, blocked: make(sheet, x!.blocked)},
  ];

/** What does not keep zeros is made where no channels are filled up. */
const eachPlain =
  (make: (sheet: Sheet, x: Value) => Value): Translate<object> =>
  (sheet, {x}) => [{shape: x!.shape, plain: make(sheet, sheet.plain(x!))}];

const operator =
  (name: string) =>
  (sheet: Sheet, ...x: Value[]): Value =>
    sheet.node(name, x);

const isBlockedPair = (a: Sheeted, b: Sheeted): boolean =>
  (a.blocked !== undefined || b.blocked !== undefined) && String(a.shape) === String(b.shape);

/** Of two tensors of one shape in blocks, where one is; else with broadcasting. */
const both =
  (make: (sheet: Sheet, a: Value, b: Value) => Value): Translate<object> =>
  (sheet, {a, b}, _, [shape]) => [
    isBlockedPair(a!, b!)
      ? {shape: shape!, blocked: make(sheet, sheet.blocked(a!), sheet.blocked(b!))}
      : {shape: shape!, plain: make(sheet, sheet.plain(a!), sheet.plain(b!))},
  ];

const bothPlain =
  (make: (sheet: Sheet, a: Value, b: Value) => Value): Translate<object> =>
  (sheet, {a, b}, _, [shape]) => [{shape: shape!, plain: make(sheet, sheet.plain(a!), sheet.plain(b!))}];

type Axes = number | readonly number[] | null | undefined;

const reduction =
  (name: string, axesOf: (attrs: Record<string, Axes>) => Axes): Translate<Record<string, Axes>> =>
  (sheet, {x}, attrs, [shape]) => {
    const axes = axesOf(attrs);
    const all = axes === null || axes === undefined ? x!.shape.map((_, i) => i) : [axes].flat();
    if (all.length === 0) return [{shape: shape!, plain: sheet.plain(x!)}];
    // Up to opset 17 of the largest value alone the axes are an attribute.
    const reduced =
      name === 'ReduceMax' || name === 'ReduceMean' || name === 'ReduceSum'
        ? sheet.node(name, [sheet.plain(x!), sheet.integers(...all)], {keepdims: 0})
        : sheet.node(name, [sheet.plain(x!)], {axes: all, keepdims: 0});
    return [{shape: shape!, plain: sheet.reshape(reduced, shape!)}];
  };

const matMul: Translate<{readonly transposeA: boolean; readonly transposeB: boolean}> = (
  sheet,
  {a, b},
  {transposeA, transposeB},
  [shape],
) => {
  const given = (x: Sheeted, swapped: boolean): Value => {
    if (!swapped) return sheet.plain(x);
    const axes = x.shape.map((_, axis) => axis);
    return sheet.transpose(sheet.plain(x), [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
  };
  return [{shape: shape!, plain: sheet.node('MatMul', [given(a!, transposeA), given(b!, transposeB)])}];
};

const numbered = (inputs: Readonly<Record<string, Sheeted>>): readonly Sheeted[] =>
  Object.keys(inputs)
    .sort((a, b) => Number(a) - Number(b))
    .map((key) => inputs[key]!);

const addN: Translate<object> = (sheet, inputs, _, [shape]) => {
  const parts = numbered(inputs);
  return parts.some(({blocked}) => blocked !== undefined)
    ? [{shape: shape!, blocked: parts.map((part) => sheet.blocked(part)).reduce((sum, part) => sheet.sum(sum, part))}]
    : [{shape: shape!, plain: parts.map((part) => sheet.plain(part)).reduce((sum, part) => sheet.sum(sum, part))}];
};

const concat: Translate<{readonly axis: number}> = (sheet, inputs, {axis}, [shape]) => [
  {
    shape: shape!,
    plain: sheet.node(
      'Concat',
      numbered(inputs).map((part) => sheet.plain(part)),
      {axis},
    ),
  },
];

const split: Translate<{readonly axis: number}> = (sheet, {x}, {axis}, shapes) => {
  const at = axis < 0 ? axis + x!.shape.length : axis;
  let from = 0;
  return shapes.map((shape) => {
    const start = from;
    from += shape[at]!;
    return {shape, plain: sheet.slice(sheet.plain(x!), [start], [from], [at])};
  });
};

/** Of rows and columns, where images are in blocks. */
const pad: Translate<{readonly paddings: readonly (readonly [number, number])[]; readonly constantValue: number}> = (
  sheet,
  {x},
  {paddings, constantValue},
  [shape],
) => {
  if (constantValue !== 0) throw new Untranslated('PadV2 by another value than 0');
  if (x!.blocked === undefined) return [{shape: shape!, plain: sheet.pad(sheet.plain(x!), paddings)}];
  return [
    {
      shape: shape!,
      blocked: sheet.within(x!, shape!, (y) => sheet.pad(y, [[0, 0], paddings[1]!, paddings[2]!, [0, 0]])),
    },
  ];
};

const slice: Translate<{readonly begin: readonly number[]; readonly size: readonly number[]}> = (
  sheet,
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
        blocked: sheet.within(x!, shape!, (y) => sheet.slice(y, starts.slice(1, 3), ends.slice(1, 3), [1, 2])),
      },
    ];
  return [
    {
      shape: shape!,
      plain: sheet.slice(
        sheet.plain(x!),
        starts,
        ends,
        starts.map((_, i) => i),
      ),
    },
  ];
};

const transpose: Translate<{readonly perm: readonly number[]}> = (sheet, {x}, {perm}, [shape]) => [
  {shape: shape!, plain: sheet.transpose(sheet.plain(x!), perm)},
];

/** Integers and truths are cast to float32 alone. */
const cast: Translate<{readonly dtype: string}> = (sheet, {x}, {dtype}) => {
  if (dtype !== 'float32') throw new Untranslated(`Cast to ${dtype}`);
  return [{shape: x!.shape, plain: sheet.node('Cast', [sheet.plain(x!)], {to: dataTypes.float})}];
};

const argMax: Translate<{readonly axis: number}> = (sheet, {x}, {axis}, [shape]) => [
  {shape: shape!, plain: sheet.node('ArgMax', [sheet.plain(x!)], {axis, keepdims: 0})},
];

const reluGradient: Translate<object> = (sheet, {dy, y}, attrs, shapes) =>
  both((_, a, b) => sheet.product(a, sheet.node('Sign', [b])))(sheet, {a: dy!, b: y!}, attrs, shapes);

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
  Rsqrt: eachPlain((sheet, x) => sheet.node('Reciprocal', [sheet.node('Sqrt', [x])])),
  Sigmoid: eachPlain(operator('Sigmoid')),
  Slice: slice,
  SplitV: split,
  Sqrt: each(operator('Sqrt')),
  Square: each((sheet, x) => sheet.product(x, x)),
  Sub: both(operator('Sub')),
  Sum: reduction('ReduceSum', ({axis}) => axis),
  Transpose: transpose,
  [RELU_GRAD]: reluGradient,
  [TRAIN_BATCH_NORM]: trainBatchNorm,
  [TRAIN_BATCH_NORM_GRAD]: trainBatchNormGradient,
};

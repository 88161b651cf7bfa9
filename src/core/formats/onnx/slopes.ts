/**
 * The chain rule through the nodes of a graph: how a result changes with one of the values that it was made of. It knows the operators
 * that encoders here are made of. Where sizes differ, an operator spreads only constants and what was unsqueezed.
 */
import type {Value} from './builder.ts';
import type {RecordedGraph, Step} from './recorded.ts';

/** No rule is known for an operator between the two; or there is none between them. */
export class NoSlopes extends Error {
  override readonly name = 'NoSlopes';
}

export interface Asked {
  readonly of: Value;
  readonly at: Value;
  /** Of the score in `of`, and of its size. */
  readonly slopes: Value;
}

/** The slopes of the score in `at`. Throws `NoSlopes`. */
export function slopesGraph(graph: RecordedGraph, {of, at, slopes}: Asked): Value {
  const between = [...graph.steps];
  const moved = new Set([at]);
  for (const {inputs, outputs} of between)
    if (inputs.some((input) => moved.has(input))) for (const output of outputs) moved.add(output);
  if (!moved.has(of)) throw new NoSlopes('they do not depend on each other');
  const known = new Map([[of, slopes]]);
  for (const step of between.toReversed()) {
    const own = known.get(step.outputs[0]!);
    if (own === undefined || !step.inputs.some((input) => moved.has(input))) continue;
    const parts = rules[step.operator]?.(graph, step, own) ?? [];
    for (const [i, input] of step.inputs.entries()) {
      if (!moved.has(input)) continue;
      const part = parts[i];
      if (part === undefined) throw new NoSlopes(`the slopes of operator ${step.operator} are not known`);
      const others = known.get(input);
      known.set(input, others === undefined ? part : graph.node('Add', [others, part]));
    }
  }
  return known.get(at)!;
}

/** The slopes in a step's result → those in each of its inputs; absent: not known. */
type Rule = (graph: RecordedGraph, step: Step, slopes: Value) => readonly (Value | undefined)[];

const shapeOf = (graph: RecordedGraph, x: Value, part: {readonly start?: number; readonly end?: number} = {}): Value =>
  graph.node('Shape', [x], part);

const zerosOf = (graph: RecordedGraph, shape: Value): Value => graph.node('ConstantOfShape', [shape]);

/** Of operators that only change the shape. */
const reshaped: Rule = (graph, {inputs: [x]}, slopes) => [graph.node('Reshape', [slopes, shapeOf(graph, x!)])];

const rules: {readonly [operator: string]: Rule} = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,

  Transpose(graph, {attributes}, slopes) {
    const perm = attributes['perm'] as readonly number[];
    return [graph.node('Transpose', [slopes], {perm: perm.map((_, axis) => perm.indexOf(axis))})];
  },

  Concat(graph, {inputs, attributes}, slopes) {
    const axis = attributes['axis'] as number;
    const sizes = inputs.map((input) => shapeOf(graph, input, {start: axis, end: axis + 1}));
    return graph.nodes('Split', [slopes, graph.node('Concat', sizes, {axis: 0})], {axis}, {outputs: inputs.length});
  },

  /** Of one index along any axis, or several along the last. */
  Gather(graph, {inputs: [x, which], attributes}, slopes) {
    const indices = graph.node('Expand', [which!, shapeOf(graph, slopes)]);
    const zeros = zerosOf(graph, shapeOf(graph, x!));
    return [graph.node('ScatterElements', [zeros, indices, slopes], {...attributes, reduction: {text: 'add'}})];
  },

  /** Of one that reverses whole axes, as turns do. */
  Slice(graph, {inputs: [, ...how]}, slopes) {
    const steps = how[3] && graph.integersOf(how[3]);
    return steps?.every((step) => step === -1) ? [graph.node('Slice', [slopes, ...how])] : [];
  },

  Neg: (graph, _, slopes) => [graph.node('Neg', [slopes])],

  Add: (_, __, slopes) => [slopes, slopes],

  Sub: (graph, _, slopes) => [slopes, graph.node('Neg', [slopes])],

  Mul(graph, {inputs: [a, b]}, slopes) {
    const part = (own: Value, other: Value): Value => {
      const product = graph.node('Mul', [slopes, other]);
      const maker = graph.makerOf(own);
      return maker?.operator === 'Unsqueeze'
        ? graph.node('ReduceSum', [product, maker.inputs[1]!], {keepdims: 1})
        : product;
    };
    return [part(a!, b!), part(b!, a!)];
  },

  Div: (graph, {inputs: [, b]}, slopes) => [graph.node('Div', [slopes, b!])],

  Relu: (graph, {outputs: [y]}, slopes) => [graph.node('Mul', [slopes, graph.node('Sign', [y!])])],

  /** σ(x) (1 - σ(x)). */
  Sigmoid(graph, {outputs: [y]}, slopes) {
    const slope = graph.node('Sub', [y!, graph.node('Mul', [y!, y!])]);
    return [graph.node('Mul', [slopes, slope])];
  },

  LogSoftmax(graph, {outputs: [y], attributes}, slopes) {
    const sum = graph.node('ReduceSum', [slopes, graph.integers(attributes['axis'] as number)], {keepdims: 1});
    return [graph.node('Sub', [slopes, graph.node('Mul', [graph.node('Exp', [y!]), sum])])];
  },

  MatMul: (graph, {inputs: [, b]}, slopes) => [
    graph.node('MatMul', [slopes, graph.node('Transpose', [b!], {perm: [1, 0]})]),
  ],

  /** The factor without the shift. */
  BatchNormalization(graph, {inputs: [, gamma, beta, , variance], attributes}, slopes) {
    const zeros = graph.node('Sub', [beta!, beta!]);
    return [graph.node('BatchNormalization', [slopes, gamma!, zeros, zeros, variance!], attributes)];
  },

  /** As large as inputs may have been; what they did not have is cut off. */
  Conv(graph, {inputs: [x, kernel], attributes}, slopes) {
    const strides = attributes['strides'] as readonly number[];
    const most = graph.node('ConvTranspose', [slopes, kernel!], {
      ...attributes,
      output_padding: strides.map((stride) => stride - 1),
    });
    const ends = shapeOf(graph, x!, {start: 2});
    return [graph.node('Slice', [most, graph.integers(0, 0), ends, graph.integers(2, 3)])];
  },

  /** All to the largest number of each window; windows overlap. */
  MaxPool(graph, {inputs: [x], attributes}, slopes) {
    const [, places] = graph.nodes('MaxPool', [x!], attributes, {outputs: 2});
    const flat = (y: Value): Value => graph.node('Reshape', [y, graph.integers(-1)]);
    const shape = shapeOf(graph, x!);
    const zeros = flat(zerosOf(graph, shape));
    const sums = graph.node('ScatterElements', [zeros, flat(places!), flat(slopes)], {
      axis: 0,
      reduction: {text: 'add'},
    });
    return [graph.node('Reshape', [sums, shape])];
  },

  GlobalAveragePool(graph, {inputs: [x]}, slopes) {
    const places = graph.node('ReduceProd', [shapeOf(graph, x!, {start: 2})], {keepdims: 0});
    const spread = graph.node('Expand', [slopes, shapeOf(graph, x!)]);
    return [graph.node('Div', [spread, graph.toFloat(places)])];
  },
};

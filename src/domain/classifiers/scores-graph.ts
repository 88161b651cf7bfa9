/** What the classifiers share as nodes of an ONNX graph: in float64, as they compute without one. */
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';

/** `normaliseRows`: rows of length 1 in float32; a row of zeros stays one. */
export function normaliseRowsGraph(builder: GraphBuilder, x: Value): Value {
  const exact = builder.toDouble(x);
  const length = builder.node('Sqrt', [sumRows(builder, square(builder, exact), {keep: true})]);
  const tiny = builder.double(Number.MIN_VALUE * 2 ** 52);
  return builder.toFloat(builder.node('Div', [exact, builder.node('Max', [length, tiny])]));
}

export const square = (builder: GraphBuilder, x: Value): Value => builder.node('Mul', [x, x]);

/** (n, d) → (n), or (n, 1) where the axis is kept. */
export const sumRows = (builder: GraphBuilder, x: Value, {keep = false} = {}): Value =>
  builder.node('ReduceSum', [x, builder.integers(1)], {keepdims: keep ? 1 : 0});

export const maximumOfRows = (builder: GraphBuilder, x: Value, {keep = false} = {}): Value =>
  builder.largest(x, [1], {keep});

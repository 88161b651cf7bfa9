/** What the classifiers share as nodes of an ONNX graph: in float64, as they compute without one. */
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';

/** `normaliseRows`: rows of length 1 in float32; a row of zeros stays one. */
export function normaliseRowsGraph(builder: GraphBuilder, x: Value): Value {
  const exact = builder.toDouble(x);
  const length = builder.node('Sqrt', [sumRows(builder, square(builder, exact), {keep: true})]);
  const tiny = builder.double(Number.MIN_VALUE * 2 ** 52);
  return builder.toFloat(builder.node('Div', [exact, builder.node('Max', [length, tiny])]));
}

/** `slopesThrough`: the slopes, float64, of a score of rows scaled to length 1, if they are → those in the rows as given, float32. */
export function slopesThroughGraph(
  builder: GraphBuilder,
  normalise: boolean,
  features: Value,
  of: (rows: Value) => Value,
): Value {
  if (!normalise) return builder.toFloat(of(features));
  const slopes = of(normaliseRowsGraph(builder, features));
  const exact = builder.toDouble(features);
  const length = builder.node('Sqrt', [sumRows(builder, square(builder, exact), {keep: true})]);
  const unit = builder.node('Div', [exact, length]);
  const along = sumRows(builder, builder.node('Mul', [unit, slopes]), {keep: true});
  const across = builder.node('Sub', [slopes, builder.node('Mul', [along, unit])]);
  const isRow = builder.node('Greater', [length, builder.double(0)]);
  return builder.toFloat(builder.node('Where', [isRow, builder.node('Div', [across, length]), builder.double(0)]));
}

export const square = (builder: GraphBuilder, x: Value): Value => builder.node('Mul', [x, x]);

/** (n, d) → (n), or (n, 1) where the axis is kept. */
export const sumRows = (builder: GraphBuilder, x: Value, {keep = false} = {}): Value =>
  builder.node('ReduceSum', [x, builder.integers(1)], {keepdims: keep ? 1 : 0});

export const maximumOfRows = (builder: GraphBuilder, x: Value, {keep = false} = {}): Value =>
  builder.largest(x, [1], {keep});

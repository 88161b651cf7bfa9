/** ONNX nodes of a `localize` stage: images → their windows, and scores of windows → a map of each image. */
import type {ImageShape} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {type Blend, sharesAlong, type Windows, windowsAlong} from '../../core/images/windows.ts';

/** Images (n, height, width, channels) → all their windows, row by row, as images (n · places, patch, patch, channels). */
export function windowsGraph(builder: GraphBuilder, images: Value, shape: ImageShape, windows: Windows): Value {
  const {patch, stride} = windows;
  const [rows, columns] = [windowsAlong(shape.height, windows), windowsAlong(shape.width, windows)];
  const pixels = (count: number): readonly number[] =>
    Array.from({length: count * patch}, (_, i) => Math.floor(i / patch) * stride + (i % patch));
  const bands = builder.node('Gather', [images, builder.integers(...pixels(rows))], {axis: 1});
  const cells = builder.node('Gather', [bands, builder.integers(...pixels(columns))], {axis: 2});
  const split = builder.node('Reshape', [cells, builder.integers(-1, rows, patch, columns, patch, shape.channels)]);
  const ordered = builder.node('Transpose', [split], {perm: [0, 1, 3, 2, 4, 5]});
  return builder.node('Reshape', [ordered, builder.integers(-1, patch, patch, shape.channels)]);
}

/** Features of all windows (n · places, d) → float64 scores (n, places). Each place has its own scorer. */
export function scoresByPlace(
  builder: GraphBuilder,
  features: Value,
  {places, columns}: {readonly places: number; readonly columns: number},
  scoreAt: (place: number, features: Value) => Value,
): Value {
  const byImage = builder.node('Reshape', [features, builder.integers(-1, places, columns)]);
  const scores = Array.from({length: places}, (_, place) => {
    const ofPlace = builder.node('Gather', [byImage, builder.integers(place)], {axis: 1});
    const rows = builder.node('Reshape', [ofPlace, builder.integers(-1, columns)]);
    return builder.node('Reshape', [builder.toDouble(scoreAt(place, rows)), builder.integers(-1, 1)]);
  });
  return builder.node('Concat', scores, {axis: 1});
}

/** Float64 scores of windows (n · places, in any shape) → a map of each image, float32 (n, height, width). */
export function spreadGraph(
  builder: GraphBuilder,
  scores: Value,
  {height, width}: ImageShape,
  windows: Windows,
  how: {readonly sigma: number; readonly blend: Blend},
): Value {
  const [rows, columns] = [windowsAlong(height, windows), windowsAlong(width, windows)];
  const small = builder.node('Reshape', [scores, builder.integers(-1, rows, columns)]);
  const down = builder.constant(sharesAlong(height, windows, how), [height, rows]);
  const across = builder.node('Transpose', [builder.constant(sharesAlong(width, windows, how), [width, columns])], {
    perm: [1, 0],
  });
  const wide = builder.node('MatMul', [small, across]);
  return builder.toFloat(builder.node('MatMul', [down, wide]));
}

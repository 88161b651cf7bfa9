/** Quarter turns of batches: as tensors, and as nodes of an ONNX graph. */
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';

/** A batch (n, h, w, c) of squares turned counter-clockwise by `turns` (0 to 3) quarters. */
export function turned(x: Tensor4D, turns: number): Tensor4D {
  if (turns === 0) return x;
  if (turns === 2) return tf.reverse(x, [1, 2]);
  return turns === 1 ? tf.reverse(tf.transpose(x, [0, 2, 1, 3]), 1) : tf.transpose(tf.reverse(x, 1), [0, 2, 1, 3]);
}

/** `turned` as ONNX nodes. */
export function turnedGraph(builder: GraphBuilder, x: Value, turns: number): Value {
  const transposed = (y: Value): Value => builder.node('Transpose', [y], {perm: [0, 2, 1, 3]});
  const reversed = (y: Value, ...axes: readonly number[]): Value => {
    const all = (value: number): Value => builder.integers(...axes.map(() => value));
    // From the last (-1) down to before the first.
    return builder.node('Slice', [y, all(-1), all(Number.MIN_SAFE_INTEGER), builder.integers(...axes), all(-1)]);
  };
  if (turns === 0) return x;
  if (turns === 2) return reversed(x, 1, 2);
  return turns === 1 ? reversed(transposed(x), 1) : transposed(reversed(x, 1));
}

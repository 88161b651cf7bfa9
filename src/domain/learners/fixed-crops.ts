/** The same random square windows of every image, each resized to the full size: what an encoder averages features over. */
import {Rng} from '../../core/base/random.ts';
import {type Tensor, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {taps} from '../transforms/geometry.ts';

/** Resizing is linear and separable: `rows` and `columns`, (side, side) each, hold the weights of an output's inputs. */
export interface Crop {
  readonly side: number;
  readonly rows: Float32Array;
  readonly columns: Float32Array;
}

/** `count` windows of `area` (0 to 1) of a square of `side` pixels, in whole pixels; they depend on nothing else. */
export function fixedCrops(count: number, area: number, side: number): readonly Crop[] {
  const length = Math.max(1, Math.round(Math.sqrt(area) * side));
  const rng = new Rng('crops');
  const along = () => stretch(rng.integer(side - length + 1), length, side);
  return Array.from({length: count}, () => ({side, rows: along(), columns: along()}));
}

/** Bilinear with half-pixel centres, as `cropResize`. */
function stretch(start: number, length: number, side: number): Float32Array {
  const {low, high, weight} = taps(length, side);
  const matrix = new Float32Array(side * side);
  for (let i = 0; i < side; i++) {
    matrix[i * side + start + low[i]!]! += 1 - weight[i]!;
    matrix[i * side + start + high[i]!]! += weight[i]!;
  }
  return matrix;
}

/** The window of each image of (n, side, side, c), at the full size. */
export function cropped(x: Tensor4D, {side, rows, columns}: Crop): Tensor4D {
  const [n, , , channels] = x.shape;
  const along = (matrix: Float32Array, y: Tensor): Tensor =>
    tf.matMul(tf.tensor2d(matrix, [side, side]), tf.reshape(y, [side, n * side * channels]));
  const down = tf.reshape(along(rows, tf.transpose(x, [1, 0, 2, 3])), [side, n, side, channels]);
  const across = tf.reshape(along(columns, tf.transpose(down, [2, 1, 0, 3])), [side, n, side, channels]);
  return tf.transpose(across, [1, 2, 0, 3]) as Tensor4D;
}

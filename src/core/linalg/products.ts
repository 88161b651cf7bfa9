import type {Matrix} from '../contracts/data.ts';
import {synchronously, type Tensor, type Tensor2D, tf} from '../engine/engine.ts';

/** Largest number of values in a block for a visitor (64 MiB), unless one row has more. */
const BLOCK_VALUES = 16 * 2 ** 20;

/** An operation on the products on the engine, before they are read. */
export type Finish = (products: Tensor2D) => Tensor2D;

const asTheyAre: Finish = (products) => products;

/**
 * Visits finish(a·bᵀ) in blocks of whole rows with bounded memory: `block` is row-major (rows, b.rows) and holds the products of
 * rows `rowStart` … `rowStart + rows − 1` of a with all rows of b. The visitor may keep it.
 */
export function forEachProductBlock(
  a: Matrix,
  b: Matrix,
  visit: (rowStart: number, rows: number, block: Float32Array) => void,
  {finish = asTheyAre, blockValues = BLOCK_VALUES}: {readonly finish?: Finish; readonly blockValues?: number} = {},
): void {
  const factor = openFactor(b, {finish, blockValues});
  try {
    factor.times(a, visit);
  } finally {
    factor.dispose();
  }
}

export interface Factor {
  /** finish(a·bᵀ) in the same blocks, left on the engine: whoever asks disposes of them. */
  blocks(a: Matrix): Tensor2D[];
  /** Visits a·bᵀ as `forEachProductBlock` does. */
  times(a: Matrix, visit: (rowStart: number, rows: number, block: Float32Array) => void): void;
  dispose(): void;
}

/** b on the engine, for many products with it. What `finish` returns may be narrower than b has rows. */
export function openFactor(
  b: Matrix,
  {finish = asTheyAre, blockValues = BLOCK_VALUES}: {readonly finish?: Finish; readonly blockValues?: number} = {},
): Factor {
  const right = synchronously(() => tf.tidy(() => transposed(b)));
  const most = Math.max(1, Math.floor(blockValues / Math.max(1, b.rows)));
  const eachBlock = (a: Matrix, visit: (start: number, rows: number, compute: () => Tensor2D) => void) => {
    if (a.columns !== b.columns)
      throw new Error(`expected rows of equal length, but got ${a.columns} and ${b.columns}`);
    if (b.rows === 0) return;
    for (let start = 0; start < a.rows; start += most) {
      const rows = Math.min(most, a.rows - start);
      visit(start, rows, () => finish(tf.matMul(toTensor(a, start, rows), right)));
    }
  };
  return {
    times: (a, visit) => eachBlock(a, (start, rows, compute) => visit(start, rows, valuesOf(compute))),
    blocks(a) {
      const tensors: Tensor2D[] = [];
      eachBlock(a, (_, __, compute) => tensors.push(synchronously(() => tf.tidy(compute))));
      return tensors;
    },
    dispose: () => right.dispose(),
  };
}

/** weights · block, one value a column of the block. */
export function weightedRows(block: Tensor2D, weights: Float32Array): Float32Array {
  return valuesOf(() => tf.matMul(tf.tensor2d(weights, [1, weights.length]), block));
}

/** Of rows of a square matrix that begin with its row `start`: the values on its diagonal. */
export function diagonalOf(block: Tensor2D, start: number): Float32Array {
  const [rows, columns] = block.shape;
  return valuesOf(() => tf.stridedSlice(tf.reshape(block, [rows * columns]), [start], [rows * columns], [columns + 1]));
}

/** What is computed, which is disposed of. Read outside `tidy`, which would look for tensors in every element of the array. */
export function valuesOf(compute: () => Tensor): Float32Array {
  return synchronously(() => {
    const tensor = tf.tidy(compute);
    const values = tensor.dataSync<'float32'>();
    tensor.dispose();
    return values;
  });
}

// matMul's own transposeB leaves XNNPACK for plain loops on wasm: many times slower.
const transposed = (b: Matrix) => tf.transpose(toTensor(b, 0, b.rows));

function toTensor({columns, data}: Matrix, start: number, rows: number) {
  return tf.tensor2d(data.subarray(start * columns, (start + rows) * columns), [rows, columns]);
}

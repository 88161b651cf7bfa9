/** Matrix products by Freivalds' check: C·s = A·(B·s) for every row, r·C = (r·A)·B for every column. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf, usualSum} from './compare.ts';
import type {Reference} from './contract.ts';
import {combined, dots} from './loops.ts';
import {noise, signs} from './noise.ts';

/** Undefined where the two are not as many matrices (broadcasts are not checked), or do not fit each other, which the kernel itself says. */
export function productReference(_: typeof TF, {shapes, attrs}: KernelCall): Reference | undefined {
  const [left, right] = [shapes['a']!, shapes['b']!];
  const count = size(left.slice(0, -2));
  if (String(left.slice(0, -2)) !== String(right.slice(0, -2))) return undefined;
  const {transposeA, transposeB} = attrs as {readonly transposeA: boolean; readonly transposeB: boolean};
  const [m, k] = lastTwo(left, transposeA);
  const [rowsOfRight, n] = lastTwo(right, transposeB);
  if (k !== rowsOfRight || m * k * n * count === 0) return undefined;
  const inputs = {a: noise(size(left), 1), b: noise(size(right), 2)};
  const [ofRow, ofColumn] = [signs(m, 1), signs(n, 2)];
  const rows: Float64Array[] = [];
  const columns: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const a = inputs.a.subarray(i * m * k, (i + 1) * m * k);
    const b = inputs.b.subarray(i * k * n, (i + 1) * k * n);
    rows.push(times(a, m, k, transposeA, times(b, k, n, transposeB, ofColumn)));
    columns.push(times(b, n, k, !transposeB, times(a, k, m, !transposeA, ofRow)));
  }
  return {
    inputs,
    error([c]) {
      const all = c!.dataSync() as Float32Array;
      let worst = 0;
      for (let i = 0; i < count; i++) {
        const one = all.subarray(i * m * n, (i + 1) * m * n);
        worst = Math.max(
          worst,
          errorOf(dots(one, m, n, ofColumn), rows[i]!, usualSum(k * n)),
          errorOf(combined(one, m, n, ofRow), columns[i]!, usualSum(k * m)),
        );
      }
      return worst;
    },
  };
}

/** The product of a matrix (rows, columns), which may lie transposed, and a vector. */
const times = (matrix: Float32Array, rows: number, columns: number, transposed: boolean, vector: Float64Array) =>
  transposed ? combined(matrix, columns, rows, vector) : dots(matrix, rows, columns, vector);

const lastTwo = (shape: readonly number[], transposed: boolean): readonly [number, number] => {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
};

const size = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

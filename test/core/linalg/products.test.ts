import {expect, test} from 'vitest';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {forEachProductBlock} from '../../../src/core/linalg/products.ts';
import {expectClose, expectNoLeaks, onEachEngine, values} from '../../rig/tensors.ts';

const matrix = (rows: number, columns: number, seed: number): Matrix => ({
  rows,
  columns,
  data: values(rows * columns, seed),
});

const row = ({columns, data}: Matrix, i: number) => Array.from(data.subarray(i * columns, (i + 1) * columns));
const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);

onEachEngine(() => {
  test('blocks are a·bᵀ and cover all rows in order, for any number of rows', () => {
    const [a, b] = [matrix(13, 2, 1), matrix(30, 2, 2)];
    const seen: number[][] = [];
    const visit = (rowStart: number, rows: number, block: Float32Array) => {
      seen.push([rowStart, rows]);
      const products = Array.from({length: rows * b.rows}, (_, at) =>
        dot(row(a, rowStart + Math.floor(at / b.rows)), row(b, at % b.rows)),
      );
      expectClose(block, products);
    };
    forEachProductBlock(a, b, visit, {blockValues: 170});
    expect(seen).toEqual([
      [0, 5],
      [5, 5],
      [10, 3],
    ]);
  });

  test('frees its tensors even when the visitor throws', async () => {
    const [a, b] = [matrix(4, 3, 1), matrix(5, 3, 2)];
    await expectNoLeaks(() => {
      expect(() =>
        forEachProductBlock(a, b, () => {
          throw new Error('enough');
        }),
      ).toThrow('enough');
    });
  });

  test('no rows: no visits; unequal columns: refused', () => {
    const visit = () => expect.fail('visited');
    forEachProductBlock(matrix(0, 3, 1), matrix(2, 3, 1), visit);
    forEachProductBlock(matrix(2, 3, 1), matrix(0, 3, 1), visit);
    expect(() => forEachProductBlock(matrix(2, 3, 1), matrix(2, 4, 1), visit)).toThrowErrorMatchingInlineSnapshot(
      `[Error: expected rows of equal length, but got 3 and 4]`,
    );
  });
});

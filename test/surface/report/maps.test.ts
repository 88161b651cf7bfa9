import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {principalPlane} from '../../../src/surface/report/pca.ts';
import {umap} from '../../../src/surface/report/umap.ts';

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]!.length,
  data: Float32Array.from(rows.flat()),
});

test('principal components of a known ellipse: its axes, and their shares of the variance', () => {
  // Four points on two axes at right angles, of half lengths 5 and 1, turned by (0.6, 0.8), far from the origin.
  const [c, s] = [0.6, 0.8];
  const points = [
    [5 * c, 5 * s, 0],
    [-5 * c, -5 * s, 0],
    [-s, c, 0],
    [s, -c, 0],
  ].map(([x, y, z]) => [x! + 10, y! - 7, z! + 3]);
  const {points: found, explained} = principalPlane(matrix(points));
  expect(found.map(([x]) => Math.abs(x).toFixed(4))).toEqual(['5.0000', '5.0000', '0.0000', '0.0000']);
  expect(found.map(([, y]) => Math.abs(y).toFixed(4))).toEqual(['0.0000', '0.0000', '1.0000', '1.0000']);
  expect(explained[0]).toBeCloseTo(25 / 26, 5);
  expect(explained[0] + explained[1]).toBeCloseTo(1, 5);
});

test('on one line, the second axis is empty; of equal rows both are', () => {
  const line = principalPlane(
    matrix([
      [0, 0],
      [1, 1],
      [2, 2],
    ]),
  );
  expect(line.explained[0]).toBeCloseTo(1, 6);
  expect(Math.max(...line.points.map(([, y]) => Math.abs(y)))).toBeLessThan(1e-3);
  expect(
    principalPlane(
      matrix([
        [1, 2],
        [1, 2],
      ]),
    ).points.flat(),
  ).toEqual([0, 0, 0, 0]);
});

/** Two clouds, far from each other. */
function clouds(): Matrix {
  const rng = new Rng(1);
  return matrix(Array.from({length: 60}, (_, i) => Array.from({length: 8}, () => rng.normal() + (i < 30 ? 0 : 40))));
}

test('UMAP: the same seed gives the same map, and clouds stay apart', () => {
  const [first, second] = [umap(clouds(), new Rng(5)), umap(clouds(), new Rng(5))];
  expect(first).toEqual(second);
  const {neighbours, points} = first!;
  expect(neighbours).toBe(15);
  const mean = (from: number) =>
    [0, 1].map((axis) => points.slice(from, from + 30).reduce((sum, point) => sum + point[axis]! / 30, 0));
  const [a, b] = [mean(0), mean(30)] as const;
  const spread = Math.max(...points.slice(0, 30).map(([x, y]) => Math.hypot(x - a[0]!, y - a[1]!)));
  expect(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)).toBeGreaterThan(spread);
});

test('UMAP of three rows has no neighbourhoods', () => {
  expect(umap(matrix([[0], [1], [2]]), new Rng(0))).toBeUndefined();
});

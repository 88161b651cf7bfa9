import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {expNegative} from '../../../src/domain/classifiers/fast-exp.ts';
import {kernelRows} from '../../../src/domain/classifiers/kernel-rows.ts';
import {LinearPoints} from '../../../src/domain/classifiers/linear.ts';
import {RbfPoints} from '../../../src/domain/classifiers/rbf.ts';
import {solveOneClass} from '../../../src/domain/classifiers/smo.ts';
import {onEachEngine} from '../../rig/tensors.ts';

function cloud(rows: number, columns: number): Matrix {
  const rng = new Rng('cloud');
  return {rows, columns, data: Float32Array.from({length: rows * columns}, () => rng.normal() + 0.5)};
}

const noGuess = () => [];

onEachEngine(() => {
  describe.each([0.001, 0.05, 0.3, 0.5, 0.9, 1])('nu %s', (nu) => {
    test.each([
      ['rbf', RbfPoints.fit(cloud(1500, 3), 0.4)],
      ['rbf, narrow', RbfPoints.fit(cloud(300, 8), 20)],
      ['linear', new LinearPoints(cloud(700, 5))],
    ])('%s: the optimum, by its conditions', (_, source) => {
      const kernel = kernelRows(source);
      const n = kernel.count;
      const {alpha, gap} = solveOneClass(kernel, nu, 1e-6);
      const tolerance = Math.max(1e-6, nu * n * 2 ** -27); // the kernel is float32
      expect(alpha.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(alpha.reduce((a, b) => a + b)).toBeCloseTo(nu * n, 8);
      // Karush, Kuhn, Tucker: no point that may rise lies below one that may fall.
      const gradient = Float64Array.from(alpha, (__, i) =>
        kernel.row(i, noGuess).reduce((sum, value, j) => sum + value * alpha[j]!, 0),
      );
      const lowest = Math.min(...gradient.filter((__, i) => alpha[i]! < 1));
      const highest = Math.max(...gradient.filter((__, i) => alpha[i]! > 0));
      const scale = kernel.diagonal.reduce((a, b) => a + b) / n;
      expect(highest - lowest).toBeLessThan(1.01 * tolerance * scale);
      expect(gap).toBeLessThan(tolerance * scale);
    });
  });

  test('rows that are computed on request give the α of the whole Gram matrix, even if few are kept', () => {
    const source = RbfPoints.fit(cloud(1500, 3), 0.4);
    const whole = solveOneClass(kernelRows(source), 0.3, 1e-7);
    for (const bytes of [0, 2 ** 30]) {
      const asked = solveOneClass(kernelRows(source, 100, bytes), 0.3, 1e-7);
      const furthest = whole.alpha.reduce((most, value, i) => Math.max(most, Math.abs(value - asked.alpha[i]!)), 0);
      expect(furthest).toBeLessThan(1e-3);
    }
  });
});

test('expNegative is e^x to ten digits', () => {
  let worst = 0;
  for (let x = 0; x > -86.9; x -= 0.00137) worst = Math.max(worst, Math.abs(expNegative(x) / Math.exp(x) - 1));
  expect(worst).toBeLessThan(1e-10);
  expect([expNegative(0), expNegative(-0), expNegative(-88), expNegative(-Infinity)]).toEqual([1, 1, 0, 0]);
});

import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {centred, columnMeans, gram} from '../../../src/core/linalg/matrix.ts';
import {cholesky, whitener} from '../../../src/domain/classifiers/cholesky.ts';
import {covariance} from '../../../src/domain/classifiers/covariance.ts';
import {dualDistance, dualGaussian, dualServes} from '../../../src/domain/classifiers/dual-gaussian.ts';
import {gde} from '../../../src/domain/classifiers/gde.ts';

const d = 24;

/** Columns of different widths, one of them constant. */
function rowsOf(rows: number, seed: string): Matrix {
  const rng = new Rng(seed);
  return {rows, columns: d, data: Float32Array.from({length: rows * d}, (_, i) => ((i % d) / d) * rng.normal() + 0.1)};
}

/** ½ vᵀΣ⁻¹v + ½ log|2πΣ| by the (d, d) matrix Σ = scale · xᵀx + bI. */
function direct(train: Matrix, probe: Matrix, shrink: number, b: number): readonly number[] {
  const mean = columnMeans(train);
  const sigma = covariance(centred(train, mean), d).map((value) => shrink * value);
  for (let i = 0; i < d; i++) sigma[i * d + i]! += b;
  const lower = cholesky(sigma, d)!;
  let volume = (d / 2) * Math.log(2 * Math.PI);
  for (let i = 0; i < d; i++) volume += Math.log(lower[i * d + i]!);
  return [...whitener(mean, lower)(probe)].map((squares) => squares / 2 + volume);
}

describe.each([1, 2, 7, 23])('%i rows of 24 features', (n) => {
  const train = rowsOf(n, 'train');
  // Some of the training rows themselves: in the span, where the difference of squares is smallest.
  const probe: Matrix = {rows: n + 5, columns: d, data: Float32Array.of(...train.data, ...rowsOf(5, 'probe').data)};

  test.each([1e-1, 1e-3, 1e-5])('the dual form is the direct one, b = %f', (b) => {
    const mean = columnMeans(train);
    const x = centred(train, mean);
    const {whitened, halfLogDeterminant} = dualGaussian(x, gram(x, d), d, 0.7 / n, b);
    const moved = centred(probe, mean);
    const expected = direct(train, probe, 0.7, b);
    expected.forEach((score, row) => {
      const distance = dualDistance(whitened, moved.slice(row * d, (row + 1) * d), b);
      const came = distance / 2 + halfLogDeterminant + (d / 2) * Math.log(2 * Math.PI);
      expect(Math.abs(came - score)).toBeLessThan(1e-6 * (1 + Math.abs(score)));
    });
  });

  test('gde gives the same scores with it and without it', () => {
    const options = {
      shrinkage: 'none',
      normalise: false,
      log_determinant: true,
      layer: 'pool',
      train_limit: 100,
    } as const;
    const trace = covariance(centred(train, columnMeans(train)), d).reduce((t, v, i) => t + (i % (d + 1) ? 0 : v), 0);
    for (const regularisation of [1e-3, 1e-5, 1e-9]) {
      const scorer = gde.create({...options, regularisation}).fit(train, new Rng(0));
      expect(scorer.save().has('whitened')).toBe(dualServes(n, d, trace, regularisation));
      const expected = direct(train, probe, 1, regularisation);
      scorer.score(probe).forEach((score, i) => {
        expect(Math.abs(score - expected[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(expected[i]!)));
      });
    }
  });
});

test('it is not used if there are enough rows, or if the variances span too much', () => {
  expect(dualServes(24, 24, 1, 1)).toBe(false);
  expect(dualServes(23, 24, 1, 1e-6)).toBe(true);
  expect(dualServes(23, 24, 1.1, 1e-6)).toBe(false);
});

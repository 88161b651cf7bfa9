import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {foregroundOf} from '../../../src/core/images/foreground.ts';

/** What scikit-learn and NumPy computed: `scripts/make-dense-fixtures.py`. */
const {foreground} = JSON.parse(readFileSync('test/fixtures/dense.json', 'utf8')) as {
  readonly foreground: readonly {
    readonly side: number;
    readonly threshold: number;
    readonly features: readonly number[];
    readonly mask: readonly number[];
  }[];
};

test.for(foreground)('the object is found by the first principal component', ({side, threshold, features, mask}) => {
  const rows = side * side;
  const matrix = {rows, columns: features.length / rows, data: Float32Array.from(features)};
  expect([...foregroundOf(matrix, {height: side, width: side}, threshold)]).toEqual(mask);
  expect(mask.filter((place) => place === 1).length).toBeGreaterThan(10);
  expect(mask.filter((place) => place === 0).length).toBeGreaterThan(10);
});

test('equal places have no foreground', () => {
  const equal = {rows: 16, columns: 2, data: new Float32Array(32).fill(3)};
  expect([...foregroundOf(equal, {height: 4, width: 4}, 0)]).toEqual(new Array(16).fill(0));
});

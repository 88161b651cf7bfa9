import fc from 'fast-check';
import {expect, test} from 'vitest';
import {sortSingles} from '../../../src/domain/metrics/sort.ts';

test('single precision is sorted as V8 does it: few and many, negative, equal, infinite', () => {
  const length = fc.constantFrom(0, 5, 3000);
  const values = length.chain((n) => fc.array(fc.float({noNaN: true}), {minLength: n, maxLength: n + 3}));
  fc.assert(
    fc.property(values, (given) => {
      // -0 and 0 are equal, and come in whichever order.
      const plain = (sorted: Float32Array) => sorted.map((value) => value + 0);
      expect(plain(sortSingles(Float32Array.from(given)))).toEqual(plain(Float32Array.from(given).sort()));
    }),
    {numRuns: 30},
  );
});

test('thousands of equal values are sorted', () => {
  expect(sortSingles(new Float32Array(3000).fill(-2.5))).toEqual(new Float32Array(3000).fill(-2.5));
});

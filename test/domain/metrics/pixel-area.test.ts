import fc from 'fast-check';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {areaUnderRocOfPixels} from '../../../src/domain/metrics/pixel-area.ts';
import {areaUnderRoc, rank} from '../../../src/domain/metrics/ranking.ts';

const same = (scores: Float32Array, labels: Uint8Array) =>
  expect(areaUnderRocOfPixels(scores, labels)).toBe(areaUnderRoc(rank(scores, labels)));

/** Ties, both zeros, infinities, and whatever else float32 holds; either class may be the rarer, or empty. */
const score = fc.oneof(
  fc.integer({min: -3, max: 3}),
  fc.float({noNaN: true}),
  fc.constantFrom(-0, Infinity, -Infinity),
);

test('is the area of both classes sorted, to the last bit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(score, fc.boolean()), {maxLength: 60}), (pixels) => {
      same(
        Float32Array.from(pixels, ([value]) => value),
        Uint8Array.from(pixels, ([, anomalous]) => Number(anomalous)),
      );
    }),
  );
});

test.each([0.001, 0.4, 0.97])('of many pixels, a share of %f anomalous, some of them far off', (share) => {
  const rng = new Rng('pixels');
  const labels = Uint8Array.from({length: 50_000}, () => Number(rng.uniform() < share));
  const values = (spread: number) =>
    Float32Array.from(labels, (label) => Math.round(spread * (rng.normal() + label)) / spread);
  same(values(100), labels);
  const scores = values(1e6);
  same(scores, labels);
  scores[7] = 1e30;
  scores[8] = -1e-30;
  same(scores, labels);
});

test('what is not a number is refused, in either class', () => {
  const scores = Float32Array.of(1, Number.NaN, 3, 4, 5);
  for (const labels of [Uint8Array.of(0, 1, 0, 0, 0), Uint8Array.of(0, 0, 0, 1, 1)])
    expect(() => areaUnderRocOfPixels(scores, labels)).toThrow('score 1 is not a number');
});

import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {areaUnderRoc, rank} from '../../../src/domain/metrics/ranking.ts';
import {type RocPoint, rocCurve} from '../../../src/surface/report/roc.ts';

const area = (curve: readonly RocPoint[]): number =>
  curve.slice(1).reduce((sum, [x, y], i) => sum + ((x - curve[i]![0]) * (y + curve[i]![1])) / 2, 0);

test('turns alone, by hand', () => {
  // From the highest score: two anomalies, a normal one, an anomaly, a normal one.
  const scores = Float64Array.of(5, 4, 3, 2, 1);
  expect(rocCurve(scores, Uint8Array.of(1, 1, 0, 1, 0))).toEqual([
    [0, 0],
    [0, 2 / 3],
    [0.5, 2 / 3],
    [0.5, 1],
    [1, 1],
  ]);
});

test('equal scores are one slanted step', () => {
  expect(rocCurve(Float64Array.of(1, 1, 1, 1), Uint8Array.of(1, 0, 1, 0))).toEqual([
    [0, 0],
    [1, 1],
  ]);
});

test('of one kind alone there is no curve', () => {
  expect(rocCurve(Float64Array.of(1, 2), Uint8Array.of(1, 1))).toEqual([]);
  expect(rocCurve(new Float64Array(), new Uint8Array())).toEqual([]);
});

function drawn(n: number): {scores: Float64Array; labels: Uint8Array} {
  const rng = new Rng(3);
  const labels = Uint8Array.from({length: n}, () => (rng.uniform() < 0.9 ? 1 : 0));
  return {labels, scores: Float64Array.from(labels, (label) => Math.round(40 * (rng.normal() + label)) / 40)};
}

test('the whole curve has the exact area under it', () => {
  const {scores, labels} = drawn(5000);
  const curve = rocCurve(scores, labels, Number.POSITIVE_INFINITY);
  expect(area(curve)).toBeCloseTo(areaUnderRoc(rank(scores, labels)), 12);
});

test('a thinned curve keeps points of the whole, both ends, and nearly all of the area', () => {
  const {scores, labels} = drawn(20_000);
  const whole = rocCurve(scores, labels, Number.POSITIVE_INFINITY);
  const few = rocCurve(scores, labels, 50);
  expect(few.length).toBeLessThanOrEqual(50);
  expect(few.length).toBeGreaterThan(40);
  const known = new Set(whole.map(String));
  expect(few.filter((point) => !known.has(String(point)))).toEqual([]);
  expect([few[0], few.at(-1)]).toEqual([
    [0, 0],
    [1, 1],
  ]);
  expect(Math.abs(area(few) - area(whole))).toBeLessThan(2e-3);
});

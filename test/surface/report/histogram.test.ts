import {expect, test} from 'vitest';
import {histogramOf} from '../../../src/surface/report/histogram.ts';

test('shares of each kind, by hand', () => {
  const scores = Float64Array.of(0, 1, 2, 3, 4, 4);
  expect(histogramOf(scores, Uint8Array.of(0, 0, 1, 1, 1, 1), 2)).toEqual([
    {from: 0, to: 2, normal: 1, anomalous: 0},
    {from: 2, to: 4, normal: 0, anomalous: 1},
  ]);
});

test('what lies beyond the fences is in the outermost bin, and nothing is lost', () => {
  const scores = Float64Array.from({length: 101}, (_, i) => (i === 100 ? 1e9 : i));
  const bins = histogramOf(
    scores,
    Uint8Array.from(scores, () => 1),
    10,
  );
  expect(bins.at(-1)!.to).toBeLessThan(300);
  expect(bins.at(-1)!.anomalous).toBeGreaterThan(0);
  expect(bins.reduce((sum, {anomalous}) => sum + anomalous, 0)).toBeCloseTo(1, 12);
});

test('equal scores, and none', () => {
  const bins = histogramOf(Float64Array.of(2, 2), Uint8Array.of(0, 1), 4);
  expect(bins[0]).toMatchObject({from: 2, normal: 1, anomalous: 1});
  expect(histogramOf(new Float64Array(), new Uint8Array())).toEqual([]);
});

import {expect, test} from 'vitest';
import {sparkline} from '../../../src/surface/live/sparkline.ts';

test.for([
  ['falls', [8, 7, 6, 5, 4, 3, 2, 1], 8, '█▇▆▅▄▃▂▁'],
  ['more values than places: means', [9, 7, 5, 3, 1, 1], 3, '█▄▁'],
  ['fewer than places', [1, 2], 8, '▁█'],
  ['all equal', [3, 3, 3], 8, '▁▁▁'],
  ['what is no number', [2, Number.NaN, Number.POSITIVE_INFINITY, 1], 8, '█▁'],
  ['nothing', [], 8, ''],
] as const)('%s', ([, values, width, expected]) => {
  expect(sparkline(values, width)).toBe(expected);
});

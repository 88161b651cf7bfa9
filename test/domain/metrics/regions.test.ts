import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import type {PixelSample} from '../../../src/core/contracts/metric.ts';
import {aupro} from '../../../src/domain/metrics/aupro.ts';
import {pixelAuc} from '../../../src/domain/metrics/pixel-auc.ts';
import {pixelAveragePrecision} from '../../../src/domain/metrics/pixel-average-precision.ts';
import {pixelF1Max} from '../../../src/domain/metrics/pixel-f1-max.ts';
import {areaUnderPro, areaUnderSpro, regionsOf} from '../../../src/domain/metrics/regions.ts';
import {spro} from '../../../src/domain/metrics/spro.ts';

/** By scikit-learn and SciPy: `scripts/make-pixel-metric-fixtures.py`. */
const {cases, saturated} = JSON.parse(
  readFileSync(new URL('../../fixtures/pixel-metrics.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly {
    readonly count: number;
    readonly height: number;
    readonly width: number;
    readonly regions: number;
    readonly maps: readonly number[];
    readonly masks: string;
    readonly auc: number;
    readonly averagePrecision: number;
    readonly f1: number;
    readonly aupro: {readonly [limit: string]: number};
  }[];
  readonly saturated: readonly {
    readonly count: number;
    readonly height: number;
    readonly width: number;
    readonly maps: readonly number[];
    readonly masks: string;
    /** Image, the share that is enough, and the pixels. */
    readonly regions: readonly (readonly [number, number, readonly number[]])[];
    readonly spro: {readonly [limit: string]: number};
  }[];
};

/** Rows of digits: masks, or scores of one digit. */
const digits = (...images: readonly (readonly string[])[]): number[] =>
  images.flat().flatMap((row) => [...row].map(Number));

const sample = (maps: readonly (readonly string[])[], masks: readonly (readonly string[])[]): PixelSample => ({
  count: masks.length,
  height: masks[0]!.length,
  width: masks[0]![0]!.length,
  maps: Float32Array.from(digits(...maps)),
  masks: Uint8Array.from(digits(...masks)),
});

test('regions touch by sides and corners, and end at the edge of their image', () => {
  const first = ['1001', '0100', '0001'];
  const second = ['1000', '0000', '1111'];
  const {labels, regions} = regionsOf(sample([], [first, second]));
  expect(regions).toBe(5);
  expect(labels.join('')).toBe('100201000003' + '400000005555');
});

test.for(cases)(
  '$count images of $height × $width: pixel AUC, average precision, F1 and AUPRO are those of the references',
  (fixture) => {
    const {count, height, width} = fixture;
    const given: PixelSample = {
      count,
      height,
      width,
      maps: Float32Array.from(fixture.maps),
      masks: Uint8Array.from([...fixture.masks].map(Number)),
    };
    expect(regionsOf(given).regions).toBe(fixture.regions);
    expect(pixelAuc.create({}).measurePixels(given)).toBeCloseTo(fixture.auc, 12);
    expect(pixelAveragePrecision.create({}).measurePixels(given)).toBeCloseTo(fixture.averagePrecision, 12);
    expect(pixelF1Max.create({}).measurePixels(given)).toBeCloseTo(fixture.f1, 12);
    for (const [limit, expected] of Object.entries(fixture.aupro))
      for (const metric of [aupro, spro])
        expect(metric.create({limit: Number(limit)}).measurePixels(given)).toBeCloseTo(expected, 12);
  },
);

test('AUPRO by hand: a small region counts as much as a large one', () => {
  // The large region is found at once, the single pixel only with a third of the normal pixels.
  const apart = sample([['9999', '0000', '2221', '0000']], [['1111', '0000', '0001', '0000']]);
  // 11 normal pixels: overlap is 1/2 until 3/11 of them, then 1 (with the one pixel that scores 1).
  expect(areaUnderPro(apart, 3 / 11)).toBeCloseTo(0.5, 12);
  expect(areaUnderPro(apart, 1)).toBeCloseTo((0.5 * 3 + 1 * 8) / 11, 12);
});

test.for(saturated)('$count images of $height × $width: sPRO is that of the reference', (fixture) => {
  const {count, height, width, regions} = fixture;
  const given: PixelSample = {
    count,
    height,
    width,
    maps: Float32Array.from(fixture.maps),
    masks: Uint8Array.from([...fixture.masks].map(Number)),
    regions: Array.from({length: count}, (_, image) =>
      regions.filter(([own]) => own === image).map(([, enough, pixels]) => ({enough, pixels: Int32Array.from(pixels)})),
    ),
  };
  for (const [limit, expected] of Object.entries(fixture.spro))
    expect(spro.create({limit: Number(limit)}).measurePixels(given)).toBeCloseTo(expected, 12);
});

test('sPRO by hand: a quarter of a region is enough, wherever its parts are', () => {
  const found = sample([['9000', '1110']], [['1100', '0011']]);
  const regions = [[{pixels: Int32Array.of(0, 1, 6, 7), enough: 0.25}]];
  expect(areaUnderSpro({...found, regions}, 0.5)).toBeCloseTo(1, 12);
  // All of it: a quarter at once, another with two of four normal pixels, the rest after these.
  expect(areaUnderSpro({...found, regions: [[{...regions[0]![0]!, enough: 1}]]}, 0.5)).toBeCloseTo(
    (0.25 + 0.5) / 2,
    12,
  );
});

test('a perfect map has 1, whatever the limit; one that is everywhere the same, half the limit', () => {
  const masks = [['0110', '0000']];
  expect(areaUnderPro(sample([['0990', '0000']], masks), 0.3)).toBeCloseTo(1, 12);
  expect(areaUnderPro(sample([['5555', '5555']], masks), 0.3)).toBeCloseTo(0.15, 12);
});

test('undefined without a region, or without a normal pixel', () => {
  expect(areaUnderPro(sample([['12']], [['00']]), 0.3)).toBeNaN();
  expect(areaUnderPro(sample([['12']], [['11']]), 0.3)).toBeNaN();
  expect(pixelAuc.create({}).measurePixels(sample([['12']], [['00']]))).toBeNaN();
});

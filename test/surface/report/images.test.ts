/** What a page says of test images: thresholds, curves, kinds, the colours of maps, outlines. */
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Picture} from '../../../src/core/images/picture.ts';
import {averagePrecision, rank} from '../../../src/domain/metrics/ranking.ts';
import {indicesOf, scoresOf} from '../../../src/surface/client/decode.ts';
import {packedScores} from '../../../src/surface/report/explorer.ts';
import {heatScaleOf, placeOf, ticksOf} from '../../../src/surface/report/heat-scale.ts';
import {decide} from '../../../src/surface/report/outcomes.ts';
import {outlineOf} from '../../../src/surface/report/outline.ts';
import {precisionRecall} from '../../../src/surface/report/precision-recall.ts';
import {scoreText} from '../../../src/surface/report/score-text.ts';
import {sheetsOf} from '../../../src/surface/report/sheets.ts';
import {slotOf} from '../../../src/surface/report/slot.ts';
import {testFilesOf} from '../../../src/surface/report/test-files.ts';
import {thresholdOf} from '../../../src/surface/report/threshold.ts';

test('at the threshold of the page at most one normal image in twenty is called anomalous, and one fewer would be less than that', () => {
  const rng = new Rng(3);
  for (let round = 0; round < 50; round++) {
    const count = 1 + rng.integer(60);
    // Few different values, so that many scores are equal.
    const scores = Float64Array.from({length: count}, () => rng.integer(12));
    const labels = Uint8Array.from({length: count}, () => rng.integer(2));
    const {score, below} = thresholdOf(scores, labels);
    const {alarms, passed} = decide(scores, labels, score);
    expect(alarms).toBeLessThanOrEqual(0.05 * (alarms + passed));
    expect(scores.filter((one) => one < score)).toHaveLength(below);
    // The next lower score as a threshold would call too many so, if there are normal images.
    const lower = Math.max(...scores.filter((one) => one < score));
    if (alarms + passed > 0) expect(decide(scores, labels, lower).alarms).toBeGreaterThan(0.05 * (alarms + passed));
  }
});

test('thresholds of no normal image, of one, and of equal scores', () => {
  expect(thresholdOf(Float64Array.of(3, 1), Uint8Array.of(1, 1))).toEqual({score: 1, below: 0});
  expect(thresholdOf(Float64Array.of(1), Uint8Array.of(0))).toEqual({score: Number.POSITIVE_INFINITY, below: 1});
  expect(thresholdOf(Float64Array.of(1, 2), Uint8Array.of(0, 1))).toEqual({score: 1.5, below: 1});
});

test('precision over recall: by hand, and its steps sum to the average precision', () => {
  // scikit-learn's precision_recall_curve of these has the points (1/3, 1), (1/3, 1/2), (1, 3/5).
  const scores = Float64Array.of(5, 4, 3, 3, 3, 1);
  const labels = Uint8Array.of(1, 0, 1, 1, 0, 0);
  expect(precisionRecall(scores, labels)).toEqual([
    [1 / 3, 1],
    [1, 3 / 5],
  ]);
  const rng = new Rng(1);
  const many = Float64Array.from({length: 150}, () => rng.normal());
  const kinds = Uint8Array.from(many, (score) => Number(score + rng.normal() > 0.3));
  let [sum, before] = [0, 0];
  for (const [recall, precision] of precisionRecall(many, kinds, 1000)) {
    sum += (recall - before) * precision;
    before = recall;
  }
  expect(sum).toBeCloseTo(averagePrecision(rank(many, kinds)), 10);
  expect(precisionRecall(many, kinds, 10).length).toBeLessThanOrEqual(11);
  expect(precisionRecall(many, new Uint8Array(150))).toEqual([]);
});

test('test images have the names and kinds of their files, if those can be in that order', () => {
  const sources = [
    'ground_truth/cut/000_mask.png',
    'test/cut/000.png',
    'test/good/001.png',
    'test/good/000.png',
    'train/good/000.png',
  ];
  expect(testFilesOf(sources, [1, 0, 0], ['good', 'defect'])).toEqual({
    names: ['cut/000.png', 'good/000.png', 'good/001.png'],
    folders: ['cut', 'good', 'good'],
  });
  expect(testFilesOf(sources, [0, 1, 0], ['good', 'defect'])).toBeUndefined();
  expect(testFilesOf(sources, [1, 0], ['good', 'defect'])).toBeUndefined();
  expect(testFilesOf(['t10k-images-idx3-ubyte.gz'], [0], ['a', 'b'])).toBeUndefined();
});

test('a map’s scale goes by the pixels of normal images, in steps of ten, and on to the highest of all', () => {
  const area = 100;
  const data = new Float32Array(101 * area);
  for (let i = 0; i < 100 * area; i++) data[i] = i; // 10 000 normal pixels, 0 … 9999
  data.fill(5000, 100 * area);
  data[data.length - 1] = 1e6;
  const labels = new Uint8Array(101);
  labels[100] = 1;
  const scale = heatScaleOf({count: 101, height: 10, width: 10, data}, labels);
  expect([9000, 9900, 9990, 9999].map((score) => Number(placeOf(scale, score).toFixed(6)))).toEqual([
    0.2, 0.4, 0.6, 0.8,
  ]);
  expect([0, 1e6].map((score) => placeOf(scale, score))).toEqual([0, 1]);
  expect(placeOf(scale, 504_999.5)).toBeCloseTo(0.9, 9);
  const places = Array.from({length: 2000}, (_, i) => placeOf(scale, 10 * i));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  for (const {place, score} of ticksOf(scale)) expect(placeOf(scale, score)).toBeCloseTo(place, 3);
});

test('the outline of a mask is where marked pixels end', () => {
  const mask = new Uint8Array(16);
  for (const at of [5, 6, 9, 10]) mask[at] = 1; // the middle of 4 × 4
  expect(outlineOf(mask, 4, 4)).toBe('M25 25H75M25 75H75M25 25V75M75 25V75');
  // A pixel at the corner of a large image is not lost.
  const large = new Uint8Array(960 * 960);
  large[960 * 960 - 1] = 1;
  expect(outlineOf(large, 960, 960)).toBe('M99 99H100M99 100H100M99 99V100M100 99V100');
});

test('scores come through a page as they are said there; infinities too', () => {
  const scores = Float64Array.of(
    50.4952,
    50.495000001,
    0.123456789,
    -2.5e-7,
    12345.678,
    3e30,
    Number.POSITIVE_INFINITY,
    -0.0001,
    0,
  );
  const back = scoresOf(packedScores(scores));
  for (const [i, score] of scores.entries())
    expect([back[i], scoreText(back[i]!)]).toEqual([Math.fround(score), scoreText(score)]);
  expect([...indicesOf(Buffer.from(Uint16Array.of(3, 300).buffer).toString('base64'), true)]).toEqual([3, 300]);
});

test('pictures are as large as their budget lets them be; a place on a sheet is in percent of what is left', async () => {
  const rng = new Rng(2);
  const noise: Picture[] = Array.from({length: 70}, () => ({
    height: 60,
    width: 60,
    pixels: Uint8Array.from({length: 3 * 60 * 60}, () => rng.integer(256)),
  }));
  const whole = await sheetsOf(noise, {bytes: Number.POSITIVE_INFINITY, least: 28});
  expect(whole).toMatchObject({width: 60, height: 60, columns: 8, rows: 8});
  expect(whole.files).toHaveLength(2);
  const small = await sheetsOf(noise, {bytes: 60_000, least: 28});
  expect(small.files!.reduce((sum, file) => sum + file.length, 0)).toBeLessThan(66_000);
  expect(small).toMatchObject({columns: 8, rows: 8});
  expect('width' in small && small.width).toBeLessThan(60);
  const none = await sheetsOf(noise, {bytes: 10_000, least: 28});
  expect(none).toMatchObject({files: undefined});
  expect('left' in none && none.left).toBeGreaterThan(10);
  expect(slotOf({columns: 8, rows: 8}, 'p0', 64 + 9)).toEqual({
    classes: 'pic p0 p0-1',
    position: `${100 / 7}% ${100 / 7}%`,
  });
});

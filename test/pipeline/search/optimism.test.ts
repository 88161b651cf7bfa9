import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {spearman} from '../../../src/core/linalg/spearman.ts';
import {areaUnderRoc, rank} from '../../../src/domain/metrics/ranking.ts';
import {optimismOfBest, type TestSet} from '../../../src/pipeline/search/optimism.ts';

/**
 * Normal images have scores N(0, 1), anomalous ones N(shift, 1): the AUC of a configuration on all images of the world is
 * Φ(shift / √2). Half of an image's deviation is common to all configurations, as images are easy or hard.
 */
function setOf(shifts: readonly number[], images: number, seeds: number, rng: Rng): TestSet {
  const labels = Uint8Array.from({length: images}, (_, i) => i % 2);
  const common = Float64Array.from(labels, () => rng.normal());
  const scores = shifts.map((shift) =>
    Array.from({length: seeds}, () =>
      Float64Array.from(labels, (label, i) => Math.SQRT1_2 * (common[i]! + rng.normal()) + label * shift),
    ),
  );
  return {labels, scores};
}

/** Φ(shift / √2) by integrating the density. */
function aucOf(shift: number): number {
  const z = shift / Math.SQRT2;
  const steps = 2000;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += Math.exp(-((((i + 0.5) * z) / steps) ** 2) / 2);
  return 0.5 + (sum * z) / steps / Math.sqrt(2 * Math.PI);
}

test('one configuration has no optimism; its value is the mean AUC over seeds and test sets', () => {
  const rng = new Rng(0);
  const sets = [setOf([1], 40, 3, rng), setOf([0.5], 60, 3, rng)];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const expected = mean(sets.map(({labels, scores}) => mean(scores[0]!.map((one) => areaUnderRoc(rank(one, labels))))));
  const found = optimismOfBest(sets, rng, 10);
  expect(found).toEqual({
    chosen: 0,
    value: expect.closeTo(expected, 12),
    optimism: 0,
    corrected: found.value,
    agreement: 1,
  });
});

test('ties count half, as in the metric', () => {
  const labels = Uint8Array.of(0, 1, 0, 1, 0, 1);
  const scores = Float64Array.of(1, 1, 2, 2, 0, 3);
  const {value} = optimismOfBest([{labels, scores: [[scores]]}], new Rng(0), 1);
  expect(value).toBe(areaUnderRoc(rank(scores, labels)));
});

test('equal configurations: the same scores have no optimism but the bootstrap’s own', () => {
  const {labels, scores} = setOf([1], 400, 1, new Rng(1));
  const found = optimismOfBest([{labels, scores: [scores[0]!, scores[0]!, scores[0]!]}], new Rng(2), 100);
  expect(found.chosen).toBe(0);
  expect(found.agreement).toBe(1);
  expect(found.optimism).toBeLessThan(0.005);
});

test.for<[string, readonly number[], number]>([
  ['equal ones, one seed', new Array<number>(20).fill(0.8), 1],
  ['equal ones, three seeds', new Array<number>(20).fill(0.8), 3],
  ['unequal ones', Array.from({length: 20}, (_, c) => 0.6 + 0.02 * c), 1],
])('of 20 configurations on 100 images, %s, the corrected value is nearer to the truth', ([, shifts, seeds]) => {
  const worlds = 30;
  let apparent = 0;
  let corrected = 0;
  for (let world = 0; world < worlds; world++) {
    const found = optimismOfBest([setOf(shifts, 100, seeds, new Rng(world))], new Rng(world), 40);
    const truth = aucOf(shifts[found.chosen]!);
    apparent += (found.value - truth) / worlds;
    corrected += (found.corrected - truth) / worlds;
  }
  expect(apparent).toBeGreaterThan(0.015);
  expect(Math.abs(corrected)).toBeLessThan(0.6 * apparent);
});

test('a configuration that is far better is chosen in every round', () => {
  const found = optimismOfBest([setOf([0.2, 3, 0.3], 100, 2, new Rng(0))], new Rng(0), 50);
  expect(found).toMatchObject({chosen: 1, agreement: 1});
  expect(found.optimism).toBeLessThan(0.01);
});

test('the same seed gives the same, another nearly', () => {
  const sets = [setOf([0.8, 0.9, 1], 200, 2, new Rng(0))];
  expect(optimismOfBest(sets, new Rng(1), 200)).toEqual(optimismOfBest(sets, new Rng(1), 200));
  const difference = optimismOfBest(sets, new Rng(1), 200).corrected - optimismOfBest(sets, new Rng(2), 200).corrected;
  expect(Math.abs(difference)).toBeLessThan(0.01);
});

interface Fixture {
  readonly spearman: readonly {readonly a: number[]; readonly b: number[]; readonly spearman: number}[];
}

test('rank correlations are those of SciPy, ties averaged', () => {
  const {spearman: cases} = JSON.parse(readFileSync('test/fixtures/search/scipy.json', 'utf8')) as Fixture;
  for (const {a, b, spearman: expected} of cases)
    expect(spearman(Float64Array.from(a), Float64Array.from(b))).toBeCloseTo(expected, 12);
  expect(spearman(Float64Array.of(1, 2, 3), Float64Array.of(5, 5, 5))).toBeNaN();
});

/** A page of three megabytes, however many tasks, classifiers and test images a run has. */
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {fitScores, mostBytes, pictureBudget} from '../../../src/surface/report/budget.ts';
import type {CloseUp} from '../../../src/surface/report/close-up.ts';
import {packedScores} from '../../../src/surface/report/explorer.ts';
import type {ExplorerData} from '../../../src/surface/report/page-data.ts';

const rng = new Rng(1);
const scores = Float64Array.from({length: 10_000}, () => rng.normal());

/** Tasks of a paper's table, as far as their size goes. */
const tasksOf = (count: number, classifiers = 3): readonly CloseUp[] =>
  Array.from({length: count}, () => ({scored: Array(classifiers).fill({scores})}) as unknown as CloseUp);

const explorer: ExplorerData = {
  pictures: 0,
  kinds: ['cat', 'dog'],
  anomalous: [false, true],
  kind: '',
  classifiers: ['kde', '1-nn', 'gde'].map((name) => ({name, scores: packedScores(scores), below: 500})),
};
const each = JSON.stringify(explorer.classifiers[0]).length;

test('pictures take what scores and charts leave, and never nothing', () => {
  const budget = (tasks: number, all: boolean) => pictureBudget(tasksOf(tasks), all);
  expect(budget(2, false)).toBe(0.9e6);
  // Two classes and three classifiers on ten thousand images: all of these have their picture of 20 pixels (137 bytes of CIFAR-10).
  expect(budget(2, true)).toBeGreaterThan(10_000 * 137);
  expect((4 / 3) * budget(2, true) + 2 * 3 * each).toBeLessThan(mostBytes);
  expect([budget(12, false), budget(12, true)]).toEqual([0.35e6, 0.35e6]);
  expect(pictureBudget(tasksOf(12, 1), false)).toBeGreaterThan(0.35e6);
});

test('without room for all scores, each task has its first classifier before any has its second; what is missing is said', () => {
  const counts = (room: number) =>
    fitScores([explorer, null, explorer, explorer], room, 'a-run').map((one) => one?.classifiers.length ?? null);
  expect(counts(9 * each + 100)).toEqual([3, null, 3, 3]);
  expect(counts(4.5 * each)).toEqual([2, null, 1, 1]);
  expect(counts(2.5 * each)).toEqual([1, null, 1, 0]);
  expect(counts(-5)).toEqual([0, null, 0, 0]);
  const [some] = fitScores([explorer], 2.5 * each, 'a-run');
  expect(some!.classifiers.map(({name}) => name)).toEqual(['kde', '1-nn']);
  expect(some!.without).toBe(
    'This page would be larger than 3 MB with the scores of 1 classifier more, so the threshold moves without them. With fewer tasks there is room: pipeline report a-run --task …',
  );
  expect(fitScores([explorer], 4 * each, 'a-run')).toEqual([explorer]);
});

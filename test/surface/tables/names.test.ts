import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {searchResultsOf} from '../../../src/pipeline/search/results.ts';
import {type RunRecord, readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {bestOfRun} from '../../../src/surface/tables/best-mean.ts';
import {type Better, rivalsText} from '../../../src/surface/tables/best-of.ts';
import {decimalsBeside, decimalsOf} from '../../../src/surface/tables/digits.ts';
import {number} from '../../../src/surface/tables/formats.ts';
import {meanText} from '../../../src/surface/tables/means.ts';
import {labelsOf} from '../../../src/surface/tables/names.ts';
import {runNames} from '../../../src/surface/tables/run-names.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';

const better: Better = (metric) => (metric === 'fpr-at-95' ? 'lower' : metric === 'mine' ? undefined : 'higher');

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-names-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

function recordOf(run: Omit<MadeUpRun, 'id'>): RunRecord {
  const read = readRecord(makeRun(runs, {id: '20260101-000000-made-up-abcd', ...run}));
  if (!read.ok) throw new Error(JSON.stringify(read.failures));
  return read.value;
}

function namesIn(tasks: MadeUpRun['tasks']) {
  const record = recordOf({tasks});
  const names = runNames(record);
  return record.tasks.map(({id}) => names.tasks.get(id));
}

test('a version of a plug-in that only some use is no name; one that has several versions is', () => {
  const labels = (...options: readonly object[]) =>
    labelsOf(options.map((one) => ({dataset: 'd', paperRow: 'rotation', options: one as never})));
  const crop = {augment: [{type: 'crop'}], versions: {'learner rotation': 1, 'transform crop': 1}};
  const flip = {augment: [{type: 'hflip'}], versions: {'learner rotation': 1, 'transform hflip': 3}};
  expect(labels(crop, flip)).toEqual(['rotation augment=crop', 'rotation augment=hflip']);
  expect(labels(crop, {...crop, versions: {...crop.versions, 'transform crop': 2}})).toEqual([
    'rotation transform crop=1',
    'rotation transform crop=2',
  ]);
  expect(labels(crop, {...crop, until: 2})).toEqual(['rotation', 'rotation (unfinished, epoch 2)']);
});

test('a task is called by its method, and by its classifiers where those of others differ', () => {
  const task = (nu: number, epochs: number) => ({
    inlier: 'cat',
    seed: 0,
    learner: {...paperRotation, epochs},
    point: {'learner.epochs': epochs, 'classifiers.0.nu': nu},
    scores: {'oc-svm-rbf': {ref: {type: 'oc-svm', nu}, metrics: {auc: 0.7}}, ...auc(0.8)},
  });
  expect(namesIn([task(0.1, 1), task(0.5, 1), task(0.1, 2), task(0.5, 2)])).toEqual([
    'rotation epochs=1 · oc-svm-rbf nu=0.1',
    'rotation epochs=1 · oc-svm-rbf nu=0.5',
    'rotation epochs=2 · oc-svm-rbf nu=0.1',
    'rotation epochs=2 · oc-svm-rbf nu=0.5',
  ]);
});

test('as many digits as tell different numbers apart', () => {
  expect(decimalsOf([88.3, 91.2])).toBe(1);
  expect(decimalsOf([88.301, 88.304, 88.31])).toBe(3);
  expect(decimalsOf([88.3, 88.3])).toBe(1);
  expect(decimalsOf([88.3, 88.3 + 1e-9])).toBe(1);
  expect(decimalsBeside(88.32, [88.32, 88.3, 70.001, 70.002])).toBe(2);
});

test('what prints as zero has no sign, and a minus is a minus', () => {
  expect(number(-0.0001, 0.006, true)).toBe('0.0 ± 0.6');
  expect(number(-1.119, null, false)).toBe('−1.119');
});

test('of what a number is the mean, and from how many it was chosen', () => {
  expect(meanText({classes: 1, seeds: 1, n: 1})).toBeUndefined();
  expect(meanText({classes: 1, seeds: 2, n: 2})).toBe('mean of 2 seeds');
  expect(meanText({classes: 2, seeds: 1, n: 2})).toBe('mean of 2 classes');
  expect(meanText({classes: 2, seeds: 3, n: 6})).toBe('mean of 2 classes with 3 seeds each');
  expect(meanText({classes: 2, seeds: 3, n: 5})).toBe('mean of 5 values of 2 classes');
  expect([rivalsText([3]), rivalsText([1, 1]), rivalsText([16, 16]), rivalsText([2, 3])]).toEqual([
    '3 configurations',
    '2 configurations',
    '32 configurations, 16 of each method and classifier',
    '5 configurations, 2 to 3 of a method and classifier',
  ]);
});

test('the best of a run: of a search what it chose, never a training that was ended early; else the best by test labels', () => {
  const {tasks, ...search} = searchRun({trials: 4, settings: 1, on: 'validation'});
  // Ended early, and better by far.
  const early = {
    ...tasks[0]!,
    trial: {...tasks[0]!.trial!, number: 9},
    until: 1,
    scores: {'oc-svm': {metrics: {auc: 0.99}}},
  };
  const record = recordOf({...search, tasks: [...tasks, early]});
  const chosen = searchResultsOf(record)!.best!;
  const best = bestOfRun(record, better)!;
  expect([best.mean, best.mark, best.n]).toEqual([chosen.test!.value, '', 1]);
  expect(best.mean).toBeLessThan(0.95);
  expect(best.who).toContain(`nu=${chosen.point['classifiers.0.nu']}`);
  const sweep = [0.1, 0.5].flatMap((nu) =>
    [0, 1].map((seed) => ({
      inlier: 'cat',
      seed,
      point: {nu},
      scores: {'oc-svm-rbf': {ref: {type: 'oc-svm', nu}, metrics: {auc: nu}}},
    })),
  );
  expect(bestOfRun(recordOf({tasks: sweep}), better)).toEqual({
    metric: 'auc',
    mean: 0.5,
    text: '50.0',
    who: 'rotation · oc-svm-rbf nu=0.5',
    mark: '†',
    classes: 1,
    seeds: 2,
    n: 2,
  });
});

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import type {Task} from '../../../src/pipeline/config/spec.ts';
import {type RunRecord, readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {effectsText} from '../../../src/surface/tables/effects.ts';
import {formatRuns, listingOf} from '../../../src/surface/tables/ls.ts';
import {formatReport, reportRun} from '../../../src/surface/tables/show.ts';
import {formatWhy, why} from '../../../src/surface/tables/why.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-report-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

function record(run: MadeUpRun): RunRecord {
  const read = readRecord(makeRun(runs, run));
  if (!read.ok) throw new Error(JSON.stringify(read.failures));
  return read.value;
}

const shown = (run: MadeUpRun): string => formatReport(reportRun(record(run))).replaceAll(runs, 'runs');

const failing: MadeUpRun = {
  id: '20260102-b',
  name: 'fmnist',
  at: '2026-01-02T08:30:59.000Z',
  tasks: [
    {inlier: 'cat', seed: 0, scores: {...auc(0.7531), gde: {fails: 'out of memory\nin line 3'}}},
    {inlier: 'dog', seed: 0, scores: {kde: {metrics: {auc: null, uniformity: -2.25}}}},
  ],
};

test('runs in the order that is given', () => {
  const records = [
    record({
      id: '20260101-a',
      at: '2026-01-01T23:59:00.000Z',
      tasks: [{inlier: 'cat', seed: 0, scores: auc(0.7)}],
      cached: true,
    }),
    record(failing),
    record({
      id: '20260103-c',
      at: '2026-01-03T00:00:00.000Z',
      end: 'torn',
      tasks: [{inlier: 'cat', seed: 0, scores: auc(0.7)}],
    }),
  ];
  expect(formatRuns(records.map(listingOf).reverse())).toMatchInlineSnapshot(`
    "run         name     started               outcome     tasks  computed  cached  failed        time
    ──────────────────────────────────────────────────────────────────────────────────────────────────
    20260103-c  made-up  2026-01-03 00:00 UTC  unfinished      1         5       0       0           –
    20260102-b  fmnist   2026-01-02 08:30 UTC  failed          2         9       0       1  1 min 03 s
    20260101-a  made-up  2026-01-01 23:59 UTC  done            1         0       5       0  1 min 03 s
    "
  `);
  expect(formatRuns([])).toBe('There are no runs yet.\n');
});

test('one run', () => {
  expect(shown(failing)).toMatchInlineSnapshot(`
    "20260102-b: fmnist, failed after 1 min 03 s
    started 2026-01-02 08:30 UTC · 2 tasks · wasm 4.22.0, cpu
    runs/20260102-b

    task                                classifier   auc  uniformity  note
    ──────────────────────────────────────────────────────────────────────
    fmnist/cifar10/cat/rotation/seed=0  kde         75.3           –
    fmnist/cifar10/cat/rotation/seed=0  gde            –           –  [1]
    fmnist/cifar10/dog/rotation/seed=0  kde            –      −2.250
    [1] not computed, "score" failed: out of memory

    stage     computed  failed  skipped   time  peak memory
    ───────────────────────────────────────────────────────
    data             1       0        0  1.5 s       123 MB
    learn            2       0        0  3.0 s       123 MB
    embed            2       0        0  3.0 s       123 MB
    score            2       1        0  3.0 s       123 MB
    evaluate         2       0        1  3.0 s       123 MB

    Failed:
      score gde · cat · seed 0: out of memory
      in line 3
        Try another.

    Skipped:
      evaluate gde · cat · seed 0: score gde · cat · seed 0 failed
    "
  `);
});

test('a run that was killed at once', () => {
  expect(shown({id: 'x', end: 'none', tasks: [{inlier: 'cat', seed: 0, scores: {kde: {}}}]})).toMatchInlineSnapshot(`
    "x: made-up, unfinished
    started 2026-01-01 00:00 UTC · 1 task · wasm 4.22.0, cpu
    runs/x

    No metric was computed.

    stage     computed  waiting   time  peak memory
    ───────────────────────────────────────────────
    data             1        0  1.5 s       123 MB
    learn            1        0  1.5 s       123 MB
    embed            1        0  1.5 s       123 MB
    score            0        1      –            –
    evaluate         0        1      –            –
    "
  `);
});

test('why: options, versions, seeds, data and machine, then numbers', () => {
  const learner = paperRotation;
  const left = record({
    id: 'left',
    tasks: ['cat', 'dog'].map((inlier) => ({inlier, seed: 0, learner, scores: auc(0.7)})),
  });
  const right = record({
    id: 'right',
    data: 'other files',
    version: 2,
    environment: {version: '0.2.0', node: '22.1.0', git: {commit: 'def', dirty: true}, pid: 7},
    tasks: [
      ...['cat', 'dog'].map((inlier, at) => ({
        inlier,
        seed: 0,
        learner: {...learner, epochs: 5, optimizer: {...(learner['optimizer'] as object), learning_rate: 0.1}},
        scores: {...auc(at === 0 ? 0.75 : 0.7), gde: {metrics: {auc: 0.9}}},
      })),
      {inlier: 'ship', seed: 0, learner, scores: auc(0.8)},
    ],
  });
  expect(formatWhy(why(left, right))).toMatchInlineSnapshot(`
    "left → right

    Options:
      learner.epochs: 2048 → 5 (2 tasks)
      learner.optimizer.learning_rate: 0.01 → 0.1 (2 tasks)
      versions.learner rotation: 1 → 2 (2 tasks)
      classifiers.gde: (none) → {type: gde} (2 tasks)

    The data differs (other files, or another choice of them) in
      cifar10 cat · rotation · seed 0
      cifar10 dog · rotation · seed 0

    Only in right:
      cifar10 ship · rotation · seed 0

    Environment:
      version: 0.1.0 → 0.2.0
      node: 20.19.0 → 22.1.0
      git.commit: abc → def
      git.dirty: false → true

    Numbers:
      cifar10 cat · rotation · seed 0 · kde · auc: 0.7000 → 0.7500

    1 number is equal.
    "
  `);
});

test('why: another seed, another method', () => {
  const left = record({id: 'left', tasks: [{inlier: 'cat', seed: 0, scores: auc(0.7)}]});
  const seed = record({id: 'seed', tasks: [{inlier: 'cat', seed: 1, scores: auc(0.7)}]});
  const method = record({
    id: 'method',
    tasks: [{inlier: 'cat', seed: 0, learner: {type: 'untrained'}, scores: auc(0.6)}],
  });
  expect(formatWhy(why(left, seed))).toMatchInlineSnapshot(`
    "left → seed

    Options:
      seed: 0 → 1

    1 number is equal.
    "
  `);
  expect(why(left, method).options.map(({path}) => path)).toContain('learner.type');
});

test('why: tasks of a matrix are matched by their points', () => {
  const at = (epochs: number, value: number) => ({
    inlier: 'cat',
    seed: 0,
    learner: {...paperRotation, epochs},
    point: {'learner.epochs': epochs},
    scores: auc(value),
  });
  const left = record({id: 'left', tasks: [at(1, 0.6), at(2, 0.7)]});
  const right = record({id: 'right', tasks: [at(2, 0.7), at(1, 0.65)]});
  const found = why(left, right);
  expect(found.options).toEqual([]);
  expect(found.metrics).toMatchObject([{left: 0.6, right: 0.65}]);
  expect(found.equalMetrics).toBe(1);
});

test('why: nothing differs; or only the numbers', () => {
  const same = (id: string, value: number) => record({id, tasks: [{inlier: 'cat', seed: 0, scores: auc(value)}]});
  expect(formatWhy(why(same('a', 0.7), same('b', 0.7)))).toMatchInlineSnapshot(`
    "a → b

    1 number is equal.

    The records of the two runs do not differ.
    "
  `);
  expect(formatWhy(why(same('c', 0.7), same('d', 0.71)))).toMatchInlineSnapshot(`
    "c → d

    Numbers:
      cifar10 cat · rotation · seed 0 · kde · auc: 0.7000 → 0.7100

    The records do not explain the difference: the engine may not be deterministic, or the machine was another one.
    "
  `);
});

test('a run with an ensemble and metrics of features', () => {
  const run: MadeUpRun = {
    id: 'r9',
    tasks: [0, 1].map((seed) => ({
      inlier: 'cat',
      seed,
      scores: {kde: {metrics: {auc: 0.9, 'f1-max': 0.8}, testLabels: {'f1-max': 'its threshold is the best one'}}},
      features: {pool: {alignment: 0.25}},
      ...(seed === 1 && {ensembles: {kde: {auc: 0.95, 'f1-max': 0.85}}}),
    })),
  };
  const text = shown(run);
  expect(text.split('\n').slice(4, 13).join('\n')).toMatchInlineSnapshot(`
    "task                                    classifier                  auc  f1-max †  alignment
    ────────────────────────────────────────────────────────────────────────────────────────────
    made-up/cifar10/cat/rotation/seed=0     kde                        90.0      80.0          –
    made-up/cifar10/cat/rotation/seed=0     (pool)                        –         –     0.2500
    made-up/cifar10/cat/rotation/seed=1     kde                        90.0      80.0          –
    made-up/cifar10/cat/rotation/seed=1     (pool)                        –         –     0.2500
    made-up/cifar10/cat/rotation/seeds=0,1  kde (ensemble of 2 seeds)  95.0      85.0          –
    † f1-max uses the test labels beyond evaluation: its threshold is the best one.
    "
  `);
});

test('a sweep ends with its best configuration, and what each parameter did', () => {
  const sweep = (values: {readonly [path: string]: readonly unknown[]}, value: (point: Task['point']) => number) => {
    let points: Task['point'][] = [{}];
    for (const [path, own] of Object.entries(values))
      points = points.flatMap((point) => own.map((one) => ({...point, [path]: one})));
    return record({
      id: '20260105-s',
      tasks: points.flatMap((point) =>
        ['cat', 'dog'].map((inlier) => ({
          inlier,
          seed: 0,
          point: {...point, 'with.a': point['a']!}, // two options that vary together
          learner: {
            type: 'rotation',
            ...Object.fromEntries(Object.entries(point).map(([path, one]) => [path.split('.').at(-1), one])),
          },
          scores: auc(value(point) + (inlier === 'cat' ? 0.01 : -0.01)),
        })),
      ),
    });
  };
  const higher = () => 'higher' as const;
  const effects = sweep(
    {'learner.epochs': [2, 16, 4], 'learner.head': ['none', 'deep'], 'limit.train': [10, 20], a: [1, 2, 3, 4, 5, 6, 7]},
    (point) =>
      0.7 +
      Number(point['learner.epochs']) / 100 +
      (point['learner.head'] === 'deep' ? 0.05 : 0) +
      Number(point['a']) / 1000,
  );
  expect(effectsText(effects, higher)).toMatchInlineSnapshot(`
    "best: rotation a=7 epochs=16 head=deep train=10 · kde: auc 91.7, mean of 2 classes (the best by the test labels of 84 configurations: too good by chance alone)
      epochs: 2 → 74.9, 4 → 76.9, 16 → 88.9
      head: none → 77.7, deep → 82.7
      a: 7 values, from 1 → 79.9 to 7 → 80.5
      and 1 parameter that did less"
  `);
  expect(
    effectsText(effects, higher, {columns: 44})!
      .split('\n')
      .every((line) => line.length < 44),
  ).toBe(true);
  expect(
    effectsText(
      sweep({a: [1]}, () => 0.5),
      higher,
    ),
  ).toBeUndefined();
});

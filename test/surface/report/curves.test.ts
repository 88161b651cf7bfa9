import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {type Curves, curvesOf, curvesSection} from '../../../src/surface/report/curves.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-curves-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

function curves(tasks: MadeUpRun['tasks']): readonly Curves[] {
  const read = readRecord(makeRun(runs, {id: '20260101-000000-made-up-abcd', tasks}));
  if (!read.ok) throw new Error(JSON.stringify(read.failures));
  return curvesOf(read.value);
}

/** A task for each point, of two classes and two seeds; the AUC is `of` the point + seed / 100, of dogs 0.1 higher. */
const swept = (points: readonly {readonly [path: string]: unknown}[], of: (at: number) => number) =>
  points.flatMap((point, at) =>
    ['cat', 'dog'].flatMap((inlier) =>
      [0, 1].map((seed) => ({
        inlier,
        seed,
        learner: {...paperRotation, point: JSON.stringify(point)},
        point,
        scores: auc(of(at) + seed / 100 + (inlier === 'dog' ? 0.1 : 0)),
      })),
    ),
  );

test('along a number, coloured by another option: means over classes, deviations between seeds', async () => {
  const points = [8, 32, 128].flatMap((batch) =>
    [[], ['rotate90', 'rotate180']].map((copies) => ({'learner.batch': batch, distribution_augmentation: copies})),
  );
  const [found, ...others] = curves(swept(points, (at) => 0.5 + at / 20));
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    axis: 'batch',
    ticks: [8, 32, 128],
    colour: {name: 'distribution_augmentation', values: ['none', 'rotate90+rotate180']},
    panels: [{metric: 'auc', classifier: 'kde'}],
  });
  expect(found!.panels[0]!.points[3]).toEqual({
    x: 32,
    colour: 'rotate90+rotate180',
    mean: expect.closeTo(0.5 + 3 / 20 + 0.05 + 0.005, 9), // half of dogs' 0.1, half of the second seed's 0.01
    sd: expect.closeTo(Math.SQRT1_2 / 100, 9),
    seeds: 2,
  });
  const drawn = String(await curvesSection([found!]));
  expect(drawn).toContain('<title>batch 32, distribution_augmentation rotate90+rotate180: 70.5 ± 0.7</title>');
  expect(drawn).toContain('colours: distribution_augmentation');
});

test('along lists of different lengths: how many copies, or layers', () => {
  const heads = [[], [64], [64, 64]].map((head) => ({'learner.network.head': head}));
  expect(curves(swept(heads, () => 0.7))).toMatchObject([{axis: 'head: how many', ticks: [0, 1, 2]}]);
  // Two of one length have no places of their own.
  const alike = [[], [64], [32]].map((head) => ({'learner.network.head': head}));
  expect(curves(swept(alike, () => 0.7))).toEqual([]);
});

test('what follows from another option is none of its own', () => {
  const points = [
    {distribution_augmentation: [], 'learner.epochs': 12},
    {distribution_augmentation: ['hflip'], 'learner.epochs': 6},
    {distribution_augmentation: ['hflip', 'rotate90'], 'learner.epochs': 4},
    {distribution_augmentation: ['hflip', 'rotate90', 'rotate180'], 'learner.epochs': 4},
  ];
  const found = curves(swept(points, () => 0.7));
  expect(found).toMatchObject([{axis: 'distribution_augmentation: how many', ticks: [0, 1, 2, 3]}]);
  expect(found[0]!.colour).toBeUndefined();
});

test('one number and one metric are drawn as a sweep already; three options are too many', () => {
  expect(curves(swept([{'learner.batch': 8}, {'learner.batch': 16}], () => 0.7))).toEqual([]);
  const three = [1, 2].flatMap((a) => [1, 2].flatMap((b) => [1, 2].map((c) => ({a, b, c}))));
  expect(curves(swept(three, () => 0.7))).toEqual([]);
});

test('a small number on an axis is written in full', async () => {
  const points = [0.005, 0.05].flatMap((rate) => ['a', 'b'].map((name) => ({rate, name})));
  const drawn = String(await curvesSection(curves(swept(points, () => 0.7))));
  expect(drawn).toContain('>0.005<');
});

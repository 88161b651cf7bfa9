import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import type {RunEvent} from '../../../../src/pipeline/events.ts';
import {metricsOf} from '../../../../src/pipeline/store/runs/numbers.ts';
import {planText} from '../../../../src/pipeline/store/runs/plan-file.ts';
import {readRecord} from '../../../../src/pipeline/store/runs/record.ts';
import {eventOf, lineOf} from '../../../../src/pipeline/store/runs/shape.ts';
import {auc, makeRun} from '../../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-grown-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

type Grown = Extract<RunEvent, {type: 'plan-grown'}>;

/** A run whose whole plan came while it went on. */
function grownRun(change: (grown: Grown) => Grown = (grown) => grown) {
  const folder = makeRun(runs, {
    id: 'r',
    tasks: [
      {inlier: 'cat', seed: 0, scores: auc(0.7)},
      {inlier: 'cat', seed: 1, scores: auc(0.8)},
    ],
  });
  const whole = readRecord(folder);
  const {self: _, format: __, ...plan} = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
  writeFileSync(join(folder, 'plan.json'), planText({...plan, tasks: [], stages: []}));
  const file = join(folder, 'events.ndjson');
  const events = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => eventOf(line)!);
  const [first, ...rest] = events;
  const grown = change({at: first!.at, type: 'plan-grown', tasks: plan.tasks, stages: plan.stages, shared: []});
  writeFileSync(file, `${[first!, grown, ...rest].map(lineOf).join('\n')}\n`);
  return {folder, whole};
}

test('a run whose plan grew has the record of a run that was planned at once', () => {
  const {folder, whole} = grownRun();
  const grown = readRecord(folder);
  if (!whole.ok || !grown.ok) throw new Error('not read');
  expect(grown.value.tasks).toEqual(whole.value.tasks);
  expect(grown.value.damage).toBeUndefined();
  expect(metricsOf(grown.value).map(({task, value}) => ({task, value}))).toEqual(
    metricsOf(whole.value).map(({task, value}) => ({task, value})),
  );
  expect(metricsOf(grown.value).map(({value}) => value)).toEqual([0.7, 0.8]);
});

test.each<[string, (grown: Grown) => Grown]>([
  [
    'reads a stage that is not there',
    (grown) => ({...grown, stages: grown.stages.filter(({kind}) => kind !== 'data')}),
  ],
  ['has a stage twice', (grown) => ({...grown, stages: [...grown.stages, grown.stages[0]!]})],
  ['shares a stage that is not there', (grown) => ({...grown, shared: [{id: 'nobody', tasks: []}]})],
])('a plan that %s is a damage of the record, and no number appears', (_, change) => {
  const record = readRecord(grownRun(change).folder);
  if (!record.ok) throw new Error('not read');
  expect(record.value.damage).toContain("can't be read");
  expect(metricsOf(record.value)).toEqual([]);
});

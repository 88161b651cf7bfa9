import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {metricsOf, readRecord} from '../../../../src/pipeline/store/runs/record.ts';
import {auc, makeRun} from '../../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-record-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

const run = (end: 'whole' | 'torn' | 'none' = 'whole') =>
  makeRun(runs, {id: 'r', end, tasks: [{inlier: 'cat', seed: 0, scores: {...auc(0.7), gde: {fails: 'no memory'}}}]});

function read(folder: string) {
  const record = readRecord(folder);
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  return record.value;
}

test('plan, events and environment are one record', () => {
  const record = read(run());
  expect(record).toMatchObject({
    id: 'r',
    name: 'made-up',
    outcome: 'failed',
    seconds: 63,
    engine: {name: 'wasm'},
    environment: {git: {commit: 'abc'}},
    warnings: [],
  });
  expect(record.stages.map(({kind, status}) => `${kind} ${status}`)).toEqual([
    'data computed',
    'learn computed',
    'embed computed',
    'score computed',
    'evaluate computed',
    'score failed',
    'evaluate skipped',
  ]);
  expect(metricsOf(record)).toMatchObject([{classifier: 'kde', metric: 'auc', value: 0.7, normal: 1000}]);
});

test('an incomplete last line is ignored, all lines before it are read', () => {
  const record = read(run('torn'));
  expect(record.outcome).toBe('unfinished');
  expect(metricsOf(record)).toHaveLength(1);
});

test('a run that was killed before it wrote anything but its plan', () => {
  const folder = run();
  rmSync(join(folder, 'events.ndjson'));
  rmSync(join(folder, 'environment.json'));
  const record = read(folder);
  expect(record).toMatchObject({outcome: 'unfinished', environment: {}});
  expect(record.started).toBeUndefined();
  expect(new Set(record.stages.map((stage) => stage.status))).toEqual(new Set(['waiting']));
});

test.for([
  ['plan.json', undefined, 'cannot read plan.json: ENOENT'],
  ['plan.json', '{"format": 2, "tasks": [], "stages": []}', 'plan.json does not have the expected content'],
  ['plan.json', '[]', 'plan.json does not have the expected content'],
  ['plan.json', '{"for', /^plan.json is not JSON: /],
  ['environment.json', '"text"', 'environment.json does not have the expected content'],
] as const)('a broken %s: %s', ([name, text, message]) => {
  const folder = run();
  if (text === undefined) rmSync(join(folder, name));
  else writeFileSync(join(folder, name), text);
  expect(readRecord(folder)).toEqual({
    ok: false,
    failures: [
      {
        message: typeof message === 'string' ? message : expect.stringMatching(message),
        file: join(folder, name),
        hint: 'The folder does not hold a complete run. Remove it, or run its pipeline.yaml again.',
      },
    ],
  });
});

import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {metricsOf} from '../../../../src/pipeline/store/runs/numbers.ts';
import {readRecord} from '../../../../src/pipeline/store/runs/record.ts';
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
  expect(metricsOf(record)).toMatchObject([
    {classifier: 'kde', metric: 'auc', value: 0.7, normal: 1000, reason: null, vouched: true},
    {classifier: 'gde', metric: 'auc', value: null, normal: 0, reason: 'not computed, "score" failed: no memory'},
  ]);
});

test('a stage has its lane, in runs of earlier versions as well, which did not write it', () => {
  const folder = run();
  const lanes = () => read(folder).stages.map(({kind, node}) => `${kind} ${node.lane}`);
  const expected = lanes();
  expect(expected.slice(0, 5)).toEqual([
    'data cpu',
    'learn accelerator',
    'embed accelerator',
    'score accelerator',
    'evaluate cpu',
  ]);
  const path = file(folder, 'plan.json');
  const plan = JSON.parse(readFileSync(path, 'utf8'));
  for (const stage of plan.stages) delete stage.lane;
  writeFileSync(path, JSON.stringify(plan));
  expect(lanes()).toEqual(expected);
});

test('an incomplete last line is ignored, all lines before it are read', () => {
  const record = read(run('torn'));
  expect(record.outcome).toBe('unfinished');
  expect(metricsOf(record).filter(({value}) => value !== null)).toHaveLength(1);
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

const file = (folder: string, name: string): string => join(folder, name);
type Json = {[key: string]: unknown};

test.each<[string, (plan: {format: number; tasks: Json[]; stages: Json[]; name: unknown}) => unknown]>([
  ['null', () => null],
  ['tasks of null', (plan) => ({...plan, tasks: [null]})],
  ['stages of null', (plan) => ({...plan, stages: [null]})],
  ['a name that is a number', (plan) => ({...plan, name: 7})],
  ['a seed that is a text', (plan) => ({...plan, tasks: plan.tasks.map((task) => ({...task, seed: '0'}))})],
  ['a dataset without a type', (plan) => ({...plan, tasks: plan.tasks.map((task) => ({...task, dataset: {}}))})],
  ['a task without its comparison', (plan) => ({...plan, tasks: plan.tasks.map(({compare: _, ...task}) => task)})],
  ['inputs that are a list', (plan) => ({...plan, stages: plan.stages.map((stage) => ({...stage, inputs: [1]}))})],
  ['an input from nowhere', (plan) => ({...plan, stages: plan.stages.slice(1)})],
  ['one stage twice', (plan) => ({...plan, stages: [...plan.stages, plan.stages[0]]})],
  [
    'stages in a circle',
    (plan) => ({
      ...plan,
      stages: plan.stages.map((stage) => ({...stage, inputs: {x: {stage: plan.stages.at(-1)!['id'], file: 'y'}}})),
    }),
  ],
])('a strange plan is refused with its file: %s', (_, change) => {
  const folder = run();
  const path = file(folder, 'plan.json');
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
  expect(readRecord(folder)).toMatchObject({
    ok: false,
    failures: [{file: path, message: 'plan.json does not have the expected content'}],
  });
});

test('strange events are left out, with one line that names the file; the others count', () => {
  const folder = run();
  const path = file(folder, 'events.ndjson');
  const at = '2026-01-01T00:00:00.000Z';
  const strange = [
    'null',
    '7',
    '[]',
    '{}',
    '{"type":"stage-finished"}',
    `{"at":"${at}","type":"toString"}`,
    `{"at":"${at}","type":"stage-finished","stage":7,"label":"x","how":"computed","fingerprint":"f","seconds":1}`,
    `{"at":"${at}","type":"stage-finished","stage":"x","label":"x","how":"computed","fingerprint":"f","seconds":"1"}`,
    `{"at":"never","type":"note","message":"x"}`,
    `{"at":"${at}","type":"run-finished","outcome":"splendid","seconds":1}`,
    '\u0000\u0000\u0000',
  ];
  writeFileSync(path, `${strange.join('\n')}\n${readFileSync(path, 'utf8')}`);
  const record = read(folder);
  expect(metricsOf(record).map(({value}) => value)).toEqual([0.7, null]);
  expect(record.warnings).toEqual([
    {message: `${path}: ${strange.length} lines can't be read; what they said is missing here.`},
  ]);
});

test('a folder in the place of the events or of the environment is survived', () => {
  const folder = run();
  for (const name of ['events.ndjson', 'environment.json']) {
    rmSync(file(folder, name));
    mkdirSync(file(folder, name));
  }
  expect(read(folder)).toMatchObject({outcome: 'unfinished', environment: {}});
});

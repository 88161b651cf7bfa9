import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {metricsOf} from '../../../../src/pipeline/store/runs/numbers.ts';
import {planText} from '../../../../src/pipeline/store/runs/plan-file.ts';
import {hasEnded, readRecord} from '../../../../src/pipeline/store/runs/record.ts';
import {eventOf, lineOf} from '../../../../src/pipeline/store/runs/shape.ts';
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

test('a run that was killed before its first event', () => {
  const folder = run();
  writeFileSync(join(folder, 'events.ndjson'), '');
  rmSync(join(folder, 'environment.json'));
  const record = read(folder);
  expect(record).toMatchObject({outcome: 'unfinished', environment: {}, warnings: []});
  expect(hasEnded(folder)).toBe(false);
  expect(record.started).toBeUndefined();
  expect(new Set(record.stages.map((stage) => stage.status))).toEqual(new Set(['waiting']));
});

test.for([
  ['plan.json', undefined, 'plan.json is not there: the run was ended as it began, or the file was removed'],
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
        hint: 'The run is damaged. Run its spec again: what the cache still has is not computed again.',
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
    {message: `${path}: ${strange.length} lines can't be read; what they said is missing here`},
  ]);
});

const strangeThings: {readonly [what: string]: (path: string) => void} = {
  'a folder': (path) => mkdirSync(path),
  'a named pipe': (path) => void execFileSync('mkfifo', [path]),
  'a device': (path) => symlinkSync('/dev/zero', path),
  'a link to nowhere': (path) => symlinkSync('/nowhere/at/all', path),
  nothing: () => undefined,
};

test.each(Object.keys(strangeThings))(
  '%s in the place of the events and of the environment: the run is damaged, and its numbers are found in the cache',
  (what) => {
    const folder = run();
    for (const name of ['events.ndjson', 'environment.json']) {
      rmSync(file(folder, name));
      strangeThings[what]!(file(folder, name));
    }
    const record = read(folder);
    expect(record).toMatchObject({outcome: 'damaged', environment: {}});
    expect(record.warnings).toEqual([{message: record.damage}]);
    expect(record.damage).toMatch(/events\.ndjson (is|may) .*; what it said is missing here$/);
    expect(hasEnded(folder)).toBe(true);
    expect(metricsOf(record)).toMatchObject([
      {classifier: 'kde', value: 0.7, vouched: true},
      {
        classifier: 'gde',
        value: null,
        vouched: null,
        reason: expect.stringMatching(/^not known: .* the cache does not have it$/),
      },
    ]);
    rmSync(file(folder, 'plan.json'));
    strangeThings[what]!(file(folder, 'plan.json'));
    expect(readRecord(folder)).toMatchObject({
      ok: false,
      failures: [{message: expect.stringMatching(/plan\.json is /)}],
    });
  },
);

test('a plan that was edited after the run is not believed', () => {
  const folder = run();
  const path = file(folder, 'plan.json');
  const {format: _, ...plan} = JSON.parse(readFileSync(path, 'utf8'));
  const text = planText(plan);
  writeFileSync(path, text);
  expect(read(folder).tasks).toHaveLength(1);
  for (const [from, to] of [
    ['"seed": 0', '"seed": 1'],
    ['"inlier": "cat"', '"inlier": "dog"'],
    ['"epochs": 2048', '"epochs": 2'],
  ] as const) {
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
    expect(readRecord(folder)).toMatchObject({
      ok: false,
      failures: [{file: path, message: 'plan.json is not as the run wrote it: it was edited or damaged'}],
    });
  }
});

/** The events of a run, as lines that can be checked. */
const checkedLines = (folder: string): string[] =>
  readFileSync(file(folder, 'events.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => lineOf(JSON.parse(line)));

test('any changed character of a line is found; what the line said is found in the cache', () => {
  const folder = run();
  const lines = checkedLines(folder);
  expect(lines.map(eventOf)).toEqual(lines.map((line) => expect.objectContaining({type: JSON.parse(line).type})));
  const whole = metricsOf(read(folder)).map(({value, vouched}) => [value, vouched]);
  for (const [at, line] of lines.entries()) {
    const from = line.search(/:\d|"stage":"/) + 9;
    const damaged = line.slice(0, from) + String.fromCharCode(line.charCodeAt(from) ^ 1) + line.slice(from + 1);
    expect(eventOf(damaged)).toBeUndefined();
    writeFileSync(file(folder, 'events.ndjson'), `${lines.with(at, damaged).join('\n')}\n`);
    const record = read(folder);
    expect(record.damage).toMatch(/1 line can't be read/);
    expect(record.outcome).toBe(at === lines.length - 1 ? 'damaged' : 'failed');
    const [kde, gde] = metricsOf(record).map(({value, vouched}) => [value, vouched]);
    expect([kde, gde]).toEqual(whole);
  }
});

test('what a damaged record has lost and the cache does not have is named; an event of no stage counts as damage', () => {
  const folder = run();
  const lines = checkedLines(folder);
  const at = lines.findIndex((line) => line.includes('"kind":"evaluate"'));
  rmSync(join(runs, 'cache'), {recursive: true});
  const of = (line: string): string => JSON.parse(line).stage;
  const elsewhere = lineOf({...JSON.parse(lines[at]!), stage: 'elsewhere', check: undefined});
  for (const line of ['\0\0\0', elsewhere]) {
    writeFileSync(file(folder, 'events.ndjson'), `${lines.with(at, line).join('\n')}\n`);
    expect(of(lines[at]!)).toMatch(/^[0-9a-f]+$/);
    expect(metricsOf(read(folder))[0]).toMatchObject({
      classifier: 'kde',
      value: null,
      reason: "not known: the run's record has lost it, and the cache does not have it",
    });
  }
});

test('a run has ended as its record says, wherever the last lines are cut', () => {
  const folder = run();
  const text = `${checkedLines(folder).join('\n')}\n`;
  for (let length = text.length; length > text.length - 400; length--) {
    writeFileSync(file(folder, 'events.ndjson'), text.slice(0, length));
    expect([length, hasEnded(folder)]).toEqual([length, read(folder).outcome !== 'unfinished']);
  }
});

test('a line that is gone is missed, as the end of the run counts the stages', () => {
  const folder = run();
  const lines = checkedLines(folder);
  for (const [at, line] of lines.entries()) {
    if (!/"stage-(finished|failed)"/.test(line)) continue;
    writeFileSync(file(folder, 'events.ndjson'), `${lines.toSpliced(at, 1).join('\n')}\n`);
    const record = read(folder);
    expect(record.damage).toMatch(/lines are missing; what they said of 1 stage is missing here$/);
    expect(metricsOf(record)[0]).toMatchObject({value: 0.7, vouched: true});
  }
});

test('another run’s later result is not taken for one that was lost', () => {
  const folder = run();
  makeRun(runs, {
    id: 's',
    at: '2026-02-01T00:00:00.000Z',
    tasks: [{inlier: 'cat', seed: 0, scores: {...auc(0.9), gde: {fails: 'no memory'}}}],
  });
  // Of two results on the same inputs, which no deterministic stage leaves, that of the run itself counts.
  const lines = checkedLines(folder);
  const at = lines.findIndex((line) => line.includes('"kind":"evaluate"'));
  writeFileSync(file(folder, 'events.ndjson'), `${lines.with(at, '?').join('\n')}\n`);
  expect(metricsOf(read(folder))[0]).toMatchObject({value: 0.7, vouched: true});
});

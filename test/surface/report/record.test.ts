/** What is reduced from a run's record alone: which tasks are chosen, sweeps, seeds, timeline. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {type RunRecord, readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {chosenTasks, mostTasks} from '../../../src/surface/report/chosen.ts';
import {domainOf} from '../../../src/surface/report/dots.ts';
import {spacingOf} from '../../../src/surface/report/effects.ts';
import {swarm} from '../../../src/surface/report/swarm.ts';
import {timelineOf, timelineSection} from '../../../src/surface/report/timeline.ts';
import {runNames} from '../../../src/surface/tables/run-names.ts';
import {reportRun} from '../../../src/surface/tables/show.ts';
import {bestOfSweep, sweepsOf, valueText} from '../../../src/surface/tables/sweeps.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-report-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

const folder = (tasks: MadeUpRun['tasks']): string => makeRun(runs, {id: '20260101-000000-made-up-abcd', tasks});

function recordOf(folder: string): RunRecord {
  const read = readRecord(folder);
  if (!read.ok) throw new Error(JSON.stringify(read.failures));
  return read.value;
}

test('few problems are all looked at, the first seed of each', () => {
  const record = recordOf(
    folder(['cat', 'dog'].flatMap((inlier) => [3, 4].map((seed) => ({inlier, seed, scores: auc(0.7)})))),
  );
  expect(chosenTasks(record).map(({inlier, seed}) => `${inlier} ${seed}`)).toEqual(['cat 3', 'dog 3']);
});

test('of many problems, of every method those that it does worst at; or what is asked for', () => {
  const methods = [{type: 'rotation'}, {type: 'untrained'}];
  const record = recordOf(
    folder(
      methods.flatMap((learner) =>
        Array.from({length: 20}, (_, i) => ({inlier: `class-${i}`, seed: 0, learner, scores: auc(0.5 + i / 100)})),
      ),
    ),
  );
  const chosen = chosenTasks(record);
  expect(chosen).toHaveLength(mostTasks);
  const worst = ['class-0', 'class-1', 'class-2', 'class-3', 'class-4', 'class-5'];
  expect(chosen.map(({inlier}) => inlier)).toEqual([...worst, ...worst]);
  expect(chosenTasks(record, 'class-17').map(({learner}) => learner.type)).toEqual(['rotation', 'untrained']);
});

/** Epochs × batch, two seeds each. */
const grid: MadeUpRun['tasks'] = [1, 10].flatMap((epochs) =>
  ['small', 'large'].flatMap((batch) =>
    [0, 1].map((seed) => ({
      inlier: 'cat',
      seed,
      learner: {...paperRotation, epochs, batch},
      point: {'learner.epochs': epochs, 'learner.batch': batch},
      scores: auc(0.5 + epochs / 100 + seed / 10),
    })),
  ),
);

test('a sweep: the paths of the matrix, and the mean over seeds at each point', () => {
  const [sweep, ...others] = sweepsOf(recordOf(folder(grid)), () => 'higher');
  expect(others).toEqual([]);
  expect(sweep!.parameters).toEqual([
    {name: 'epochs', values: ['1', '10'], numbers: [1, 10], share: expect.closeTo(1, 9)},
    {name: 'batch', values: ['small', 'large'], share: expect.closeTo(0, 9)},
  ]);
  expect(sweep!.configurations.map(({at, mean, sd, n}) => [...at, mean.toFixed(2), sd!.toFixed(4), n])).toEqual([
    [0, 0, '0.56', '0.0707', 2],
    [0, 1, '0.56', '0.0707', 2],
    [1, 0, '0.65', '0.0707', 2],
    [1, 1, '0.65', '0.0707', 2],
  ]);
  expect(bestOfSweep(sweep!)!.mean).toBeCloseTo(0.65, 9);
  expect(bestOfSweep({...sweep!, better: 'lower'})!.mean).toBeCloseTo(0.56, 9);
  expect(bestOfSweep({...sweep!, better: undefined})).toBeUndefined();
});

test('a path with one value is no sweep; plug-ins are called by their type', () => {
  const task = {inlier: 'cat', seed: 0, scores: auc(0.7)};
  expect(sweepsOf(recordOf(folder([{...task, point: {'learner.epochs': 1}}])), () => 'higher')).toEqual([]);
  const learners = [{type: 'untrained'}, paperRotation];
  const record = recordOf(folder(learners.map((learner) => ({...task, learner, point: {learner}}))));
  expect(sweepsOf(record, () => 'higher')[0]!.parameters[0]!.values).toEqual(['untrained', 'rotation']);
});

test('what has no value is a configuration, too; learners are called as their methods; digits tell means apart', () => {
  const tasks = ['3way', '3way-patch', 'broken'].map((row, at) => ({
    inlier: 'cat',
    seed: 0,
    learner: {type: 'cutpaste', patch: at},
    point: {learner: {type: 'cutpaste', patch: at}},
    compare: {row},
    scores: row === 'broken' ? {kde: {fails: 'not finite'}} : auc(0.88301 + at / 10_000),
  }));
  const [sweep] = sweepsOf(recordOf(folder(tasks)), () => 'higher');
  expect(sweep!.parameters[0]!.values).toEqual(['3way', '3way-patch', 'broken']);
  expect(sweep!.failed).toMatchObject([{at: [2], reason: 'not computed, "score" failed: not finite'}]);
  expect(sweep!.configurations.map((one) => `${one.name} ${valueText(sweep!, one.mean)}`)).toEqual([
    '3way · kde 88.30',
    '3way-patch · kde 88.31',
  ]);
});

test('methods are told apart by what varies among their tasks', () => {
  const record = recordOf(folder([...grid, {inlier: 'cat', seed: 0, learner: {type: 'untrained'}, scores: auc(0.6)}]));
  expect([...new Set(runNames(record).methods.values())]).toEqual([
    'rotation batch=small epochs=1',
    'rotation batch=large epochs=1',
    'rotation batch=small epochs=10',
    'rotation batch=large epochs=10',
    'untrained',
  ]);
});

test('a timeline: bars that overlap are in different rows', () => {
  const made = folder([{inlier: 'cat', seed: 0, scores: {...auc(0.7), ...auc(0.6, 'gde')}}]);
  const events = join(made, 'events.ndjson');
  const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + 1000 * seconds).toISOString();
  // When the stages began and ended; the score stages at once.
  const times: Record<string, readonly [number, number]> = {
    data: [0, 2],
    learn: [2, 10],
    embed: [10, 12],
    score: [12, 15],
  };
  const lines = readFileSync(events, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const event = JSON.parse(line);
      const time = times[event.kind];
      if (event.type !== 'stage-finished' || !time) return [line];
      const {stage, kind, label} = event;
      return [
        JSON.stringify({at: at(time[0]), type: 'stage-started', stage, kind, label}),
        JSON.stringify({...event, at: at(time[1])}),
      ];
    });
  writeFileSync(events, `${lines.join('\n')}\n`);
  const {bars, ran, cached, seconds} = timelineOf(recordOf(made));
  expect([ran, cached, seconds]).toEqual([bars.length, 0, 63]);
  expect(bars.map(({kind, lane, row, from, to}) => `${kind} ${lane} ${row}: ${from}-${to}`)).toEqual([
    'data cpu 0: 0-2',
    'learn accelerator 0: 2-10',
    'embed accelerator 0: 10-12',
    'score accelerator 0: 12-15',
    'score accelerator 1: 12-15',
  ]);
});

test('each kind of stage has a colour in the timeline and a bar that is seen, however many kinds there are', async () => {
  const record = recordOf(folder([{inlier: 'cat', seed: 0, scores: auc(0.7)}]));
  const [first] = timelineOf(record).bars;
  const kinds = Array.from({length: 11}, (_, i) => `kind-${i}`);
  const bars = kinds.map((kind, i) => ({...first!, kind, label: kind, from: 500 * i, to: 500 * i + 0.01}));
  const report = {...reportRun(record), kinds: kinds.map((kind) => ({...reportRun(record).kinds[0]!, kind}))};
  const section = String(await timelineSection({bars, ran: 11, cached: 0, seconds: 5400}, record, report));
  const drawn = [...section.matchAll(/<path d="([^"]+)"[^>]*? fill="([^"]+)"[^>]*><title>(kind-\d+)/g)];
  expect(drawn.map(([, , , kind]) => kind)).toEqual(kinds);
  expect(new Set(drawn.map(([, , fill]) => fill)).size).toBe(11);
  for (const [, path, fill] of drawn) {
    const across = path!.split(/[A-Z]/).flatMap((points) =>
      points
        .split(',')
        .map(Number)
        .filter((_, i) => i % 2 === 0),
    );
    expect(Math.max(...across) - Math.min(...across.filter((x) => x > 0))).toBeGreaterThan(2);
    expect(fill).toMatch(/^(?:color-mix\(in oklab, )?var\(--c[1-8]\)/);
  }
});

test('values stand as numbers where there is room, as logarithms where they are factors, and evenly where they would coincide', () => {
  expect(spacingOf([1, 2, 4])).toEqual({units: [0, 1 / 3, 1], isEven: false});
  expect(spacingOf([1, 4, 16]).units[1]).toBeCloseTo(0.5, 12);
  expect(spacingOf([0.005, 0.0055, 0.05])).toEqual({units: [0, 0.5, 1], isEven: true});
});

test('dots at one place stand beside each other; those without room are counted', () => {
  const column = Array.from({length: 9}, () => ({x: 50, y: 20}));
  const placed = swarm(column, 6, 12);
  expect(placed.map(({x}) => x).toSorted((a, b) => a - b)).toEqual([38, 44, 50, 56, 62]);
  expect(placed.reduce((sum, {of}) => sum + of.length, 0)).toBe(9);
  const apart = swarm([...column.slice(0, 3), {x: 50, y: 23}, {x: 90, y: 20}], 6, 12);
  for (const [i, a] of apart.entries())
    for (const b of apart.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(6);
});

test('an axis says something: of one number all that there can be, of close ones five points at least, 100 being the end', () => {
  expect(domainOf([97.7], true)).toEqual([0, 100.5]);
  expect(domainOf([-2, -2], false)).toEqual([-2.4, 0]);
  expect(domainOf([0], false)).toEqual([0, 1]);
  const [low, high] = domainOf([89.6, 89.7], true);
  expect(high - low).toBeGreaterThanOrEqual(5);
  expect([low < 89.6, high > 89.7]).toEqual([true, true]);
  expect(domainOf([99.9, 100], true)).toEqual([95.5, 100.5]);
  const [from, to] = domainOf([60, 95], true);
  expect([from > 55, from < 60, to > 95, to < 98]).toEqual([true, true, true, true]);
});

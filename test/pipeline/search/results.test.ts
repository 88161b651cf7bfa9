import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {searchResultsOf} from '../../../src/pipeline/search/results.ts';
import {readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {makeRun} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';

test('the classifier that counts is the same in every setting, also where another is shared with an earlier one', () => {
  const runs = mkdtempSync(join(tmpdir(), 'pipeline-results-'));
  onTestFinished(() => rmSync(runs, {recursive: true}));
  const {tasks, ...run} = searchRun({trials: 2, settings: 2, on: 'test'});
  // Not varied: the second setting finds it computed, in a stage before all of its own.
  const kde = {ref: {type: 'kde'}, metrics: {auc: 0.1}};
  const folder = makeRun(runs, {
    id: '20260101-000000-searched-abcd',
    ...run,
    tasks: tasks.map(({scores, ...task}) => ({...task, scores: {...scores, kde}})),
  });
  const record = readRecord(folder);
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  const shared = record.value.stages.filter(({node}) => node.results?.some(({classifier}) => classifier === 'kde'));
  expect(shared.map(({node}) => node.results!.length)).toEqual([2, 2]);
  const {rows} = searchResultsOf(record.value)!;
  expect(rows.map(({objective}) => objective.value)).toEqual(
    tasks.map(({scores}) => scores['oc-svm']!.metrics!['auc']),
  );
});

test('of a search that was stopped, trials that wait at a rung have not ended', () => {
  const runs = mkdtempSync(join(tmpdir(), 'pipeline-results-'));
  onTestFinished(() => rmSync(runs, {recursive: true}));
  const {search, ...run} = searchRun({trials: 6, settings: 1, on: 'test', halved: 6});
  const made = {...run, search: {...search!, halving: {first: 4, factor: 2}}};
  const record = readRecord(makeRun(runs, {id: '20260101-000000-searched-abcd', ...made}));
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  const over = searchResultsOf(record.value)!;
  expect([over.isOver, over.ended, over.rows.map(({isUndecided}) => isUndecided)]).toEqual([
    true,
    6,
    Array(6).fill(undefined),
  ]);
  const stopped = searchResultsOf({...record.value, outcome: 'interrupted'})!;
  const values = stopped.rows.map(({objective}) => objective.value!);
  // Of m that have come to the rung, the best m / 2 go on, rounded up.
  const ends = values.map((value, n) => {
    const better = values.slice(0, n).filter((other) => other >= value);
    return better.length >= Math.ceil((n + 1) / 2);
  });
  expect(ends).toContain(true);
  expect(stopped.rows.map(({isUndecided = false}) => !isUndecided)).toEqual(ends);
  expect([stopped.isOver, stopped.ended, stopped.best]).toEqual([false, ends.filter(Boolean).length, undefined]);
});

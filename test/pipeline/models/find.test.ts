/** Which models a run has, from its record alone. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {sha256} from '../../../src/core/base/canonical.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {chooseClassifier, chooseClassifiers, chooseTask} from '../../../src/pipeline/models/find.ts';
import {RunArtifacts} from '../../../src/pipeline/models/run-artifacts.ts';
import {searchResultsOf} from '../../../src/pipeline/search/results.ts';
import {openCache} from '../../../src/pipeline/store/cache/cache.ts';
import {type RunRecord, readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {auc, makeRun} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';
import {World} from '../../rig/world.ts';

const world = new World();
afterAll(() => world[Symbol.dispose]());
let record: RunRecord;

beforeAll(() => {
  const both = {...auc(0.9), ...auc(0.8, 'gde')};
  const folder = makeRun(world.root, {
    id: '20260101-000000-found-ab12',
    environment: {command: ['run', 'pipelines/found.yaml']},
    tasks: [
      {inlier: 'cat', seed: 0, scores: both},
      {inlier: 'cat', seed: 1, scores: both, ensembles: {kde: {auc: 0.95}}, features: {pool: {uniformity: 1}}},
      {inlier: 'dog', seed: 0, scores: {kde: {fails: 'it diverged'}}},
      {inlier: 'owl', seed: 0, scores: {}, features: {pool: {uniformity: 1}}},
    ],
  });
  const read = readRecord(folder);
  if (!read.ok) throw new Error(read.failures[0]!.message);
  record = read.value;
});

const told = (result: ReturnType<typeof chooseTask> | ReturnType<typeof chooseClassifier>): unknown =>
  result.ok ? result.value : result.failures.map(({message, hint}) => `${message} | ${hint}`);

test('of a search, a task is one of the chosen configuration, if nothing else is asked for', () => {
  const folder = makeRun(world.root, {
    id: '20260102-000000-searched-ab12',
    ...searchRun({trials: 4, settings: 2, on: 'test'}),
  });
  const read = readRecord(folder);
  if (!read.ok) throw new Error(read.failures[0]!.message);
  const best = searchResultsOf(read.value)!.best!;
  expect(told(chooseTask(read.value, undefined))).toBe(best.tasks[0]);
  expect(told(chooseTask(read.value, 'seed=0'))).toBe(best.tasks[0]);
  const next = (best.trial + 1) % 4;
  const others = read.value.tasks.filter(({trial}) => trial!.number === next);
  expect(told(chooseTask(read.value, `trial=${next}.1`))).toBe(others[1]);
  expect(told(chooseTask(read.value, `trial=${next}.`))).toEqual([expect.stringContaining(' is part of 2 tasks: ')]);
});

test('a task is found by its id or by a unique part of it', () => {
  const id = 'made-up/cifar10/dog/rotation/seed=0';
  expect(told(chooseTask(record, 'dog'))).toMatchObject({id});
  expect(told(chooseTask(record, id))).toMatchObject({id});
  expect(told(chooseTask(record, 'cat'))).toMatchInlineSnapshot(`
    [
      ""cat" is part of 2 tasks: made-up/cifar10/cat/rotation/seed=0, made-up/cifar10/cat/rotation/seed=1 | Choose one by its id or a unique part of it: --task <id>.",
    ]
  `);
  expect(told(chooseTask(record, undefined))).toMatchInlineSnapshot(`
    [
      "run 20260101-000000-found-ab12 has 4 tasks: made-up/cifar10/cat/rotation/seed=0, made-up/cifar10/cat/rotation/seed=1, made-up/cifar10/dog/rotation/seed=0, made-up/cifar10/owl/rotation/seed=0 | Choose one by its id or a unique part of it: --task <id>.",
    ]
  `);
  expect(told(chooseTask(record, 'cow'))).toMatchInlineSnapshot(`
    [
      "run 20260101-000000-found-ab12 has no task "cow" | It has: made-up/cifar10/cat/rotation/seed=0, made-up/cifar10/cat/rotation/seed=1, made-up/cifar10/dog/rotation/seed=0, made-up/cifar10/owl/rotation/seed=0.",
    ]
  `);
});

test('classifiers are those of single tasks: neither ensembles of seeds nor metrics of features', () => {
  const task = record.tasks[1]!;
  const all = chooseClassifiers(record, task, undefined);
  expect(all.ok && all.value.map(({name, stage}) => `${name}: ${stage.label}`)).toEqual([
    'kde: score kde · cat · seed 1',
    'gde: score gde · cat · seed 1',
  ]);
  expect(told(chooseClassifier(record, task, 'gde'))).toMatchObject({name: 'gde'});
  expect(told(chooseClassifier(record, task, undefined))).toMatchInlineSnapshot(`
    [
      "task made-up/cifar10/cat/rotation/seed=1 has 2 classifiers: kde, gde | Choose one: --classifier <name>.",
    ]
  `);
  expect(told(chooseClassifier(record, task, 'knn'))).toMatchInlineSnapshot(`
    [
      "task made-up/cifar10/cat/rotation/seed=1 has no classifier "knn" | It has: kde, gde.",
    ]
  `);
  expect(told(chooseClassifier(record, record.tasks[3]!, undefined))).toMatchInlineSnapshot(`
    [
      "task made-up/cifar10/owl/rotation/seed=0 has no scores, because its metrics only use features or maps | Add a metric of scores, such as auc, and run it again.",
    ]
  `);
});

test('failed stages and removed entries are reported', async () => {
  const artifacts = new RunArtifacts(record, openCache(world.cacheRoot, {warn: () => undefined}), new Plugins([]));
  const failure = async (label: string): Promise<string> => {
    const {id} = record.stages.find((stage) => stage.label.startsWith(label))!;
    const error = (await artifacts.entry(id).catch((thrown: unknown) => thrown)) as Error & {hint: string};
    return `${error.message} | ${error.hint}`.replaceAll(world.root, '<folder>');
  };
  expect(await failure('score kde · dog')).toMatchInlineSnapshot(
    `"run 20260101-000000-found-ab12 has no result of "score kde · dog · seed 0": failed (it diverged) | Compute it again: pipeline run pipelines/found.yaml"`,
  );
  expect(await failure('score kde · cat')).toMatchInlineSnapshot(
    `"the result of "score kde · cat · seed 0" is no longer in the cache <folder>/cache | Compute it again: pipeline run pipelines/found.yaml"`,
  );
});

test('results of an older version of the engines’ kernels are not used; results without an engine are', async () => {
  const left = (lane: string, key: object) => {
    const stage = {id: 's', label: 'learn rotation', fingerprint: 'f', status: 'cached', node: {lane}};
    const run = {id: 'r', stages: [stage], environment: {command: ['run', 'a.yaml']}} as unknown as RunRecord;
    const cache = {root: 'cache', find: async () => ({folder: 'left', manifest: {key}})} as never;
    return new RunArtifacts(run, cache, new Plugins([])).entry('s');
  };
  await expect(left('accelerator', {})).rejects.toThrow(
    /^the result of "learn rotation" may be wrong: it was computed before /,
  );
  await expect(left('accelerator', {kernels: 0})).rejects.toMatchObject({
    hint: 'Compute it again: pipeline run a.yaml',
  });
  expect(await left('accelerator', {kernels: 1})).toMatchObject({folder: 'left'});
  expect(await left('cpu', {})).toMatchObject({folder: 'left'});
});

test('what a plug-in has computed is not served when its code is another', async () => {
  const code = {name: 'mine.js', path: '/plug-ins/mine.js'};
  const left = (keyed: string, loaded: string) => {
    const stage = {id: 's', label: 'score mine', fingerprint: 'f', status: 'cached', node: {lane: 'cpu'}};
    const run = {id: 'r', stages: [stage], environment: {command: ['run', 'a.yaml']}} as unknown as RunRecord;
    const cache = {root: 'cache', find: async () => ({folder: 'left', manifest: {key: {code: {'mine.js': keyed}}}})};
    const module = {url: 'file:///plug-ins/mine.js', code: [{...code, sha256: sha256(loaded)}]};
    return new RunArtifacts(run, cache as never, new Plugins([]).extend([], module)).entry('s');
  };
  expect(await left(sha256('as it was'), 'as it was')).toMatchObject({folder: 'left'});
  await expect(left(sha256('as it was'), 'edited')).rejects.toMatchObject({
    message: '/plug-ins/mine.js is not the code that "score mine" was computed with',
    hint: 'Compute it again: pipeline run a.yaml',
  });
});

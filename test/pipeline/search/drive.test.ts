import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import type {Task} from '../../../src/pipeline/config/spec.ts';
import type {Growing} from '../../../src/pipeline/execute/executor.ts';
import type {StageOutcome} from '../../../src/pipeline/execute/outcome.ts';
import {datasetKey, learnerKey} from '../../../src/pipeline/plan/sources.ts';
import {Budget} from '../../../src/pipeline/search/budget.ts';
import {SearchGrowth} from '../../../src/pipeline/search/drive.ts';
import type {StageNode} from '../../../src/pipeline/stages/stage.ts';
import {fakePlugins} from '../../rig/fake-plugins.ts';

const spec = (search: string, rest = '') => `name: s
dataset: {type: pets, inliers: [cat, dog]}
learner: {type: contrastive, epochs: 27}
classifiers: [svm]
metrics: [auc]
seeds: 2
${rest}search:
  objective: {on: test}
${search}`;

const both = `  space:
    learner.optimizer.learning_rate: {log: [0.001, 1]}
    classifiers.0.nu: {uniform: [0.1, 0.9]}
`;
const training = `  space:
    learner.optimizer.learning_rate: {log: [0.001, 1]}
`;

interface Options {
  /** Chooses which of the stages that are asked for ends next. */
  readonly order?: Rng;
  readonly numberOf?: (task: Task) => number | 'failed';
  /** The run is interrupted as this many stages have ended. */
  readonly stopAfter?: number;
}

/** How good a configuration is: best at a rate of 0.03 and a nu of 0.5, and better the longer it was trained. */
const quality = ({learner, classifiers, until = 27, seed, inlier}: Task): number => {
  const {learning_rate: rate} = learner['optimizer'] as {learning_rate: number};
  const nu = classifiers.at(-1)!['nu'] as number;
  const noise = new Rng(seed).fork(`${inlier} ${rate}`).uniform() / 100;
  return 0.9 - 0.1 * Math.abs(Math.log10(rate / 0.03)) - 0.1 * Math.abs(nu - 0.5) - 0.2 / until + noise;
};

/** Drives a search against stages that only pretend to run. */
async function drive(text: string, {order, numberOf = quality, stopAfter = Number.POSITIVE_INFINITY}: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-search-'));
  onTestFinished(() => rmSync(folder, {recursive: true}));
  writeFileSync(join(folder, 's.yaml'), text);
  const read = await readPlan(join(folder, 's.yaml'), {builtin: fakePlugins()});
  if (!read.ok) throw new Error(read.failures.map(({message}) => message).join('\n'));
  const {search, plugins} = read.value;
  const tasks = new Map<string, Task>();
  const nodes: StageNode[] = [];
  const notes: string[] = [];
  const waiting: (() => void)[] = [];
  const controller = new AbortController();
  let ended = 0;
  /** One of those that wait, as soon as nothing else happens. */
  const tick = (): void => {
    setImmediate(() => {
      const [next] = waiting.splice(order ? order.integer(waiting.length) : 0, 1);
      if (++ended >= stopAfter) controller.abort();
      next?.();
    });
  };
  const outcomeOf = (id: string): StageOutcome => {
    if (controller.signal.aborted) return {status: 'interrupted'};
    const node = nodes.find((one) => one.id === id)!;
    const value = numberOf(tasks.get(node.results![0]!.task)!);
    if (value === 'failed') return {status: 'failed', message: 'no luck'};
    const summary = {metrics: {auc: value}, normal: 1, anomalous: 1};
    return {status: 'computed', entry: {manifest: {summary}}} as unknown as StageOutcome;
  };
  const run: Growing = {
    signal: controller.signal,
    emit: (event) => {
      if (event.type === 'note') notes.push(event.message);
    },
    add: (part) => {
      for (const task of part.tasks) tasks.set(task.id, task);
      for (const node of part.stages) if (!nodes.some(({id}) => id === node.id)) nodes.push(node);
    },
    outcomeOf: (id) =>
      new Promise((resolve) => {
        waiting.push(() => resolve(outcomeOf(id)));
        tick();
      }),
  };
  const growth = new SearchGrowth({
    search: search!,
    plugins,
    sources: async (all) => ({
      ok: true,
      value: {
        datasets: new Map(all.map(({dataset}) => [datasetKey(dataset, undefined), []])),
        absent: new Map(),
        learners: new Map(all.map(({learner}) => [learnerKey(learner), []])),
      },
    }),
  });
  await growth.grow(run);
  const points = [...tasks.values()].map(({id, point, until}) => ({id, point, until}));
  return {tasks: points.sort((a, b) => (a.id < b.id ? -1 : 1)), nodes, notes};
}

/** How far the training of a trial went. */
const endOf = ({tasks}: Awaited<ReturnType<typeof drive>>, trial: number) =>
  Math.max(...tasks.filter(({id}) => id.includes(`trial=${trial}.`)).map(({until = 27}) => until));

const trialsOf = ({tasks}: Awaited<ReturnType<typeof drive>>) =>
  new Set(tasks.map(({id}) => /trial=(\d+)/.exec(id)![1])).size;

test.each([
  ['grid', 'halving: {first: 1}'],
  ['random', 'stopping: {every: 9, after: 2}'],
  ['quasi-random', 'halving: {first: 1}'],
  ['tpe', 'halving: {first: 1}'],
  ['tpe', 'stopping: {every: 9, after: 2}'],
])('%s with %s makes the same trials whichever stage ends first', async (method, early) => {
  const space =
    method === 'grid' ? both.replace('{log: [0.001, 1]}', '[0.01, 0.1, 1]').replace('0.9]}', '0.9], step: 0.4}') : both;
  const text = spec(`${space}  method: ${method}\n  trials: 12\n  settings: 4\n  ${early}\n`);
  const first = await drive(text);
  for (const seed of [1, 2]) expect((await drive(text, {order: new Rng(seed)})).tasks).toEqual(first.tasks);
  expect(trialsOf(first)).toBe(method === 'grid' ? 3 : 12);
});

test('an interrupted search, run again, makes the trials of an uninterrupted one', async () => {
  const text = spec(`${both}  trials: 10\n  settings: 4\n`);
  const whole = await drive(text);
  const cut = await drive(text, {stopAfter: 50});
  expect(cut.tasks.length).toBeLessThan(whole.tasks.length);
  const ids = new Set(cut.tasks.map(({id}) => id));
  expect(whole.tasks.filter(({id}) => ids.has(id))).toEqual(cut.tasks);
});

test('an interrupted search ends, though trials wait at a rung for others that never come there', async () => {
  const text = spec(`${training}  trials: 9\n  method: random\n  halving: {first: 3}\n`);
  for (const stopAfter of [6, 9, 12, 15])
    expect(trialsOf(await drive(text, {order: new Rng(stopAfter), stopAfter}))).toBeLessThan(9);
});

test('settings of stage two share their training, and the first half is the same under each', async () => {
  const {tasks, nodes} = await drive(spec(`${both}  trials: 5\n  settings: 6\n`));
  expect(nodes.filter(({kind}) => kind === 'learn').length).toBe(5 * 2 * 2); // normal classes × seeds
  const nus = (trial: number) =>
    [0, 1, 2, 3, 4, 5].map((k) => tasks.find(({id}) => id.includes(`trial=${trial}.${k}/`))!.point['classifiers.0.nu']);
  expect(new Set(nus(0)).size).toBe(6);
  expect(nus(4).slice(0, 3)).toEqual(nus(0).slice(0, 3));
  expect(nus(4).slice(3)).not.toEqual(nus(0).slice(3));
});

test('where only stage two varies, each trial is a configuration of the one training', async () => {
  const space = '  space:\n    classifiers.0.nu: {uniform: [0.1, 0.9]}\n';
  const {tasks, nodes} = await drive(spec(`${space}  trials: 7\n`));
  expect(nodes.filter(({kind}) => kind === 'learn').length).toBe(2 * 2);
  expect(new Set(tasks.map(({point}) => point['classifiers.0.nu'])).size).toBe(7);
});

test('halving ends the worse trainings early, and the others go on from where they were', async () => {
  const found = await drive(spec(`${training}  trials: 9\n  method: random\n  halving: {first: 3, factor: 3}\n`));
  const {nodes, notes} = found;
  const ends = Array.from({length: 9}, (_, trial) => endOf(found, trial));
  expect(new Set(ends)).toEqual(new Set([3, 9, 27]));
  expect(ends[0]).toBe(27); // there was nobody to compare it with
  const learnt = nodes.filter(({kind}) => kind === 'learn');
  for (const node of learnt) {
    const before = learnt.find(({id}) => id === node.resumes);
    const {until = 27} = node.recipe as {until?: number};
    expect((before?.recipe as {until?: number} | undefined)?.until).toBe(until === 3 ? undefined : until / 3);
  }
  expect(notes.filter((note) => note.includes('ended after epoch'))).toHaveLength(
    ends.filter((end) => end < 27).length,
  );
});

test('stopping ends the worse half of the trainings, by the objective on few images', async () => {
  const text = spec(
    `${both}  trials: 12\n  settings: 4\n  method: random\n  stopping: {every: 9, after: 3, images: 50}\n`,
  );
  const found = await drive(
    text
      .replace('[svm]', '[kde, svm]')
      .replace('classifiers.0.nu', 'classifiers.1.nu')
      .replace('[auc]', '[auc, average-precision]')
      .replace('{on: test}', '{on: test, classifier: svm-rbf}'),
  );
  const ends = Array.from({length: 12}, (_, trial) => endOf(found, trial));
  expect(ends.slice(0, 3)).toEqual([27, 27, 27]); // there were fewer than three to compare them with
  expect(new Set(ends)).toEqual(new Set([9, 27]));
  const atMarks = (kind: string) =>
    found.nodes.filter((node) => node.kind === kind && node.label.includes('to epoch')).map(({recipe}) => recipe);
  expect(new Set(atMarks('embed').map(({most}) => most))).toEqual(new Set([50]));
  expect(new Set(atMarks('score').map(({classifier}) => (classifier as {type: string}).type))).toEqual(
    new Set(['svm']),
  );
  expect(atMarks('evaluate').map(({metrics}) => metrics)).toEqual(atMarks('score').map(() => [{type: 'auc'}]));
  const learnt = found.nodes.filter(({kind}) => kind === 'learn');
  const resumed = learnt.map(({resumes, recipe}) => [
    learnt.find(({id}) => id === resumes)?.recipe['until'],
    recipe['until'],
  ]);
  expect(new Set(resumed.map(String))).toEqual(new Set([',9', '9,18', '18,']));
  expect(found.notes.filter((note) => note.includes(', ended after epoch 9'))).toHaveLength(
    ends.filter((end) => end === 9).length,
  );
});

test.each(['halving: {first: 3}', 'stopping: {after: 2}'])(
  'interrupted with %s, no trial waits for another for ever',
  async (early) => {
    const text = spec(`${training}  trials: 8\n  ${early}\n`);
    const whole = await drive(text);
    for (const stopAfter of [10, 25, 40]) {
      const cut = await drive(text, {order: new Rng(stopAfter), stopAfter});
      const ids = new Set(cut.tasks.map(({id}) => id));
      expect(whole.tasks.filter(({id}) => ids.has(id))).toEqual(cut.tasks);
    }
  },
);

test('the last training is the one that a run without a search would make', async () => {
  const halved = await drive(spec(`${training}  trials: 1\n  halving: {first: 3}\n`));
  const whole = await drive(spec(`${training}  trials: 1\n`));
  const last = (nodes: readonly StageNode[]) =>
    nodes.filter(({kind, recipe}) => kind === 'learn' && recipe['until'] === undefined).map(({id}) => id);
  expect(last(halved.nodes)).toEqual(last(whole.nodes));
  expect(last(whole.nodes)).toHaveLength(4);
});

test('a trial that fails in one class has no value, and the search goes on', async () => {
  const numberOf = (task: Task) =>
    task.inlier === 'dog' && task.trial!.number === 1 ? ('failed' as const) : quality(task);
  const found = await drive(spec(`${training}  trials: 4\n`), {numberOf});
  expect(found.notes).toContain('trial 1: failed');
  expect(trialsOf(found)).toBe(4);
});

test('no more than so many trials go on at a time', async () => {
  let most = 0;
  const open = new Map<number, number>();
  const numberOf = (task: Task) => {
    const {number} = task.trial!;
    open.set(number, (open.get(number) ?? 0) + 1);
    const going = [...open].filter(([, done]) => done < 4).length;
    most = Math.max(most, going);
    return quality(task);
  };
  await drive(spec(`${training}  trials: 12\n  parallel: 3\n`), {order: new Rng(5), numberOf});
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(3);
});

test('no trial begins when the hours of the budget are spent', () => {
  let now = 0;
  const notes: unknown[] = [];
  const budget = new Budget({hours: 2}, fakePlugins(), () => now);
  now = 2 * 3_600_000 - 1;
  expect(budget.isSpent((event) => notes.push(event))).toBe(false);
  now += 1;
  expect(budget.isSpent((event) => notes.push(event))).toBe(true);
  expect(notes).toEqual([{type: 'note', message: 'no more trials begin: the budget of 2 hours is spent'}]);
});

test.each(['random', 'quasi-random', 'tpe'])('a search by %s in which everything fails ends', async (method) => {
  const text = spec(`${both}  trials: 9\n  settings: 4\n  method: ${method}\n  halving: {first: 3}\n`);
  const {notes} = await drive(text, {numberOf: () => 'failed'});
  expect(notes.filter((note) => note.endsWith(': failed'))).toHaveLength(9);
});

test('more trials go on where the search ended', async () => {
  const few = await drive(spec(`${both}  trials: 5\n  settings: 4\n`));
  const more = await drive(spec(`${both}  trials: 8\n  settings: 4\n`));
  const ids = new Set(few.tasks.map(({id}) => id));
  expect(more.tasks.filter(({id}) => ids.has(id))).toEqual(few.tasks);
});

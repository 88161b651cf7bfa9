// @module-tag slow
import {existsSync, readFileSync} from 'node:fs';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {Project, tinySpec} from '../../rig/command.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const spec = (changes: {readonly [key: string]: string} = {}) =>
  tinySpec({
    dataset:
      '{ type: synthetic, size: 16, train: 40, test: 24, classes: 3, inliers: [stripes], validation: synthetic }',
    classifiers: '[{ type: oc-svm, kernel: rbf }]',
    search: `{space: {learner.optimizer.learning_rate: {log: [0.001, 0.3]}, classifiers.0.nu: {uniform: [0.1, 0.9]}},
      trials: 3, settings: 2, method: quasi-random, halving: {first: 1, factor: 2}, parallel: 2}`,
    ...changes,
  });

/** The table without what differs between runs. */
const table = (out: string): string => out.slice(out.indexOf('trial  '), out.indexOf('\n\nLook closer'));

let first: string;
beforeAll(async () => {
  project.write('search.yaml', spec());
  const {status, out} = await project.run('run', 'search.yaml', '--quiet');
  expect(status).toBe(0);
  first = out;
});

test('a run with a search ends with the table of its trials, and says what decided', () => {
  expect(first).toContain('tiny: 3 trials, 6 configurations');
  expect(first).toContain('auc validation');
  expect(first).toContain('auc test');
  expect(first.match(/^→ /gm)).toHaveLength(1);
});

test('run again, it finds all of it in the cache', async () => {
  const {events, status} = await project.events('search.yaml');
  expect(status).toBe(0);
  expect(events.at(-1)).toMatchObject({type: 'run-finished', outcome: 'done', computed: 0});
  const again = await project.run('best', 'latest', '--format', 'csv');
  const before = await project.run('best', project.runs[0]!, '--format', 'csv');
  expect(again.out).toBe(before.out);
});

test('killed twice on its way, a search ends with the same table', async () => {
  project.write('killed.yaml', spec({name: 'killed', seeds: '[1]'}));
  const args = ['run', 'killed.yaml', '--json', '--checkpoint-every', '0s'];
  for (const [trial, kind] of [
    ['trial=0', 'learn'],
    ['trial=1', 'embed'],
  ] as const) {
    const started = project.start(args);
    let isThere = false;
    await started.heard((event) => {
      if (event.type === 'plan-grown') isThere ||= event.tasks.some(({id}) => id.includes(trial));
      return isThere && event.type === 'stage-started' && event.kind === kind;
    });
    const early = await project.run('search', 'add', project.runs.at(-1)!, '--trials', '1');
    expect([early.status, early.err]).toEqual([2, expect.stringContaining(`${project.runs.at(-1)} still runs`)]);
    process.kill(-started.child.pid!, 'SIGKILL');
    await started.ended;
  }
  const killed = await project.run('run', 'killed.yaml', '--quiet');
  const alone = await project.run('run', 'killed.yaml', '--quiet', '--runs', 'other');
  expect(killed.status).toBe(0);
  expect(table(killed.out)).toBe(table(alone.out));
  expect(table(alone.out)).toContain('→ ');
});

test('best prints how to run the chosen configuration with fresh seeds, and writes its spec', async () => {
  const {status, out} = await project.run('best', project.runs[0]!);
  expect(status).toBe(0);
  const line = out
    .split('\n')
    .find((one) => one.includes('--set search=null'))!
    .trim();
  expect(line).toMatch(
    /run search\.yaml --quiet --set search=null --set learner\.optimizer\.learning_rate=\S+ --set classifiers\.0\.nu=\S+ --seeds 1,2,3,4,5$/,
  );
  const words = line.split(' ').slice(1);
  const again = await project.run(...words.slice(0, -1), '1');
  expect([again.status, again.err]).toEqual([0, '']);
  expect((await project.run('best', project.runs[0]!, '--spec', 'best.yaml')).status).toBe(0);
  const chosen = await project.run('run', 'best.yaml', '--seeds', '1', '--json');
  expect(chosen.status).toBe(0);
  expect(JSON.parse(chosen.out.trimEnd().split('\n').at(-1)!)).toMatchObject({type: 'run-finished', computed: 0});
  const twice = await project.run('best', project.runs[0]!, '--spec', 'best.yaml');
  expect(twice.status).toBe(2);
  expect(twice.err).toContain('best.yaml is there already');
  expect(readFileSync(project.path('best.yaml'), 'utf8')).not.toContain('search:');
});

test('more trials are added to those that are there', async () => {
  const more = ['--trials', '2', '--jobs', '1', '--quiet'];
  const {status, out, err} = await project.run('search', 'add', project.runs[0]!, ...more);
  expect([status, err]).toEqual([0, '']);
  expect(out).toContain('tiny: 5 trials, 10 configurations');
  const rows = async (run: string) => (await project.run('best', run, '--format', 'csv')).out.trimEnd().split('\n');
  expect(await rows('tiny')).toEqual(expect.arrayContaining([...(await rows(project.runs[0]!))]));
  project.write('search.yaml', spec({metrics: '[auc]'}));
  const changed = await project.run('search', 'add', 'tiny', '--trials', '2');
  expect(changed.status).toBe(2);
  expect(changed.err).toContain('has changed since: search.yaml');
});

test('stopping ends trainings by a score of few images, and says what their values are', async () => {
  const search = `{space: {learner.optimizer.learning_rate: [0.001, 0.3], classifiers.0.nu: [0.3, 0.6]},
    method: grid, stopping: {every: 1, after: 1, images: 20}}`;
  project.write('stopped.yaml', spec({name: 'stopped', search}));
  const {status, out} = await project.run('run', 'stopped.yaml', '--quiet');
  expect(status).toBe(0);
  expect(out).toMatch(/stopped: 2 trials, 4 configurations, 1 ended early/);
  expect(out).toMatch(/^ +1\.0 +0\.3 +0\.3 +epoch 1 +0\.\d{4} +0\.\d{4}$/m);
  expect(out).toContain('values of trainings that ended early: of about 20 images');
  const {rows} = JSON.parse((await project.run('best', 'latest', '--json')).out);
  expect(rows.filter(({until}: {until?: number}) => until !== undefined)).toMatchObject([
    {until: 1, images: 20},
    {until: 1, images: 20},
  ]);
});

test('a choice by the labels of the test is marked', async () => {
  const {out} = await project.run('run', 'search.yaml', '--quiet', '--set', 'search.objective.on=test');
  expect(out).toContain('auc test†');
  expect(out).toContain('† chosen by the labels of the test images');
});

test('commands of runs know a run with a search', async () => {
  const latest = project.runs.at(-1)!;
  for (const args of [
    ['show', latest],
    ['ls'],
    ['compare', latest],
    ['report', latest],
    ['plan', 'search.yaml'],
    ['why', latest, project.runs[0]!],
  ]) {
    const {status, err} = await project.run(...args);
    expect([args[0], status, err]).toEqual([args[0], 0, '']);
  }
  expect(existsSync(project.path('runs', latest, 'report.html'))).toBe(true);
  expect((await project.run('plan', 'search.yaml')).out).toContain('a search of 3 trials');
  expect((await project.run('db', 'rebuild')).status).toBe(0);
  const {err, status} = await project.run('best', project.runs.find((id) => id.includes('best'))!);
  expect([status, err.split('\n')[0]]).toEqual([2, expect.stringContaining('has no search')]);
});

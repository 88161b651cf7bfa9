/** Validation from a spec to tables and database: its numbers are right, and beside the test's, never among them. */
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {spearman} from '../../../src/core/linalg/spearman.ts';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {Project, tableOf, tinySpec} from '../../rig/command.ts';

vi.setConfig({testTimeout: 180_000, hookTimeout: 180_000});

const project = new Project();
let events: readonly RunEvent[];

beforeAll(async () => {
  const dataset = (validation: string) =>
    `{type: synthetic, size: 16, train: 40, test: 16, classes: 3, inliers: [stripes]${validation}}`;
  const metrics = '[auc, uniformity, linear-probe, proxy-accuracy, stability]';
  const held = tinySpec({name: 'held', dataset: dataset(', validation: held-out'), metrics, seeds: '2'});
  project.write('plain.yaml', tinySpec({name: 'plain', dataset: dataset(''), metrics: '[auc]', seeds: '2'}));
  project.write('held.yaml', held);
  expect((await project.run('run', 'plain.yaml')).status).toBe(0);
  const run = await project.events('held.yaml');
  expect(run.status).toBe(0);
  events = run.events;
});
afterAll(() => project[Symbol.dispose]());

async function query(sql: string): Promise<readonly {readonly [column: string]: unknown}[]> {
  return JSON.parse((await project.run('query', sql, '--format', 'json')).out);
}

/** The normal images' and the anomalies' scores in the files of the stages whose labels begin so, seed by seed. */
async function scoresOf(label: string) {
  const folders = events.flatMap((event) =>
    event.type === 'stage-finished' && event.label.startsWith(label)
      ? [{label: event.label, folder: join(event.fingerprint.slice(0, 2), event.fingerprint)}]
      : [],
  );
  return Promise.all(
    folders
      .sort((a, b) => (a.label < b.label ? -1 : 1))
      .map(async ({folder}) => {
        const file = project.path('runs', 'cache', folder, 'scores.arrow');
        const {scores, classes, classNames} = await readScores(file);
        const stripes = classNames.indexOf('stripes');
        return [true, false].map((wanted) => scores.filter((_, i) => (classes[i] === stripes) === wanted));
      }),
  );
}

const auc = ([normal, anomalous]: readonly Float64Array[]): number => {
  let won = 0;
  for (const a of anomalous!) for (const n of normal!) won += a > n ? 1 : a === n ? 0.5 : 0;
  return won / (normal!.length * anomalous!.length);
};

test('a value of each part is filed with the number of its images', async () => {
  const [test, validation] = [await scoresOf('score kde · '), await scoresOf('score kde of validation')];
  expect(validation.map((scores) => scores.map(({length}) => length))).toEqual([
    [4, 4],
    [4, 4],
  ]);
  const filed = await query(
    "select part, value, normal, anomalous from metrics join tasks using (run, task) where spec = 'held' and metric = 'auc' order by part, seed",
  );
  expect(filed).toEqual([
    ...test.map((scores) => ({part: 'test', value: auc(scores), normal: 16, anomalous: 32})),
    ...validation.map((scores) => ({part: 'validation', value: auc(scores), normal: 4, anomalous: 4})),
  ]);
});

test('stability is Spearman’s correlation of the seeds on the normal validation images, beside each of them', async () => {
  const [[first], [second]] = (await scoresOf('score kde of validation')) as [Float64Array[], Float64Array[]];
  const filed = await query("select part, value, normal, anomalous from metrics where metric = 'stability'");
  const expected = {part: 'validation', value: spearman(first!, second!), normal: 4, anomalous: 0};
  expect(filed).toEqual([expected, expected]);
});

test('views keep the parts apart: ours is of the test images alone', async () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value / values.length, 0);
  const [row, ...more] = await query(
    "select ours, n, validation, validation_n, paper from comparison where spec = 'held' and metric = 'auc'",
  );
  expect(more).toEqual([]);
  expect(row).toEqual({
    ours: expect.closeTo(mean((await scoresOf('score kde · ')).map(auc)), 12),
    n: 2,
    validation: expect.closeTo(mean((await scoresOf('score kde of validation')).map(auc)), 12),
    validation_n: 2,
    paper: null,
  });
  expect(
    await query(
      'select metric, ours is null as "no test", validation is null as "no validation", normal from comparison order by spec, metric',
    ),
  ).toEqual([
    {metric: 'auc', 'no test': false, 'no validation': false, normal: 16},
    {metric: 'linear-probe', 'no test': false, 'no validation': true, normal: 16},
    {metric: 'proxy-accuracy', 'no test': true, 'no validation': false, normal: null},
    {metric: 'stability', 'no test': true, 'no validation': false, normal: null},
    {metric: 'uniformity', 'no test': false, 'no validation': false, normal: 16},
    {metric: 'auc', 'no test': false, 'no validation': true, normal: 16},
  ]);
});

test('tables have a column for it, marked where labels of anomalies were used', async () => {
  const compared = tableOf((await project.run('compare', 'held', '--metric', 'auc')).out);
  expect(compared).toContain('validation');
  expect(compared).toMatch(/kde .* 2 .* ‡\n/);
  expect(compared).toContain('‡ "held-out" validation uses labels of anomalies');
  expect(tableOf((await project.run('compare', 'plain')).out)).not.toContain('validation');
  const shown = (await project.run('show', 'held')).out;
  expect(shown).toContain('auc on validation');
  expect(shown).toContain('never compared with the paper');
  const csv = (await project.run('compare', 'held', '--format', 'csv')).out;
  expect(csv.split('\n')[0]).toMatch(/validation,validation_sd,validation_n,validation_type,best_of$/);
  expect(csv).toMatch(/,held-out,\n/);
});

test('the same split serves every seed and learner, and a model is found as before', async () => {
  const kinds = events.filter((event) => event.type === 'stage-finished').map(({kind}) => kind);
  expect(kinds.filter((kind) => kind === 'hold-out')).toHaveLength(1);
  const other = await project.events('held.yaml', '--set', 'learner.epochs=1');
  expect(other.events.find((event) => event.type === 'stage-finished' && event.kind === 'hold-out')).toMatchObject({
    how: 'cached',
  });
});

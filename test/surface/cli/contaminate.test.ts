// @module-tag slow
/** Contaminated training images and refinement from a spec to tables and database. */
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {readArrays} from '../../../src/core/formats/arrow/arrays.ts';
import {featuresInfo} from '../../../src/core/formats/arrow/features.ts';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {Project, tinySpec} from '../../rig/command.ts';

vi.setConfig({testTimeout: 180_000, hookTimeout: 180_000});

const project = new Project();
let events: readonly RunEvent[];

const spec = tinySpec({
  name: 'dirty',
  dataset: '{type: synthetic, size: 16, train: 40, test: 16, classes: 3, inliers: [stripes]}',
  classifiers: '[gde, {type: kde, layer: embed}]',
  metrics: '[auc, removed-precision, removed-recall]',
  matrix: '{dataset.contaminate: [0, 0.1], refine: [{ratio: 0}, {ratio: 0.1}, {ratio: 0.1, epochs: [1]}]}',
});

beforeAll(async () => {
  project.write('dirty.yaml', spec);
  const run = await project.events('dirty.yaml');
  expect(run.status).toBe(0);
  events = run.events;
});
afterAll(() => project[Symbol.dispose]());

async function query(sql: string): Promise<readonly {readonly [column: string]: unknown}[]> {
  return JSON.parse((await project.run('query', sql, '--format', 'json')).out);
}

const finished = (kind: string, cache = 'runs/cache') =>
  events.flatMap((event) =>
    event.type === 'stage-finished' && event.kind === kind
      ? [{...event, folder: project.path(cache, event.fingerprint.slice(0, 2), event.fingerprint)}]
      : [],
  );

test('one stage contaminates; a task without both keys has the stages of one that never had them', () => {
  expect(finished('contaminate').map(({label}) => label)).toEqual(['contaminate synthetic · stripes · seed 0']);
  // Clean and contaminated, each without and with refinement in training.
  expect(finished('learn')).toHaveLength(4);
  expect(finished('audit')).toHaveLength(2);
});

test('the metrics are those of the files, and what is left is what was not removed', async () => {
  const {folder} = finished('contaminate')[0]!;
  const anomalous = (await readArrays(join(folder, 'truth.arrow'))).get('anomalous')!.data;
  expect(anomalous.filter((mark) => mark === 1)).toHaveLength(4);
  const rows = await query(
    `select metric, value from metrics where classifier = '(refine)' and task like '%contaminate=0.1%' order by task, metric`,
  );
  expect(rows.map(({metric}) => metric)).toEqual([
    'removed-precision',
    'removed-recall',
    'removed-precision',
    'removed-recall',
  ]);
  const expected: string[] = [];
  for (const refined of finished('refine')) {
    const removed = (await readArrays(join(refined.folder, 'removed.arrow'))).get('removed')!.data;
    const gone = removed.reduce((sum, mark) => sum + mark, 0);
    expect(gone).toBeGreaterThanOrEqual(4);
    const left = await featuresInfo(join(refined.folder, 'features.arrow'));
    expect(left.rows).toBe(40 - gone);
    const both = removed.reduce((sum, mark, i) => sum + mark * anomalous[i]!, 0);
    expected.push(`${both / gone} ${both / 4}`);
  }
  const found = [0, 2].map((i) => `${rows[i]!['value']} ${rows[i + 1]!['value']}`);
  for (const pair of found) expect(expected).toContain(pair);
});

test('a training that is refined leaves which images it went on without', async () => {
  const removals = await Promise.all(
    finished('learn').map(({folder}) => readArrays(join(folder, 'removals.arrow')).catch(() => undefined)),
  );
  const kept = removals.filter((arrays) => arrays !== undefined);
  expect(kept.map((arrays) => [...arrays.keys()])).toEqual([['epoch 1'], ['epoch 1']]);
  for (const arrays of kept) expect(arrays.get('epoch 1')!.data.length).toBeGreaterThan(0);
});

test('with other jobs and in another folder, the bytes are the same', async () => {
  const before = events.flatMap((event) => (event.type === 'stage-finished' ? [event.fingerprint] : [])).sort();
  const again = await project.events('dirty.yaml', '--jobs', '3', '--runs', 'other');
  const after = again.events.flatMap((event) => (event.type === 'stage-finished' ? [event.fingerprint] : [])).sort();
  expect(after).toEqual(before);
});

test('rows are named by what varies, and a footnote says what differs from the paper', async () => {
  const {out} = await project.run('compare', 'dirty', '--format', 'csv');
  expect(out).toContain('contaminate=0.1');
  const names = new Set(
    out
      .split('\n')
      .slice(1)
      .map((line) => /contaminate=[\d.]+ [^,"]*/.exec(line)?.[0]),
  );
  expect(names.size).toBeGreaterThan(3);
});

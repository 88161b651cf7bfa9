/** Queries of users, in a process that can be killed. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {queryApart} from '../../../../src/pipeline/store/results/apart.ts';
import {auc, makeRun} from '../../../rig/runs.ts';

vi.setConfig({testTimeout: 60_000});

const runs = mkdtempSync(join(tmpdir(), 'pipeline-apart-'));
const file = join(runs, 'results.duckdb');
beforeAll(() => void makeRun(runs, {id: 'a', tasks: [{inlier: 'cat', seed: 0, scores: auc(0.7)}]}));
afterAll(() => rmSync(runs, {recursive: true}));

test('answers as a query in this process does, mistakes too', async () => {
  expect(
    await queryApart(file, "select run, 1::hugeint as a, [1, 2] as b, date '2026-01-01' as c from runs", {rows: 3}),
  ).toEqual({
    ok: true,
    value: {
      columns: ['run', 'a', 'b', 'c'].map((name, at) => ({
        name,
        type: ['VARCHAR', 'HUGEINT', 'INTEGER[]', 'DATE'][at],
      })),
      rows: [['a', 1, [1, 2], '2026-01-01T00:00:00.000Z']],
    },
  });
  expect(await queryApart(file, 'selct 1', {})).toMatchObject({
    ok: false,
    failures: [{message: expect.stringContaining('syntax error at or near "selct"')}],
  });
});

test('neither an endless join nor one long call of a function outlives its time', async () => {
  for (const sql of [
    'select count(*) from range(100_000_000_000) a, range(1000) b',
    "select length(repeat('x', 3000000000))",
  ]) {
    const stopped = await queryApart(file, sql, {seconds: 0.1});
    const message = expect.stringMatching(/^the query took more than (0.1 s|3 GB of memory) and was stopped$/);
    expect(stopped).toEqual({ok: false, failures: [{message, hint: 'Ask for less.'}]});
  }
});

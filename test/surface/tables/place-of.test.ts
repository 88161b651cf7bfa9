import {expect, test} from 'vitest';
import type {StageRecord} from '../../../src/pipeline/store/runs/run-record.ts';
import {placeOf} from '../../../src/surface/tables/show.ts';

const stage = (record: Partial<StageRecord>) => record as StageRecord;
const since = '2026-01-01T08:30:00.000Z';

test('where a stage runs or waits on a cluster: job, node and queue, as far as they are known', () => {
  expect(
    [
      stage({status: 'started'}),
      stage({status: 'started', where: {node: 'n1', job: '7_3'}}),
      stage({status: 'computed', where: {node: 'n1', job: '7_3', partition: 'gpu'}}),
      stage({status: 'queued', queued: {since, job: '7_3'}}),
      // Again, as its job was lost: where it was says nothing.
      stage({
        status: 'queued',
        where: {node: 'n1', job: '7_3'},
        queued: {since, job: '9_0', partition: 'gpu,long', because: 'Resources'},
      }),
    ].map(placeOf),
  ).toEqual([
    undefined,
    'job 7_3 on n1',
    'job 7_3 on n1, queue gpu',
    'waits as job 7_3 since 2026-01-01 08:30 UTC',
    'waits as job 9_0 in queue gpu,long since 2026-01-01 08:30 UTC (Resources)',
  ]);
});

import {expect, test} from 'vitest';
import type {QueuedJob} from '../../../src/pipeline/cluster/queue.ts';
import {type Sight, saysOutOfMemory, type Verdict, verdictOn} from '../../../src/pipeline/cluster/verdict.ts';

const job = (state: string, reason = 'None'): QueuedJob => ({
  id: '1_0',
  array: '1',
  index: 0,
  state,
  reason,
  partition: 'cpu',
  seconds: 0,
  comment: '',
});

const see = (sight: Partial<Sight>): Verdict => verdictOn({gone: 0, ...sight});

test('a record is believed, whatever the scheduler says', () => {
  expect(see({record: 'done', job: job('RUNNING')})).toEqual({to: 'take'});
  expect(see({record: 'done', gone: 5})).toEqual({to: 'take'});
  expect(see({record: 'failed', job: job('NODE_FAIL'), gone: 2})).toEqual({to: 'take'});
  expect(see({record: 'failed', killed: 'memory'})).toMatchObject({to: 'resubmit', grow: 'memory'});
  expect(see({record: 'failed', killed: 'somebody'})).toEqual({
    to: 'resubmit',
    because: 'the worker process of a stage was killed',
  });
});

test.for(['PENDING', 'CONFIGURING', 'RUNNING', 'COMPLETING', 'SUSPENDED', 'REQUEUED', 'A_NEW_STATE'])(
  'a job that is %s is waited for, also if its attempt before was interrupted',
  (state) => {
    expect(see({job: job(state)})).toEqual({to: 'wait'});
    expect(see({job: job(state), record: 'interrupted'})).toEqual({to: 'wait'});
  },
);

test('a job that has ended is looked at twice: its last file may come late', () => {
  expect(see({job: job('NODE_FAIL'), gone: 1})).toEqual({to: 'wait'});
  expect(see({gone: 1})).toEqual({to: 'wait'});
});

test.for([
  [job('TIMEOUT'), undefined, 'its time was over', 'time'],
  [job('COMPLETED'), 'interrupted', 'its time was over', 'time'],
  [job('DEADLINE'), undefined, 'its time was over', 'time'],
  [job('OUT_OF_MEMORY'), undefined, 'its memory ran out', 'memory'],
  [job('NODE_FAIL'), undefined, 'its node failed', undefined],
  [job('BOOT_FAIL'), undefined, 'its node did not start', undefined],
  [job('PREEMPTED'), 'interrupted', 'it had to make room for another job', undefined],
  [job('CANCELLED'), 'interrupted', 'it was cancelled', undefined],
  [job('FAILED'), undefined, 'it ended as FAILED without a result', undefined],
  [undefined, undefined, 'it has vanished from the queue', undefined],
  [undefined, 'interrupted', 'its time was over', 'time'],
] as const)('%o with record %s', ([queued, record, because, grow]) => {
  expect(see({...(queued && {job: queued}), ...(record && {record}), gone: 2})).toEqual({
    to: 'resubmit',
    because,
    ...(grow && {grow}),
  });
});

test('memory that ran out is told by the log where the state of the job does not', () => {
  const log =
    'slurmstepd-n1: error: Detected 1 oom-kill event(s) in StepId=5.batch. Some of your processes may have been killed';
  expect(saysOutOfMemory(log)).toBe(true);
  expect(
    saysOutOfMemory('slurmstepd: error: StepId=2.batch exceeded memory limit (161013760 > 104857600), being killed'),
  ).toBe(true);
  expect(saysOutOfMemory('slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-30T04:19:26 ***')).toBe(false);
  expect(see({job: job('FAILED'), gone: 2, killed: 'memory'})).toMatchObject({to: 'resubmit', grow: 'memory'});
});

test('reasons of a job that waits', () => {
  expect(see({job: job('PENDING', 'Priority')})).toEqual({to: 'wait'});
  expect(see({job: job('PENDING', 'JobHeldUser')})).toEqual({to: 'wait', because: 'JobHeldUser'});
  expect(see({job: job('PENDING', 'launch failed requeued held')})).toMatchObject({to: 'release'});
  for (const never of [
    'PartitionTimeLimit',
    'BadConstraints',
    'QOSMaxWallDurationPerJobLimit',
    'AssocMaxCpuPerJobLimit',
  ])
    expect(see({job: job('PENDING', never)})).toEqual({to: 'refuse', because: never});
  expect(see({job: job('PENDING', 'QOSMaxJobsPerUserLimit')})).toEqual({to: 'wait'});
});

import {expect, test} from 'vitest';
import {Bill} from '../../../src/pipeline/cluster/bill.ts';
import {commentOf, mostInArray, parseComment, parseQueue, submittedId} from '../../../src/pipeline/cluster/queue.ts';
import {whyOf} from '../../../src/pipeline/cluster/slurm.ts';

test('lines of squeue, as version 22.05 prints them', () => {
  const text = [
    '1|3|PENDING|gpu||0:00|pipeline:run/b1|JobArrayTaskLimit',
    '1|0|RUNNING|gpu|n1|1-02:03:04|pipeline:run/b1|None',
    '9|N/A|RUNNING|gpu|n2|3:04|another job|None',
    '12|5|PENDING|gpu||INVALID||(ReqNodeNotAvail|UnavailableNodes:n7)',
    '',
  ].join('\n');
  expect(parseQueue(text)).toEqual([
    {
      id: '1_3',
      array: '1',
      index: 3,
      state: 'PENDING',
      reason: 'JobArrayTaskLimit',
      partition: 'gpu',
      seconds: 0,
      comment: 'pipeline:run/b1',
    },
    {
      id: '1_0',
      array: '1',
      index: 0,
      state: 'RUNNING',
      reason: 'None',
      partition: 'gpu',
      node: 'n1',
      seconds: 93_784,
      comment: 'pipeline:run/b1',
    },
    {
      id: '12_5',
      array: '12',
      index: 5,
      state: 'PENDING',
      reason: '(ReqNodeNotAvail|UnavailableNodes:n7)',
      partition: 'gpu',
      seconds: 0,
      comment: '',
    },
  ]);
});

test('what jobs took is counted from their starts, as the scheduler says', () => {
  const bill = new Bill();
  expect(bill.text).toBeUndefined();
  for (const job of ['1_0', '1_1', '1_2', '1_3']) bill.open(job, 2);
  for (const seconds of [5, 30, 0, 10]) bill.see('1_0', seconds); // it was requeued once
  bill.hear('1_0', 7);
  bill.see('1_1', 0); // cancelled before it started
  bill.hear('1_2', 20); // of which the scheduler said nothing
  bill.see('2_0', 1000); // of another run
  expect(bill.text).toBe('2 jobs ran for 1 min 00 s in all (GPUs: 2 min 00 s)');
});

test('jobs are found again by their comment', () => {
  expect(parseComment(commentOf('20261130-040612.783-tiny-a228', 'b12'))).toEqual({
    run: '20261130-040612.783-tiny-a228',
    batch: 'b12',
  });
  expect(parseComment('pipeline:../b1')).toEqual({run: '..', batch: 'b1'});
  for (const other of ['', 'my own', 'pipeline:run', 'pipeline:a/b/c']) expect(parseComment(other)).toBeUndefined();
});

test('ids and limits', () => {
  expect(submittedId('4711\n')).toBe('4711');
  expect(submittedId('sbatch: a remark of the site\n4711;cluster\n')).toBe('4711');
  expect(submittedId('nothing')).toBeUndefined();
  expect(mostInArray('MailProg = /bin/mail\nMaxArraySize            = 1001\nMaxDBDMsgs = 20024\n')).toBe(1001);
  expect(mostInArray('')).toBeUndefined();
});

test.for([
  ['slurm_load_jobs error: Unable to contact slurm controller (connect failure)', 'silent'],
  ['sbatch: error: Batch job submission failed: Socket timed out on send/recv operation', 'silent'],
  ['sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received', 'silent'],
  ['sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying', 'full'],
  [
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
    'full',
  ],
  ['sbatch: error: invalid partition specified: gpux', 'wrong'],
  ['sbatch: error: Memory specification can not be satisfied', 'wrong'],
] as const)('%s', ([text, why]) => {
  expect(whyOf(text)).toBe(why);
});

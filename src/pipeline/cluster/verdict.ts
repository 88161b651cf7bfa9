/**
 * What to do about a job, by what is seen of it. The record that it leaves is the truth; the scheduler only tells whether there will
 * be one. Pure: the bounds on how often something is tried are the caller's.
 */
import type {Killed} from '../events.ts';
import {hasEnded, type QueuedJob} from './queue.ts';
import type {Growth} from './script.ts';

export interface Sight {
  /** How the job's log ends; absent: without an end. Of the attempt that got furthest. */
  readonly record?: 'done' | 'failed' | 'interrupted';
  /** As the scheduler lists it; absent: it does not. */
  readonly job?: QueuedJob;
  /** Answers of the scheduler in a row in which the job had ended or was not listed. */
  readonly gone: number;
  /** What has ended it, or a stage of it, from outside; absent: nothing is known of that. */
  readonly killed?: Killed;
}

export type Verdict =
  /** Nothing to do. `because`: a person may want to know. */
  | {readonly to: 'wait'; readonly because?: string}
  /** It has said all that it can say. */
  | {readonly to: 'take'}
  /** Submit what it has not done once more; `grow`: with more of it, where the site allows. */
  | {readonly to: 'resubmit'; readonly because: string; readonly grow?: keyof Growth}
  /** The scheduler holds it because a start failed. */
  | {readonly to: 'release'; readonly because: string}
  /** It can never run. */
  | {readonly to: 'refuse'; readonly because: string};

/** A job without a record counts as gone at the second look: a file of its last moment may come late. */
const looks = 2;

export function verdictOn({record, job, gone, killed}: Sight): Verdict {
  if (record === 'done') return {to: 'take'};
  if (record === 'failed') {
    if (killed === undefined) return {to: 'take'};
    if (killed === 'somebody') return {to: 'resubmit', because: 'the worker process of a stage was killed'};
    return {to: 'resubmit', because: 'its memory ran out', grow: 'memory'};
  }
  if (job && !hasEnded(job)) return job.state === 'PENDING' ? pending(job) : {to: 'wait'};
  if (gone < (record === 'interrupted' ? 1 : looks)) return {to: 'wait'};
  const state = job?.state ?? '';
  if (state === 'OUT_OF_MEMORY' || killed === 'memory')
    return {to: 'resubmit', because: 'its memory ran out', grow: 'memory'};
  if (state === 'TIMEOUT' || state === 'DEADLINE' || (record === 'interrupted' && !(state in reasons)))
    return {to: 'resubmit', because: 'its time was over', grow: 'time'};
  if (state === '') return {to: 'resubmit', because: 'it has vanished from the queue'};
  return {to: 'resubmit', because: reasons[state] ?? `it ended as ${state} without a result`};
}

const reasons: {readonly [state: string]: string} = {
  BOOT_FAIL: 'its node did not start',
  CANCELLED: 'it was cancelled',
  NODE_FAIL: 'its node failed',
  PREEMPTED: 'it had to make room for another job',
};

/** What Slurm writes into a job's log; the state of the job may be FAILED, or even COMPLETED, all the same. */
export const saysOutOfMemory = (log: string): boolean =>
  /slurmstepd.*(oom[-_ ]?kill|exceeded.*memory limit|out[- ]of[- ]memory)/i.test(log);

/** Reasons of a pending job that no waiting ends. */
const never = [
  /^(BadConstraints|DependencyNeverSatisfied|InvalidAccount|InvalidQOS|PartitionNodeLimit|PartitionTimeLimit)$/,
  /^(Assoc|QOS)Max\w*PerJob(Limit)?$/,
];

function pending({reason}: QueuedJob): Verdict {
  if (/^JobHeld|requeued held/i.test(reason))
    return /launch failed|requeued held/i.test(reason)
      ? {to: 'release', because: reason}
      : {to: 'wait', because: reason};
  return never.some((pattern) => pattern.test(reason)) ? {to: 'refuse', because: reason} : {to: 'wait'};
}

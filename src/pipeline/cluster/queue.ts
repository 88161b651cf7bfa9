/** What the scheduler prints, as values. Pure. */

/** A job of an array as `squeue` lists it. */
export interface QueuedJob {
  /** `4711_3`. */
  readonly id: string;
  /** Id of the array, and the index in it. */
  readonly array: string;
  readonly index: number;
  /** In the scheduler's word: `PENDING`, `RUNNING`, `OUT_OF_MEMORY`. */
  readonly state: string;
  /** Why it waits, or why it ended; `None`: no reason. */
  readonly reason: string;
  /** The queue in which it waits or was; several, separated by commas, while any of them may take it. */
  readonly partition: string;
  /** Absent before it runs. */
  readonly node?: string;
  /** Since it started last, up to its end; 0: it has not started. Whole seconds, as the scheduler counts them. */
  readonly seconds: number;
  readonly comment: string;
}

/**
 * One line a job, array elements apart, those that ended lately too. Not `--json`: version 22.05 gives there every job of the
 * cluster, 2 kB each, whatever is asked for, and its shape differs from version to version.
 */
export const squeueArguments = ['--noheader', '--array', '--states=all', '--format=%F|%K|%T|%P|%N|%M|%k|%r'] as const;

/** The jobs of arrays; other lines are none of ours. */
export function parseQueue(text: string): readonly QueuedJob[] {
  return text.split('\n').flatMap((line): readonly QueuedJob[] => {
    const [array, index, state, partition, node, used, comment, ...reason] = line.split('|');
    if (reason.length === 0 || !/^\d+$/.test(index!)) return [];
    return [
      {
        id: `${array}_${index}`,
        array: array!,
        index: Number(index),
        state: state!,
        reason: reason.join('|'),
        partition: partition!,
        ...(node !== '' && {node: node!}),
        seconds: secondsOf(used!),
        comment: comment!,
      },
    ];
  });
}

/** `1-02:03:04`, `2:03:04`, `3:04`; 0 for what is not a time. */
function secondsOf(used: string): number {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(used) ?? [];
  return Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** Ends of jobs; everything else goes on or will. */
const ended = new Set([
  'BOOT_FAIL',
  'CANCELLED',
  'COMPLETED',
  'DEADLINE',
  'FAILED',
  'NODE_FAIL',
  'OUT_OF_MEMORY',
  'PREEMPTED',
  'REVOKED',
  'TIMEOUT',
]);

export const hasEnded = ({state}: Pick<QueuedJob, 'state'>): boolean => ended.has(state);

/** Elements of one array at most, from `scontrol show config`; undefined: it does not say. */
export function mostInArray(config: string): number | undefined {
  const found = /^MaxArraySize\s*=\s*(\d+)/m.exec(config)?.[1];
  return found === undefined ? undefined : Math.max(1, Number(found));
}

/** The id that `sbatch --parsable` prints: `4711`, or `4711;cluster`. */
export const submittedId = (text: string): string | undefined => /^(\d+)(;\S+)?\s*$/m.exec(text)?.[1];

/** The comment by which jobs are found again. */
export const commentOf = (run: string, batch: string): string => `pipeline:${run}/${batch}`;

export function parseComment(comment: string): {readonly run: string; readonly batch: string} | undefined {
  const [, run, batch] = /^pipeline:([\w.-]+)\/([\w.-]+)$/.exec(comment) ?? [];
  return run === undefined ? undefined : {run, batch: batch!};
}

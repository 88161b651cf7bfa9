/** Jobs that another driver has submitted, such as this run's before it was killed: whoever wants the same stage waits for them. */
import {statSync} from 'node:fs';
import {join} from 'node:path';
import type {Digest} from '../../core/base/canonical.ts';
import {isElement, readElement} from './batch.ts';
import {hasEnded, parseComment, type QueuedJob} from './queue.ts';

export interface Adoptable {
  /** Id of the stage that begins the unit. */
  readonly root: string;
  readonly folder: string;
  readonly index: number;
  readonly job: string;
  /** Whoever submitted it is gone, so that this run may cancel it. */
  readonly own: boolean;
}

/** Fingerprint of a unit's root → the job that computes it. `isGone`: whether the process that drives a run has ended. */
export function adoptable(
  jobs: readonly QueuedJob[],
  {runs, run, isGone}: {readonly runs: string; readonly run: string; readonly isGone: (run: string) => boolean},
): ReadonlyMap<Digest, Adoptable> {
  const found = new Map<Digest, Adoptable>();
  const gone = new Map<string, boolean>();
  for (const job of jobs) {
    const of = parseComment(job.comment);
    if (!of || of.run === run || hasEnded(job)) continue;
    const folder = join(runs, of.run, 'jobs', of.batch);
    // Another folder of runs, or one that was removed.
    if (!statSync(folder, {throwIfNoEntry: false}) || !isElement(folder, job.index)) continue;
    if (!gone.has(of.run)) gone.set(of.run, isGone(of.run));
    for (const {id, fingerprint} of readElement(folder, job.index).roots)
      found.set(fingerprint, {root: id, folder, index: job.index, job: job.id, own: gone.get(of.run)!});
  }
  return found;
}

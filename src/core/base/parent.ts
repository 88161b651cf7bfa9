import {Worker} from 'node:worker_threads';

/**
 * Ends this process when its parent, by its id, is gone, even in the middle of a long computation, when no event is handled: two
 * trainings of one stage must not write to the same checkpoints, and nobody waits for what an orphan computes.
 */
export function endWithParent(parent: number): void {
  const code = `setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL'); }, 250);`;
  new Worker(code, {eval: true}).unref();
}

/** `cancel`: stops a run that another process drives, here or on another host, or that none drives any more. */
import {writeFileSync} from 'node:fs';
import {plural} from '../../core/base/text.ts';
import {parseComment} from '../../pipeline/cluster/queue.ts';
import {slurm} from '../../pipeline/cluster/slurm.ts';
import {cancelFile, driverOf} from '../../pipeline/store/runs/runs.ts';
import {exitCodes} from './exit-codes.ts';
import {err, type Globals, orRefuse, out} from './session.ts';
import {whichRun} from './which-run.ts';

export const cancel = async (which: string, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals), async ({id, folder, outcome, environment}) => {
    if (outcome !== 'unfinished') {
      out(`${id} has ended: ${outcome}`);
      return exitCodes.done;
    }
    const driver = driverOf(environment);
    if (driver === 'dead') out(`${id}: its process is gone`);
    else {
      // Not a signal: a second one would end the run at once, before its checkpoints and without cancelling its jobs.
      writeFileSync(cancelFile(folder), '');
      out(`${id}: process ${environment['pid']} on ${environment['host']} was asked to stop`);
    }
    return driver === 'alive' ? exitCodes.done : await cancelJobs(id);
  });

/** What nobody may be left to cancel. */
async function cancelJobs(run: string): Promise<number> {
  const queue = await slurm.queue();
  if (!queue.ok) return exitCodes.done; // no cluster, or one that does not answer: its driver will see the file
  const jobs = queue.value.filter(({comment}) => parseComment(comment)?.run === run).map(({id}) => id);
  if (jobs.length === 0) return exitCodes.done;
  const said = await slurm.cancel(jobs);
  if (said.ok) out(`${plural(jobs.length, 'job')} cancelled`);
  else err(`pipeline: ${said.message}`);
  return said.ok ? exitCodes.done : exitCodes.failed;
}

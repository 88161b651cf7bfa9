/** `cancel`: stops a run that another process drives, here or on another host, or that none drives any more. */
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {plural} from '../../core/base/text.ts';
import {slurm} from '../../pipeline/cluster/slurm.ts';
import {cancelFile, driverOf, recordInterruption} from '../../pipeline/store/runs/runs.ts';
import {jobsOf} from './cluster.ts';
import {exitCodes} from './exit-codes.ts';
import {err, type Globals, orRefuse, out} from './session.ts';
import {whichRun} from './which-run.ts';

export const cancel = async (which: string, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals), async (record) => {
    const {id, folder, outcome, environment} = record;
    if (outcome !== 'unfinished') {
      out(`${id} has ended: ${outcome}`);
      return exitCodes.done;
    }
    const driver = driverOf(environment);
    if (driver !== 'dead') {
      // Not a signal: a second one would end the run at once, before its checkpoints and without cancelling its jobs.
      writeFileSync(cancelFile(folder), '');
      out(`${id}: process ${environment['pid']} on ${environment['host']} was asked to stop`);
      if (driver === 'alive') return exitCodes.done;
    } else out(`${id}: its process is gone`);
    const problem = existsSync(join(folder, 'jobs')) ? await cancelJobs(id) : undefined;
    if (driver === 'dead' && problem === undefined) recordInterruption(record);
    if (driver !== 'dead' || problem === undefined) return exitCodes.done; // a driver that lives cancels them itself
    err(`pipeline: ${problem}. Its jobs may go on: run "pipeline cancel ${id}" again where squeue and scancel work.`);
    return exitCodes.failed;
  });

/** What nobody may be left to cancel. Returns why they could not be; undefined: none is left. */
async function cancelJobs(run: string): Promise<string | undefined> {
  const queue = await jobsOf(run);
  if (!queue.ok) return queue.message;
  const jobs = queue.value.map(({id}) => id);
  if (jobs.length === 0) return undefined;
  const said = await slurm.cancel(jobs);
  if (!said.ok) return said.message;
  out(`${plural(jobs.length, 'job')} cancelled`);
  return undefined;
}

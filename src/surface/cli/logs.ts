/** `logs`: what the jobs of a run have printed, and what a detached run prints itself. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {looker, newLines} from '../../core/base/follow.ts';
import {printable} from '../../core/base/screen.ts';
import {isJob, logsOf} from '../../pipeline/cluster/logs.ts';
import {hasEnded} from '../../pipeline/store/runs/record.ts';
import {driverOf} from '../../pipeline/store/runs/runs.ts';
import {jobsOf} from './cluster.ts';
import {exitCodes} from './exit-codes.ts';
import {err, type Globals, orRefuse, out, refuse} from './session.ts';
import {whichRun} from './which-run.ts';

/** Milliseconds between two looks. */
const every = 500;

/** Looks after which the driver is looked for, and without one the jobs. */
const driverEvery = 10;

export const logs = async (
  which: string,
  stage: string | undefined,
  options: {readonly follow: boolean},
  globals: Globals,
): Promise<number> =>
  orRefuse(await whichRun(which, globals), async ({id, folder, stages, environment}) => {
    const isKnown = stage === undefined || isJob(stage) || stages.some(({label}) => label.includes(stage));
    if (!isKnown)
      return refuse([
        {
          message: `no stage of ${id} has "${stage}" in its label`,
          hint: `Stages are called such as "${stages[0]?.label}".`,
        },
      ]);
    const looks = new Map<string, ReturnType<typeof looker>>();
    let last = '';
    /** Nobody writes any more, though the run has no end. */
    let abandoned: string | undefined;
    for (let look = 0; ; look++) {
      // Before the look: what comes between is seen by it.
      const hasNoMore = !options.follow || hasEnded(folder);
      if (!hasNoMore && look % driverEvery === 0 && driverOf(environment) === 'dead')
        abandoned = await whyAbandoned(id, folder);
      const isLast = hasNoMore || abandoned !== undefined;
      for (const {path, title} of logsOf(folder, stage)) {
        if (!looks.has(path)) looks.set(path, looker(path));
        for await (const line of newLines(looks.get(path)!)) {
          if (last !== path) out(`${last === '' ? '' : '\n'}==> ${title}`);
          last = path;
          out(printable(line));
        }
      }
      if (!isLast) await delay(every);
      else if (looks.size > 0) {
        if (abandoned !== undefined) err(abandoned);
        return exitCodes.done;
      } else {
        const of = stage === undefined ? '' : ` with "${stage}"`;
        return refuse([
          {
            message: `${id} has no log of a job${of}`,
            hint: 'Stages that run in the process of the run have no log of their own; "pipeline show" tells what failed.',
          },
        ]);
      }
    }
  });

/** Of a run whose driver has ended; undefined: its jobs go on, or may. */
async function whyAbandoned(run: string, folder: string): Promise<string | undefined> {
  const jobs = existsSync(join(folder, 'jobs')) ? await jobsOf(run) : undefined;
  if (jobs?.ok ? jobs.value.length > 0 : jobs?.why === 'silent') return undefined;
  const andJobs = jobs && (jobs.ok ? ', and none of its jobs waits or runs' : ` (its jobs: ${jobs.message})`);
  return `The process that drove ${run} has ended without a word${andJobs ?? ''}. Run the same command again: it goes on from what is done.`;
}

/** What the jobs of a run have printed, and what a detached run prints itself. */
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {attemptsIn, readElement} from './batch.ts';
import {logName} from './script.ts';

/** Of a run's folder: what a detached run prints. */
export const driverLog = (folder: string): string => join(folder, 'driver.log');

export interface Log {
  readonly path: string;
  /** Above its lines. */
  readonly title: string;
  /** Ids of the stages that have printed it; none: the run itself. */
  readonly stages: readonly string[];
}

/** `4711`, `4711_3`. */
export const isJob = (word: string): boolean => /^\d+(_\d+)?$/.test(word);

/** Logs that are there now. `stage`: only of this job, or of stages with this in their labels. */
export function logsOf(folder: string, stage: string | undefined): readonly Log[] {
  const own = driverLog(folder);
  const driver = stage === undefined && existsSync(own) ? [{path: own, title: 'the run itself', stages: []}] : [];
  const jobs = join(folder, 'jobs');
  return [
    ...driver,
    ...(existsSync(jobs) ? readdirSync(jobs).sort(byNumber) : []).flatMap((batch) => logsIn(join(jobs, batch), stage)),
  ];
}

const byNumber = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1));

function logsIn(folder: string, stage: string | undefined): readonly Log[] {
  const attempts = attemptsIn(folder);
  return readdirSync(folder)
    .flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((index) => {
      const {nodes} = readElement(folder, index);
      const ids = (attempts.get(index) ?? []).map((path) => /\/\d+\.(\d+_\d+)-/.exec(path)?.[1] ?? '');
      const isMeant = stage === undefined || ids.includes(stage) || nodes.some(({label}) => label.includes(stage));
      const job = ids.length > 0 ? `, job ${ids.at(-1)}` : '';
      const title = `${nodes[0]!.label}${job}`;
      return isMeant ? [{path: join(folder, logName(index)), title, stages: nodes.map(({id}) => id)}] : [];
    });
}

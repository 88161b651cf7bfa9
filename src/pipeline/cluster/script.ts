/** The text of a job script: what the site asks for, and the one command that a job runs. Pure. */
import {shellWord} from '../../core/base/text.ts';
import {megabytesOf, minutesOf, type Resources, type Site} from '../config/site.ts';

/** What a job asks for, after growth. */
export interface Request extends Omit<Resources, 'time' | 'memory' | 'time_max' | 'memory_max'> {
  readonly minutes?: number;
  readonly megabytes?: number;
}

/** How often a job was given more than the site says at first. */
export interface Growth {
  readonly time: number;
  readonly memory: number;
}

export const noGrowth: Growth = {time: 0, memory: 0};

/** What a kind of stage gets. */
export function requestOf({resources, growth: factor}: Site, kind: string, grown: Growth = noGrowth): Request {
  const {time, time_max, memory, memory_max, ...rest} = {...resources['default'], ...resources[kind]};
  const minutes = raised(minutesOf(time), minutesOf(time_max), factor ** grown.time);
  const megabytes = raised(megabytesOf(memory), megabytesOf(memory_max), factor ** grown.memory);
  return {...rest, ...(minutes !== undefined && {minutes}), ...(megabytes !== undefined && {megabytes})};
}

/** Without a maximum nothing grows. */
const raised = (first: number | undefined, most: number | undefined, factor: number): number | undefined =>
  first === undefined ? undefined : Math.min(Math.ceil(first * factor), Math.max(first, most ?? first));

/** Whether a job can be given more than it had. */
export function canGrow(site: Site, kind: string, grown: Growth, what: keyof Growth): boolean {
  const key = what === 'time' ? 'minutes' : 'megabytes';
  const [now, next] = [grown, {...grown, [what]: grown[what] + 1}].map((one) => requestOf(site, kind, one)[key]);
  return now !== undefined && next! > now;
}

export interface ScriptOptions {
  readonly site: Site;
  readonly request: Request;
  /** Of the run's spec. */
  readonly name: string;
  /** Found by it after the driver was killed. */
  readonly comment: string;
  /** Absolute: has the jobs' files. */
  readonly folder: string;
  /** Jobs of the array. */
  readonly count: number;
  /** Where the run was started. */
  readonly cwd: string;
  /** How this program is started where the site does not say. */
  readonly command: readonly string[];
}

/** Named after the element: one file for all attempts. */
export const logName = (index: number | '%a'): string => `${index}.log`;

export function scriptText({site, request, name, comment, folder, count, cwd, command}: ScriptOptions): string {
  const {partition, account, qos, minutes, megabytes, cpus, gpus, gres, constraint, extra = []} = request;
  const resources = [
    ...(gpus === undefined || gpus === 0 ? [] : [`gpu:${gpus}`]),
    ...(gres === undefined ? [] : [gres]),
  ];
  const options = [
    `--job-name=${jobName(name)}`,
    `--comment=${comment}`,
    `--array=0-${count - 1}${site.at_once === undefined ? '' : `%${site.at_once}`}`,
    `--output=${quoted(`${folder.replaceAll('%', '%%')}/${logName('%a')}`)}`,
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${noticeOf(site.notice, minutes)}`,
    `--chdir=${quoted(cwd)}`,
    '--nodes=1',
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(qos === undefined ? [] : [`--qos=${qos}`]),
    ...(minutes === undefined ? [] : [`--time=${minutes}`]),
    ...(megabytes === undefined ? [] : [`--mem=${megabytes}M`]),
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ...(resources.length === 0 ? [] : [`--gres=${resources.join(',')}`]),
    ...(constraint === undefined ? [] : [`--constraint=${quoted(constraint)}`]),
    ...extra,
  ];
  const start = site.command ?? command.map(shellWord).join(' ');
  return [
    '#!/bin/bash',
    ...options.map((option) => `#SBATCH ${option}`),
    // The notice that its time is almost over would end the shell, if it came before the program runs, which obeys it.
    'trap : USR1',
    ...site.before,
    ...(site.scratch === undefined ? [] : [`export TMPDIR="${site.scratch}"`, 'mkdir -p "$TMPDIR"']),
    // TensorFlow would take a GPU's whole memory for the first of several trainings.
    ...(site.tasks_per_gpu > 1 ? ['export TF_FORCE_GPU_ALLOW_GROWTH=true'] : []),
    // The process that the scheduler's signals reach.
    `exec ${start} stage ${shellWord(folder)} "$SLURM_ARRAY_TASK_ID"`,
    '',
  ].join('\n');
}

/** A short job may not spend most of its time in saying goodbye. */
const noticeOf = (notice: number, minutes: number | undefined): number =>
  minutes === undefined ? notice : Math.min(notice, Math.round(minutes * 30));

const jobName = (name: string): string => `pipeline-${name.replaceAll(/[^\w.-]+/g, '-').slice(0, 60)}`;

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`);

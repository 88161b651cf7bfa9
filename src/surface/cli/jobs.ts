/** Declares the options and commands for runs that go on elsewhere: in the background, on another host, on a cluster. */
import {type Command, Option} from 'commander';
import type {Globals} from './session.ts';

export const executorOption = () =>
  new Option('--executor <name>', 'what computes stages: processes on this machine, or jobs of a cluster')
    .env('PIPELINE_EXECUTOR')
    .choices(['local', 'slurm'])
    .default('local');

export const siteOption = () =>
  new Option(
    '--site <file>',
    'how the cluster is used (default: site.yaml beside the spec, or in the folder of runs)',
  ).env('PIPELINE_SITE');

/** Ends the command if options were given that its executor does not use. */
export function checkExecutor(command: Command): void {
  const {executor} = command.opts<{executor: string}>();
  const isGiven = (option: string): boolean => command.getOptionValueSource(option) === 'cli';
  if (executor === 'slurm' && isGiven('jobs'))
    command.error(
      'error: --jobs counts stages on this machine, but with --executor slurm jobs of the cluster compute them. How many is in the site file: most_jobs (submitted), at_once (running, of an array), tasks_per_gpu (trainings that share a GPU)',
    );
  if (executor === 'local' && isGiven('site'))
    command.error('error: --site is for the jobs of a cluster: add --executor slurm, or leave it out');
}

const whichRun = 'run id, a unique part of it, "latest", or the name of a spec';

export function declareJobs(
  program: Command,
  globals: () => Globals,
  leave: (status: Promise<number>) => Promise<void>,
): void {
  program
    .command('attach')
    .description('watch a run, wherever it is driven from; Ctrl-C ends the watching, not the run')
    .argument('[run]', whichRun, 'latest')
    .option('--plain', 'print plain lines instead of the live view', false)
    .action(async (run: string, options: {plain: boolean}) =>
      leave((await import('./attach.ts')).attach(run, options, globals())),
    );
  program
    .command('cancel')
    .description('stop a run as Ctrl-C does, wherever it is driven from; its checkpoints stay')
    .argument('<run>', whichRun)
    .action(async (run: string) => leave((await import('./cancel.ts')).cancel(run, globals())));
  program
    .command('logs')
    .description('print what the jobs of a run have printed')
    .argument('[run]', whichRun, 'latest')
    .argument('[stage]', 'only of jobs with this stage: a part of its label, or the id of a job, such as 4711_3')
    .option('-f, --follow', 'go on printing until the run ends, or nobody drives it and its jobs have ended', false)
    .action(async (run: string, stage: string | undefined, options: {follow: boolean}) =>
      leave((await import('./logs.ts')).logs(run, stage, options, globals())),
    );
  // What a job of a cluster runs. Without a description: not for users, so neither in help nor in completion.
  program
    .command('stage', {hidden: true})
    .argument('<folder>')
    .argument('<index>')
    .action(async (folder: string, index: string) => leave((await import('./stage.ts')).stage(folder, Number(index))));
}

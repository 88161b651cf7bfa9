/** The commands of searches: what was found, and more trials. */
import {type Command, Option} from 'commander';
import type {AddOptions, BestOptions} from './best.ts';
import type {Globals} from './session.ts';
import {jobsOption, parallel} from './values.ts';

const whichRun = 'run id, a unique part of it, "latest", or the name of a spec';

export function declareSearches(
  program: Command,
  globals: () => Globals,
  leave: (status: Promise<number>) => Promise<void>,
): void {
  program
    .command('best')
    .description('the best configuration of a search, what it was chosen on, and the trials')
    .argument('[run]', whichRun, 'latest')
    .option('--all', 'print every trial, not only the best', false)
    .option('--spec <file>', 'write the spec of the chosen configuration, with five fresh seeds; never written over')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['table', 'markdown', 'csv', 'json', 'latex'])
        .default('table'),
    )
    .action(async (run: string, options: BestOptions) =>
      leave((await import('./best.ts')).best(run, options, globals())),
    );

  const again = async (command: readonly string[]): Promise<number> => {
    process.argv = [...process.argv.slice(0, 2), ...command]; // what the run records, and says to continue it
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  };
  const search = program.command('search').description('go on with a search');
  search
    .command('add')
    .description('run more trials of a search, after those that it has')
    .argument('<run>', whichRun)
    .requiredOption('--trials <n>', 'how many more', parallel)
    .addOption(jobsOption())
    .option('--plain', 'print plain lines instead of the live view', false)
    .option('--quiet', 'print only the table and failures', false)
    .action(async (run: string, options: AddOptions) =>
      leave((await import('./best.ts')).add(run, options, globals(), again)),
    );
}

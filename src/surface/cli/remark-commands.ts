/** The commands with which people remark on a run. */
import type {Command} from 'commander';
import type {TagOptions} from './remarks.ts';
import type {Globals} from './session.ts';

const whichRun = 'run id, a unique part of it, "latest", or the name of a spec';

export function declareRemarks(
  program: Command,
  globals: () => Globals,
  leave: (status: Promise<number>) => Promise<void>,
): void {
  program
    .command('tag')
    .description('give a run tags, by which lists of runs are filtered; without a tag, print those that it has')
    .argument('<run>', whichRun)
    .argument('[tag...]', 'words')
    .option('--remove <tag>', 'take a tag away (repeatable)', (tag: string, all: string[] = []) => [...all, tag])
    .action(async (run: string, tags: string[], options: TagOptions) =>
      leave((await import('./remarks.ts')).tag(run, tags, options, globals())),
    );
  program
    .command('note')
    .description("write a run's note; without words, print it")
    .argument('<run>', whichRun)
    .argument('[words...]', 'the note')
    .option('--remove', 'take the note away', false)
    .action(async (run: string, words: string[], options: {remove: boolean}) =>
      leave((await import('./remarks.ts')).note(run, words, options, globals())),
    );
}

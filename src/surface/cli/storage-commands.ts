/** The commands `cache` and `store`: what is kept on this machine, and what a team shares. */
import type {Command} from 'commander';
import type {Globals} from './session.ts';

interface Tools {
  globals(): Globals;
  leave(status: Promise<number>): Promise<void>;
  /** Parses a number of days. */
  days(text: string): number;
}

export function declareStorage(program: Command, {globals, leave, days}: Tools): void {
  const cache = program.command('cache').description('inspect cached stage outputs');
  cache
    .command('ls')
    .description('list entries, newest first')
    .action(async () => leave((await import('./tools.ts')).cacheLs(globals())));
  cache
    .command('verify')
    .description('check every file of every entry against its checksum')
    .action(async () => leave((await import('./tools.ts')).cacheVerify(globals())));
  cache
    .command('prune')
    .description('remove old entries')
    .option('--days <n>', 'remove entries that were not used for this many days', days, 30)
    .action(async (options: {days: number}) => leave((await import('./tools.ts')).cachePrune(options, globals())));

  const store = program
    .command('store')
    .description('what a team shares: push, pull, check and clear its store (--store)');
  store
    .command('push')
    .description('push what the store does not have: results in the cache, and records of runs')
    .argument('[run...]', 'run ids, unique parts of them, or names of specs (default: everything here)')
    .action(async (runs: string[]) => leave((await import('./store.ts')).storePush(runs, globals())));
  store
    .command('pull')
    .description('fetch runs with all their results')
    .argument('<run...>', 'run ids, parts of them, or names of specs')
    .action(async (runs: string[]) => leave((await import('./store.ts')).storePull(runs, globals())));
  store
    .command('verify')
    .description('read every file of the store, and remove what differs from its checksum')
    .action(async () => leave((await import('./store.ts')).storeVerify(globals())));
  store
    .command('prune')
    .description('remove old runs, and results that no other run has used')
    .option('--days <n>', 'remove runs that began more than this many days ago', days, 90)
    .action(async (options: {days: number}) => leave((await import('./store.ts')).storePrune(options, globals())));
  store
    .command('du')
    .description('show how much lies in the store')
    .action(async () => leave((await import('./store.ts')).storeDu(globals())));
}

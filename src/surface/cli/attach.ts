/** `attach`: the live view of a run that another process drives. */
import {follow} from '../../core/base/follow.ts';
import {pastIn} from '../../pipeline/ending/past.ts';
import {fromRecord} from '../../pipeline/search/record.ts';
import {sizeOf} from '../../pipeline/search/size.ts';
import {readHead} from '../../pipeline/store/runs/record.ts';
import {eventsFile} from '../../pipeline/store/runs/run-record.ts';
import {driverOf} from '../../pipeline/store/runs/runs.ts';
import {eventOf} from '../../pipeline/store/runs/shape.ts';
import {createReporter} from '../live/reporter.ts';
import {exitCodes} from './exit-codes.ts';
import {isSweep, printComparison, printEffects} from './results.ts';
import {commandName, err, folders, type Globals, orRefuse} from './session.ts';
import {whichRun} from './which-run.ts';

/** Milliseconds between two looks at the log, and looks in which nothing came after which the driver is looked for. */
const every = 500;
const quietLooks = 10;

export const attach = async (which: string, {plain}: {readonly plain: boolean}, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals), ({id, folder, environment}) =>
    orRefuse(readHead(folder), async ({plan}) => {
      const kind = globals.json ? 'json' : plain ? 'plain' : 'auto';
      const reporter = createReporter(kind, process.stdout, process.stderr, {
        graph: plan.stages,
        ...(plan.search !== undefined && {search: sizeOf(fromRecord(plan.search))}),
        past: () => pastIn(folders(globals).cache),
      });
      const watching = new AbortController();
      const leave = (): void => watching.abort();
      process.once('SIGINT', leave);
      let quiet = 0;
      try {
        for await (const lines of follow(eventsFile(folder), {signal: watching.signal, every})) {
          for (const line of lines) {
            const event = eventOf(line);
            if (event) reporter.event(event);
            if (event?.type !== 'run-finished') continue;
            reporter.close();
            if (plan.search !== undefined) (await import('./search-run.ts')).printSearch(folder, globals);
            else if (!globals.json) {
              await printComparison({runs: [id]}, {format: 'table'}, globals, {whenEmpty: () => 0});
              if (isSweep(plan.tasks)) printEffects(folder);
            }
            return {done: exitCodes.done, failed: exitCodes.failed, interrupted: exitCodes.interrupted}[event.outcome];
          }
          quiet = lines.length > 0 ? 0 : quiet + 1;
          if (quiet % quietLooks === quietLooks - 1 && driverOf(environment) === 'dead') {
            reporter.close();
            err(
              `The process that drove ${id} has ended without a word. Run the same command again: it goes on from what is done.`,
            );
            return exitCodes.failed;
          }
        }
        reporter.close();
        err(`${id} goes on. To stop it: ${commandName()} cancel ${id}`);
        return exitCodes.done;
      } finally {
        reporter.close();
        process.off('SIGINT', leave);
      }
    }),
  );

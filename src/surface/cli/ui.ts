/** `ui`: the runs in a browser, until Ctrl-C. */
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {codeOf} from '../../core/base/files.ts';
import {queryApart} from '../../pipeline/store/results/apart.ts';
import {readBaselines} from '../../pipeline/store/results/baselines.ts';
import {openResults} from '../../pipeline/store/results/results.ts';
import {betterFrom} from '../tables/best-of.ts';
import {departuresFrom} from '../tables/settings.ts';
import {serve, type WebServer} from '../web/server.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {drawApart} from './parts-apart.ts';
import {err, folders, type Globals, out, refuse} from './session.ts';
import {runsElsewhere} from './team.ts';

export interface UiOptions {
  readonly port?: number;
  /** Tags and notes can be changed. */
  readonly write: boolean;
}

export async function ui({port, write}: UiOptions, globals: Globals): Promise<number> {
  const {runs, results} = folders(globals);
  let server: WebServer;
  try {
    server = await serve({
      root: runs,
      port: port ?? 0,
      token: token(),
      ...(write && {writeToken: token()}),
      // A page is not to wait for long: while a run files its results, it says so.
      results: openResults(results, {waitSeconds: 3, report: err}),
      query: (sql, limits) => queryApart(results, sql, limits, {waitSeconds: 3, report: err}),
      draw: (run, closely, signal) => drawApart({runs, run, closely}, signal),
      baselines: readBaselines(),
      departures: departuresFrom(builtinPlugins()),
      better: betterFrom(builtinPlugins()),
      ...(globals.store !== undefined && {elsewhere: () => runsElsewhere([], globals)}),
    });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') throw error;
    const why = codeOf(error) === 'EACCES' ? 'needs permissions that you do not have' : 'is in use by another process';
    return refuse([
      {message: `port ${port} ${why}`, hint: 'Choose another port, or leave out --port to use a free one.'},
    ]);
  }
  out([server.address, ...(server.writeAddress === undefined ? [] : [server.writeAddress])].join('\n'));
  const rights =
    server.writeAddress === undefined
      ? 'only with the token in the address above; it is read-only'
      : 'only with a token in the addresses above; who opens the second one can change tags and notes';
  err(`This server shows ${runs}. It answers only on this machine, and ${rights}. Press Ctrl-C to stop it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.close();
  return exitCodes.done;
}

const token = (): string => randomBytes(24).toString('base64url');

/** `ui`: the runs in a browser, until Ctrl-C. */
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {codeOf} from '../../core/base/files.ts';
import {queryApart} from '../../pipeline/store/results/apart.ts';
import {readBaselines} from '../../pipeline/store/results/baselines.ts';
import {openResults} from '../../pipeline/store/results/results.ts';
import {departuresFrom} from '../tables/settings.ts';
import {serve, type WebServer} from '../web/server.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {err, folders, type Globals, out, refuse} from './session.ts';

export async function ui({port}: {readonly port?: number}, globals: Globals): Promise<number> {
  const {runs, results} = folders(globals);
  let server: WebServer;
  try {
    server = await serve({
      root: runs,
      port: port ?? 0,
      token: randomBytes(24).toString('base64url'),
      // A page is not to wait for long: while a run files its results, it says so.
      results: openResults(results, {waitSeconds: 3, report: err}),
      query: (sql, limits) => queryApart(results, sql, limits, {waitSeconds: 3, report: err}),
      baselines: readBaselines(),
      departures: departuresFrom(builtinPlugins()),
    });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') throw error;
    const why = codeOf(error) === 'EACCES' ? 'may not be used by you' : 'is in use by another process';
    return refuse([
      {message: `port ${port} ${why}`, hint: 'Give another one, or leave out --port for one that is free.'},
    ]);
  }
  out(server.address);
  err(`Shows ${runs}. Only this machine and who has this address can see it. Ctrl-C ends it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.close();
  return exitCodes.done;
}

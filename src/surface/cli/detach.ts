/** `run --detach`: the same command in a process of its own, which goes on when this one has ended. */
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdirSync, openSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {driverLog} from '../../pipeline/cluster/logs.ts';
import {commandName, err, folders, type Globals, out} from './session.ts';

/** Set in the environment of such a process: the file that it prints to. */
const detachedVariable = 'PIPELINE_DETACHED';

export async function detach(globals: Globals): Promise<number> {
  const {runs} = folders(globals);
  mkdirSync(runs, {recursive: true});
  // Its place in the run's folder is known when there is one.
  const log = join(runs, `.detached-${randomBytes(4).toString('hex')}.log`);
  const file = openSync(log, 'a');
  const args = process.argv.slice(1).filter((word) => word !== '--detach');
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    env: {...process.env, [detachedVariable]: log},
    stdio: ['ignore', file, file, 'ipc'],
  });
  const started = await new Promise<string | number>((resolve) => {
    child.once('message', (run: string) => resolve(run));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  if (typeof started === 'number') {
    err(readFileSync(log, 'utf8'));
    rmSync(log);
    return started;
  }
  child.disconnect();
  child.unref();
  out(started);
  err(`It goes on in the background. To watch it: ${commandName()} attach ${started}`);
  return 0;
}

/** In such a process: what it prints belongs to its run from now on, whose id its parent prints. The parent may have gone already. */
export function announceDetached({id, folder}: {readonly id: string; readonly folder: string}): void {
  const log = process.env[detachedVariable];
  if (log === undefined) return;
  delete process.env[detachedVariable]; // what it starts is not detached
  renameSync(log, driverLog(folder));
  process.send?.(id, () => undefined);
}

/** The run that a command is asked about, in the same words everywhere. */
import {existsSync} from 'node:fs';
import type {Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {readRun} from '../../pipeline/store/runs/runs.ts';
import {resultsOf, runNames} from './comparison.ts';
import {folders, type Globals} from './session.ts';
import type {Wanted} from './team.ts';

/**
 * By id, a part that no other has, or `latest`; else by the name of a spec: its latest run. One that is in the store alone is fetched, with
 * the results that are wanted.
 */
export async function whichRun(
  which: string,
  globals: Globals,
  wanted: Wanted = 'numbers',
): Promise<Result<RunRecord, Problem>> {
  const {runs, results} = folders(globals);
  if (globals.store !== undefined) await (await import('./team.ts')).fetchAsked([which], wanted, globals);
  const found = readRun(runs, which);
  // Of runs that were only fetched there is no database yet; the question makes it.
  if (found.ok || (globals.store === undefined && !existsSync(results))) return found;
  const names = await resultsOf(globals).query(runNames);
  const latest = names.ok && names.value.rows.find(([, name]) => name === which);
  return latest ? readRun(runs, String(latest[0])) : found;
}

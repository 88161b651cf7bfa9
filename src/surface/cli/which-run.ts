/** The run that a command is asked about, in the same words everywhere. */
import {existsSync} from 'node:fs';
import type {Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {readRun} from '../../pipeline/store/runs/runs.ts';
import {resultsOf, runNames} from './comparison.ts';
import {folders, type Globals} from './session.ts';

/** By id, a part that no other has, or `latest`; else by the name of a spec: its latest run. */
export async function whichRun(which: string, globals: Globals): Promise<Result<RunRecord, Problem>> {
  const {runs, results} = folders(globals);
  const found = readRun(runs, which);
  if (found.ok || !existsSync(results)) return found;
  const names = await resultsOf(globals).query(runNames);
  const latest = names.ok && names.value.rows.find(([, name]) => name === which);
  return latest ? readRun(runs, String(latest[0])) : found;
}

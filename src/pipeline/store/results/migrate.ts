/** The database's tables and the papers' numbers in it, as this version has them. */
import type {DuckDBConnection} from '@duckdb/node-api';
import {sha256} from '../../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {type Baseline, paperTasks} from './baselines.ts';
import {inTransaction} from './duckdb.ts';
import {insert} from './insert.ts';
import {migrations, type Row} from './schema.ts';

/** How messages of a file that `rebuild` may replace begin. */
export const unusable = 'the results database cannot be used: ';

export interface BaselineRows {
  readonly rows: readonly Row[];
  readonly digest: string;
}

export function baselineRows(baselines: readonly Baseline[]): BaselineRows {
  const ranks = new Map<string, number>();
  const rows = baselines.map(({spreadKind, ...row}) => {
    const rank = ranks.get(row.table) ?? ranks.size;
    ranks.set(row.table, rank);
    return {rank, ...row, spread_kind: spreadKind};
  });
  // Not canonical, which takes longer: the parts are ours, and always in this order.
  return {rows, digest: sha256(JSON.stringify([rows, [...paperTasks]]))};
}

export async function isCurrent(connection: DuckDBConnection, {digest}: BaselineRows): Promise<boolean> {
  const found = await stateOf(connection);
  return found?.number === migrations.length && found.baselines === digest;
}

/** Also where nothing has been written yet. */
export async function bringUpToDate(
  connection: DuckDBConnection,
  file: string,
  {rows, digest}: BaselineRows,
): Promise<Result<void, Problem>> {
  const state = await stateOf(connection);
  const number = state?.number ?? 0;
  if (number > migrations.length)
    return fail({
      message: `${unusable}it is of migration ${number}, and this version knows only ${migrations.length}`,
      file,
      hint: 'Use the newer version of pipeline that wrote it, or make it again with this version: "pipeline db rebuild".',
    });
  if (number === migrations.length && state?.baselines === digest) return succeed(undefined);
  await inTransaction(connection, async () => {
    for (const migration of migrations.slice(number)) await connection.run(migration);
    await connection.run('delete from baselines; delete from paper_tasks;');
    await insert(connection, 'baselines', rows);
    await insert(
      connection,
      'paper_tasks',
      [...paperTasks].map(([dataset, tasks]) => ({dataset, tasks})),
    );
    await connection.run(`update migration set number = ${migrations.length}, baselines = '${digest}'`);
  });
  return succeed(undefined);
}

async function stateOf(connection: DuckDBConnection) {
  try {
    const [row] = (await connection.runAndReadAll('select number, baselines from migration')).getRowsJS();
    return row && {number: row[0] as number, baselines: row[1] as string | null};
  } catch (error) {
    if ((error as Error).message.includes('Table with name migration does not exist')) return undefined; // a new file
    throw error;
  }
}

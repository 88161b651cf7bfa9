/** Brings the database's tables, and the papers' numbers in them, to the state of this version. */
import type {DuckDBConnection} from '@duckdb/node-api';
import {sha256} from '../../../core/base/canonical.ts';
import {type Baseline, baselinesDigest, paperTasks, readBaselines} from './baselines.ts';
import {inTransaction} from './duckdb.ts';
import {insert} from './insert.ts';
import {Obstacle} from './obstacle.ts';
import {migrations, type Row} from './schema.ts';

/** The papers' numbers. Their rows are made only when they are written. */
export interface BaselineRows {
  readonly digest: string;
  rows(): readonly Row[];
}

/** The given numbers, or, if absent, those in this package. */
export const baselineRows = (baselines?: readonly Baseline[]): BaselineRows =>
  baselines
    ? {digest: sha256(JSON.stringify(baselines)), rows: () => rowsOf(baselines)}
    : {digest: baselinesDigest(), rows: () => rowsOf(readBaselines())};

function rowsOf(baselines: readonly Baseline[]): readonly Row[] {
  const ranks = new Map<string, number>();
  return baselines.map(({spreadKind, ...row}) => {
    const rank = ranks.get(row.table) ?? ranks.size;
    ranks.set(row.table, rank);
    return {rank, ...row, spread_kind: spreadKind};
  });
}

export async function isCurrent(connection: DuckDBConnection, {digest}: BaselineRows): Promise<boolean> {
  const found = await stateOf(connection);
  return found?.number === migrations.length && found.baselines === digest;
}

/** Works on an empty file as well. Throws an `Obstacle` if a newer version wrote the file. */
export async function bringUpToDate(connection: DuckDBConnection, {rows, digest}: BaselineRows): Promise<void> {
  const state = await stateOf(connection);
  const number = state?.number ?? 0;
  if (number > migrations.length)
    throw new Obstacle(
      `a newer version of pipeline has written it (migration ${number}; this version knows ${migrations.length})`,
      'Use that version, or "pipeline db rebuild" to make it anew with this one.',
    );
  if (number === migrations.length && state?.baselines === digest) return;
  await inTransaction(connection, async () => {
    // The first makes the tables as they are now: what the others change is only in older files.
    for (const migration of number === 0 ? migrations.slice(0, 1) : migrations.slice(number))
      await connection.run(migration);
    await connection.run('delete from baselines; delete from paper_tasks;');
    await insert(connection, 'baselines', rows());
    await insert(
      connection,
      'paper_tasks',
      [...paperTasks].map(([dataset, tasks]) => ({dataset, tasks})),
    );
    await connection.run(`update migration set number = ${migrations.length}, baselines = '${digest}'`);
  });
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

/**
 * Loads DuckDB with `require`, because it is two hundred CommonJS files that re-export each other. `import` would first search all
 * of them for the names of their exports, which takes as long as everything else in a run that is up to date.
 */
import {createRequire} from 'node:module';
import type {DuckDBConnection} from '@duckdb/node-api';

export const duckdb = createRequire(import.meta.url)('@duckdb/node-api') as typeof import('@duckdb/node-api');

/** Keeps all that `work` writes, or, if it throws, nothing. */
export async function inTransaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('begin');
  try {
    const result = await work();
    await connection.run('commit');
    return result;
  } catch (error) {
    await connection.run('rollback');
    throw error;
  }
}

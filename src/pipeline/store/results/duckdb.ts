/**
 * DuckDB. By require, because it is CommonJS of two hundred files that pass on each other's exports: `import` would read them all
 * through for their names first, which takes as long as everything else that an up-to-date run does.
 */
import {createRequire} from 'node:module';
import type {DuckDBConnection} from '@duckdb/node-api';

export const duckdb = createRequire(import.meta.url)('@duckdb/node-api') as typeof import('@duckdb/node-api');

/** All that `work` writes, or nothing. */
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

/** Connections to DuckDB, each open for one piece of work: to a file to read, to a draft to write, to tables in memory. */
import {randomBytes} from 'node:crypto';
import {copyFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {DuckDBConnection} from '@duckdb/node-api';
import {duckdb} from './duckdb.ts';

type Work<T> = (connection: DuckDBConnection) => Promise<T>;

// DuckDB never fetches an extension: all that we use is built in.
const ours = {
  autoinstall_known_extensions: 'false',
  // Our texts repeat, so DuckDB would choose this compression anyway. Trying every kind for every column takes as long as
  // the rest of filing a small run.
  force_compression: 'dictionary',
};

/** Settings for the user's statements: they can't read or write files. `lock_configuration` then keeps them from changing this. */
const confined = {memory_limit: '2GB', temp_directory: '', enable_external_access: 'false'};

/** Opens a file to read it. If another program has it open for writing, we read a copy instead of waiting. */
export async function reading<T>(file: string, work: Work<T>): Promise<T> {
  const settings = {access_mode: 'READ_ONLY', ...ours, ...confined, lock_configuration: 'true'};
  try {
    return await connected(file, settings, work);
  } catch (error) {
    if (!(error as Error).message.includes('Could not set lock')) throw error;
  }
  const copy = join(tmpdir(), `pipeline-results-${randomBytes(6).toString('hex')}.duckdb`);
  try {
    copyFileSync(file, copy);
    return await connected(copy, settings, work);
  } finally {
    rmSync(copy, {force: true});
  }
}

/** Opens a file that no other process knows yet, to write it; creates it if it does not exist. */
export const drafting = <T>(file: string, work: Work<T>): Promise<T> => connected(file, ours, work);

/** Opens tables in memory: `fill` makes them, `work` reads them under the same restrictions as a file. */
export const remembering = <T>(fill: Work<unknown>, work: Work<T>): Promise<T> =>
  connected(':memory:', ours, async (connection) => {
    await fill(connection);
    for (const [name, value] of Object.entries(confined)) await connection.run(`set ${name} = '${value}'`);
    await connection.run('set lock_configuration = true');
    return work(connection);
  });

async function connected<T>(path: string, settings: Record<string, string>, work: Work<T>): Promise<T> {
  // One thread: with several, the order of additions varies, and so does the last digit of a mean or a deviation.
  const instance = await duckdb.DuckDBInstance.create(path, {...settings, threads: '1'});
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Connections to DuckDB, each for a moment: to a file that only reads, to a draft of one, and to memory. */
import {randomBytes} from 'node:crypto';
import {copyFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {DuckDBConnection} from '@duckdb/node-api';
import {duckdb} from './duckdb.ts';

type Work<T> = (connection: DuckDBConnection) => Promise<T>;

// No extension is ever fetched: what we use is built in.
const ours = {
  autoinstall_known_extensions: 'false',
  // Our texts repeat, so that this is what they are compressed by anyway: to try all ways for every column takes as long as
  // all else that filing a small run does.
  force_compression: 'dictionary',
};

/** Statements of the user's: no file is read or written. `confine` forbids to change that back. */
const confined = {memory_limit: '2GB', temp_directory: '', enable_external_access: 'false'};

/** For a statement that reads. A program that has the file open for writing doesn't hold us up: a copy is read then. */
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

/** To a file that nobody else knows yet; made where there is none. */
export const drafting = <T>(file: string, work: Work<T>): Promise<T> => connected(file, ours, work);

/** To tables in memory: `fill` makes them, `work` reads them as from a file. */
export const remembering = <T>(fill: Work<unknown>, work: Work<T>): Promise<T> =>
  connected(':memory:', ours, async (connection) => {
    await fill(connection);
    for (const [name, value] of Object.entries(confined)) await connection.run(`set ${name} = '${value}'`);
    await connection.run('set lock_configuration = true');
    return work(connection);
  });

async function connected<T>(path: string, settings: Record<string, string>, work: Work<T>): Promise<T> {
  // One thread: several add in an order that varies, and the last digit of a mean or a deviation with it.
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

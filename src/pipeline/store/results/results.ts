/** `runs/results.duckdb`: an index of what runs have measured, made from `runs/<id>/` alone and remade at any time. */
import {existsSync, readdirSync, rmSync} from 'node:fs';
import {join, resolve} from 'node:path';
import type {DuckDBConnection} from '@duckdb/node-api';
import {type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {numbersOf} from '../runs/numbers.ts';
import {readRecord} from '../runs/record.ts';
import {type ComparisonFilter, type ComparisonRow, comparisonRow} from './comparison.ts';
import {Database, type ResultsOptions} from './database.ts';
import {insert} from './insert.ts';
import {unusable} from './migrate.ts';
import {type RunRows, rowsOf} from './rows.ts';
import type {TableName} from './schema.ts';
import {type QueryLimits, type QueryResult, select} from './select.ts';

export type {ComparisonFilter, ComparisonRow} from './comparison.ts';
export type {QueryLimits, QueryResult} from './select.ts';

export interface Results {
  /** Files a run's rows, instead of those that it had. */
  ingestRun(folder: string): Promise<Result<{readonly run: string}, Problem>>;
  /** Files all runs of a folder, anew. Folders that are no whole run are told and left out. */
  rebuild(runsFolder: string): Promise<Result<Rebuilt, Problem>>;
  /** One statement that only reads, and only this database: neither files nor the network, whatever it says. */
  query(sql: string, limits?: QueryLimits): Promise<Result<QueryResult, Problem>>;
  comparisonRows(filter?: ComparisonFilter): Promise<Result<readonly ComparisonRow[], Problem>>;
  /** Lets go of a file that is held; nothing else needs it. */
  close(): void;
}

export interface Rebuilt {
  readonly runs: readonly string[];
  readonly leftOut: readonly Problem[];
  /** Where a run's record says something else than the cache, which counts. */
  readonly contradictions: readonly string[];
}

/** Nothing is opened until something is asked. */
export function openResults(path: string, options: ResultsOptions = {}): Results {
  const file = resolve(path);
  const database = new Database(file, options);
  return {
    async ingestRun(folder) {
      const record = readRecord(folder);
      if (!record.ok) return record;
      const rows = rowsOf(record.value);
      return database.write((connection) => replaceRuns(connection, [rows]).then(() => ({run: record.value.id})));
    },

    async rebuild(runsFolder) {
      const records = runFolders(runsFolder).map(readRecord);
      const whole = records.flatMap((record) => (record.ok ? [record.value] : []));
      const rebuilt = {
        runs: whole.map((record) => record.id),
        leftOut: records.flatMap((record) => (record.ok ? [] : record.failures)),
        contradictions: whole.flatMap((record) => numbersOf(record).contradictions),
      };
      const refill = async (connection: DuckDBConnection) => {
        for (const table of runTables) await connection.run(`delete from ${table}`);
        await insertRuns(connection, whole.map(rowsOf));
        return rebuilt;
      };
      const done = await database.write(refill);
      if (done.ok || !done.failures.some((problem) => problem.message.startsWith(unusable))) return done;
      // Damaged, or of a newer version: the file holds nothing that the folders do not.
      for (const name of [file, `${file}.wal`]) rmSync(name, {force: true});
      return database.write(refill);
    },

    query: (sql, limits = {}) => database.read((connection) => select(connection, sql, {one: true, ...limits})),

    async comparisonRows(filter = {}) {
      const runs = filter.runs ? `[${filter.runs.map(sqlText).join(', ')}]::varchar[]` : 'null';
      const args = [runs, ...[filter.spec, filter.table].map((text) => (text === undefined ? 'null' : sqlText(text)))];
      const sql = `select * from comparison_of(${args})
        order by dataset, learner, config, paper_row, inlier = 'mean', inlier, classifier, classifier_options, metric, definition`;
      const found = await database.read((connection) => select(connection, sql, {one: false}));
      return found.ok ? succeed(found.value.rows.map((row) => comparisonRow(found.value.columns, row))) : found;
    },

    close: () => database.close(),
  };
}

const runTables = ['runs', 'tasks', 'stages', 'metrics'] as const satisfies readonly TableName[];
async function replaceRuns(connection: DuckDBConnection, runs: readonly RunRows[]): Promise<void> {
  const ids = runs.flatMap((rows) => rows.runs.map((row) => sqlText(row['run'] as string)));
  const there = await connection.runAndReadAll(`select 1 from runs where run in (${ids}) limit 1`);
  if (there.currentRowCount > 0)
    for (const table of runTables) await connection.run(`delete from ${table} where run in (${ids})`);
  await insertRuns(connection, runs);
}

async function insertRuns(connection: DuckDBConnection, runs: readonly RunRows[]): Promise<void> {
  for (const table of runTables)
    await insert(
      connection,
      table,
      runs.flatMap((rows) => rows[table]),
    );
}

/** Folders of runs: those with a plan. Everything else in `runs/` (the cache, the database) is not looked at. */
const runFolders = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, {withFileTypes: true})
        .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'plan.json')))
        .map((entry) => join(folder, entry.name))
        .sort()
    : [];

const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

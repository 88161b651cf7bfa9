/** `runs/results.duckdb`: an index of what runs have measured. It is made from `runs/<id>/` alone and can be made anew at any time. */
import {existsSync, readdirSync} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import type {DuckDBConnection} from '@duckdb/node-api';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {numbersOf} from '../runs/numbers.ts';
import {hasEnded, readRecord, recordState} from '../runs/record.ts';
import {type ComparisonFilter, type ComparisonRow, comparisonRow} from './comparison.ts';
import {Damaged, Database, type Filed, type FiledStates, type Records, type ResultsOptions} from './database.ts';
import {insert} from './insert.ts';
import {type RunRows, rowsOf} from './rows.ts';
import {type TableName, tables} from './schema.ts';
import {type QueryLimits, type QueryResult, select} from './select.ts';

export type {ComparisonFilter, ComparisonRow} from './comparison.ts';
export type {QueryLimits, QueryResult} from './select.ts';

/**
 * Questions are answered from the file. If it is not up to date, it is first updated or made anew; if it can't be written, tables in
 * memory answer.
 */
export interface Results {
  /** Files a run's rows in place of its old ones. If that fails, other calls still work. */
  ingestRun(folder: string): Promise<Result<{readonly run: string}, Problem>>;
  /** Files all runs of the folder anew. Folders that are not a complete run are reported and left out. */
  rebuild(): Promise<Result<Filed, Problem>>;
  /** Ids of runs whose present state is not in the tables, because their records can't be read. Known after a call that reads. */
  unfiled(): readonly string[];
  /** Runs one statement, which can only read, and only this database: it reaches neither files nor the network. */
  query(sql: string, limits?: QueryLimits): Promise<Result<QueryResult, Problem>>;
  comparisonRows(filter?: ComparisonFilter): Promise<Result<readonly ComparisonRow[], Problem>>;
  /** The same of each of these runs alone, by its id. */
  comparisonsOf(runs: readonly string[]): Promise<Result<readonly (readonly ComparisonRow[])[], Problem>>;
  /** The same, together with the answers of other statements: opening the file a second time would take longer than they do. */
  comparison(
    filter: ComparisonFilter,
    also: readonly string[],
  ): Promise<Result<{readonly rows: readonly ComparisonRow[]; readonly also: readonly QueryResult[]}, Problem>>;
}

/** Opens nothing until the first call of a method. The runs are in the file's folder. */
export function openResults(path: string, options: ResultsOptions = {}): Results {
  const file = resolve(path);
  const root = dirname(file);
  const records = recordsOf(root, options.once ?? false);
  const database = new Database(file, records, options);
  const read = async <T>(
    work: (connection: DuckDBConnection) => Promise<Result<T, Problem>>,
    options?: {readonly ids?: readonly string[] | undefined; readonly early?: boolean},
  ): Promise<Result<T, Problem>> =>
    existsSync(file) || runsIn(root).length > 0
      ? database.read(work, options)
      : fail({message: 'there are no results yet', file, hint: 'Run "pipeline run <spec>" first.'});
  const answersOf = (
    sqls: readonly string[],
    ids: readonly string[] | undefined,
  ): Promise<Result<readonly QueryResult[], Problem>> => {
    const work = async (connection: DuckDBConnection): Promise<Result<readonly QueryResult[], Problem>> => {
      const answers: QueryResult[] = [];
      for (const one of sqls) {
        const answer = await select(connection, one, {one: false});
        if (!answer.ok) return answer;
        answers.push(answer.value);
      }
      return succeed(answers);
    };
    return read(work, {ids, early: true});
  };
  const comparison: Results['comparison'] = async (filter, also) => {
    const found = await answersOf([comparisonSql(filter), ...also], filter.runs);
    if (!found.ok) return found;
    const [compared, ...others] = found.value;
    return succeed({rows: rowsIn(compared!), also: others});
  };
  return {
    async ingestRun(folder) {
      const run = basename(resolve(folder));
      const filed = await database.write({again: [run]});
      if (!filed.ok) return filed;
      return filed.value.runs.includes(run) ? succeed({run}) : fail(...filed.value.leftOut);
    },

    rebuild: () => database.write({anew: true}),

    unfiled: () => records.unfiled(),

    query: (sql, limits = {}) =>
      read(async (connection) => {
        const found = await select(connection, sql, {one: true, ...limits});
        // If the file is damaged, this read throws as well; otherwise the user's statement was wrong.
        if (!found.ok) await readThrough(connection);
        return found;
      }),

    comparison,

    async comparisonsOf(runs) {
      const found = await answersOf(
        runs.map((run) => comparisonSql({runs: [run]})),
        runs,
      );
      return found.ok ? succeed(found.value.map(rowsIn)) : found;
    },

    async comparisonRows(filter = {}) {
      const found = await comparison(filter, []);
      return found.ok ? succeed(found.value.rows) : found;
    },
  };
}

function comparisonSql({runs, spec, table}: ComparisonFilter): string {
  const ids = runs ? `[${runs.map(sqlText).join(', ')}]::varchar[]` : 'null';
  const args = [ids, ...[spec, table].map((text) => (text === undefined ? 'null' : sqlText(text)))];
  return `select * from comparison_of(${args})
    order by dataset, learner, config, paper_row, inlier = 'mean', inlier, classifier, classifier_options, metric, definition`;
}

const rowsIn = ({columns, rows}: QueryResult): readonly ComparisonRow[] =>
  rows.map((row) => comparisonRow(columns, row));

/** Reads all tables to their ends; throws if that is not possible. */
async function readThrough(connection: DuckDBConnection): Promise<void> {
  try {
    for (const table of Object.keys(tables)) await connection.run(`select count(hash(t)) from ${table} as t`);
  } catch (error) {
    throw new Damaged((error as Error).message);
  }
}

/** Finds and files the runs of a folder. */
function recordsOf(root: string, once: boolean): Records & Pick<Results, 'unfiled'> {
  let seen = false;
  let unfiled: readonly string[] = [];
  const file = async (connection: DuckDBConnection, ids: readonly string[]): Promise<Filed> => {
    const read = ids.map((id) => readRows(join(root, id)));
    const whole = read.flatMap((one) => (one.ok ? [one.value] : []));
    const rows = whole.map((one) => one.rows);
    await replaceRuns(connection, rows);
    return {
      runs: rows.flatMap(({runs}) => runs.map((row) => row['run'] as string)),
      leftOut: read.flatMap((one) => (one.ok ? [] : one.failures)),
      contradictions: whole.flatMap((one) => one.contradictions),
    };
  };
  /** Runs that the file lacks, or has in an older state. Runs that are still going on are left out, unless the file has none. */
  const missing = (filed: FiledStates): readonly string[] =>
    foldersIn(root).filter((id) => {
      const folder = join(root, id);
      const state = filed.get(id);
      if (state !== undefined) return state !== recordState(folder);
      return isRun(folder) && (filed.size === 0 || hasEnded(folder));
    });
  const filed = async (connection: DuckDBConnection): Promise<FiledStates> => {
    // As one text, because thousands of rows take DuckDB's binding longer than everything else here.
    const found = await connection.runAndReadAll(
      "select json_group_object(run, record)::varchar from runs where outcome <> 'unfinished'",
    );
    const [text] = found.getRowsJS()[0]!;
    return new Map(
      Object.entries(JSON.parse((text as string | null) ?? '{}') as {readonly [run: string]: string | null}),
    );
  };
  return {
    filed,
    // A record that can't be read can't be filed, so it does not count here; rows that were filed from it before stay.
    areFiled(filed) {
      if (once && seen) return true;
      unfiled = missing(filed);
      seen = !unfiled.some((id) => readRecord(join(root, id)).ok);
      return seen;
    },
    async file(connection, again) {
      return file(connection, [...new Set([...missing(await filed(connection)), ...again])]);
    },
    async fileOnly(connection, ids = runsIn(root)) {
      unfiled = [];
      return file(connection, ids);
    },
    unfiled: () => unfiled,
  };
}

function readRows(folder: string): Result<{rows: RunRows; contradictions: readonly string[]}, Problem> {
  // Taken before the record is read: if the record changes meanwhile, it is filed again.
  const state = recordState(folder);
  const record = readRecord(folder);
  if (!record.ok) return record;
  return succeed({rows: rowsOf(record.value, state), contradictions: numbersOf(record.value).contradictions});
}

/** Ids of runs: the names of folders with a plan. Everything else in `runs/` (the cache, the database) is ignored. */
const runsIn = (root: string): readonly string[] => foldersIn(root).filter((id) => isRun(join(root, id)));

const isRun = (folder: string): boolean => existsSync(join(folder, 'plan.json'));

const foldersIn = (root: string): readonly string[] =>
  existsSync(root)
    ? readdirSync(root, {withFileTypes: true})
        .filter((entry) => entry.isDirectory())
        .map(({name}) => name)
        .sort()
    : [];

const runTables = ['runs', 'tasks', 'stages', 'metrics', 'kinds'] as const satisfies readonly TableName[];
async function replaceRuns(connection: DuckDBConnection, runs: readonly RunRows[]): Promise<void> {
  const ids = runs.flatMap((rows) => rows.runs.map((row) => sqlText(row['run'] as string)));
  if (runs.length === 0) return;
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

const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

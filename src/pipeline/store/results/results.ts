/**
 * `runs/results.duckdb`: an index of what runs have measured, made from `runs/<id>/` alone and remade at any time. The file is open for moments only, because DuckDB refuses even readers while a writer has it.
 */
import {existsSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api';
import {sha256} from '../../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {readRecord} from '../runs/record.ts';
import {type Baseline, paperTasks, readBaselines} from './baselines.ts';
import {type ComparisonFilter, type ComparisonRow, comparisonRow} from './comparison.ts';
import {duckdb} from './duckdb.ts';
import {insert} from './insert.ts';
import {type RunRows, rowsOf} from './rows.ts';
import {migrations, type Row, type TableName} from './schema.ts';

export type {ComparisonFilter, ComparisonRow} from './comparison.ts';

export interface ResultsOptions {
  /** How long to wait for another process that holds the file. */
  readonly waitSeconds?: number;
  /** Told once when it has to wait. */
  readonly report?: (message: string) => void;
  readonly baselines?: readonly Baseline[];
  /** What a write has opened stays open, for all that is asked afterwards, until `close`. */
  readonly hold?: boolean;
}

export interface QueryResult {
  readonly columns: readonly {readonly name: string; readonly type: string}[];
  readonly rows: readonly (readonly unknown[])[];
  /** There are more rows than were asked for. */
  readonly more?: true;
}

/** Absent: as much as it takes. */
export interface QueryLimits {
  readonly rows?: number;
  readonly seconds?: number;
}

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
}

/** Nothing is opened until something is asked. */
export function openResults(path: string, options: ResultsOptions = {}): Results {
  const file = resolve(path);
  const store = new Store(file, options);
  return {
    async ingestRun(folder) {
      const record = readRecord(folder);
      if (!record.ok) return record;
      const rows = rowsOf(record.value);
      return store.write((connection) => replaceRuns(connection, [rows]).then(() => ({run: record.value.id})));
    },

    async rebuild(runsFolder) {
      const records = runFolders(runsFolder).map(readRecord);
      const whole = records.flatMap((record) => (record.ok ? [record.value] : []));
      const rebuilt = {
        runs: whole.map((record) => record.id),
        leftOut: records.flatMap((record) => (record.ok ? [] : record.failures)),
      };
      const refill = async (connection: DuckDBConnection) => {
        for (const table of runTables) await connection.run(`delete from ${table}`);
        await insertRuns(connection, whole.map(rowsOf));
        return rebuilt;
      };
      const done = await store.write(refill);
      if (done.ok || !done.failures.some((problem) => problem.message.startsWith(unusable))) return done;
      // Damaged, or of a newer version: the file holds nothing that the folders do not.
      for (const name of [file, `${file}.wal`]) rmSync(name, {force: true});
      return store.write(refill);
    },

    query: (sql, limits = {}) => store.read((connection) => select(connection, sql, {one: true, ...limits})),

    async comparisonRows(filter = {}) {
      const runs = filter.runs ? `[${filter.runs.map(sqlText).join(', ')}]::varchar[]` : 'null';
      const args = [runs, ...[filter.spec, filter.table].map((text) => (text === undefined ? 'null' : sqlText(text)))];
      const sql = `select * from comparison_of(${args})
        order by dataset, learner, config, paper_row, inlier = 'mean', inlier, classifier, classifier_options, metric, definition`;
      const found = await store.read((connection) => select(connection, sql, {one: false}));
      return found.ok ? succeed(found.value.rows.map((row) => comparisonRow(found.value.columns, row))) : found;
    },

    close: () => store.close(),
  };
}

const runTables = ['runs', 'tasks', 'stages', 'metrics'] as const satisfies readonly TableName[];
/** How messages of a file that `rebuild` may replace begin. */
const unusable = 'the results database cannot be used: ';

/** Opens, brings up to date, closes. In this process one at a time: DuckDB's own lock is between processes only. */
class Store {
  readonly #file: string;
  readonly #options: ResultsOptions;
  static readonly #queues = new Map<string, Promise<unknown>>();
  #held: {readonly instance: DuckDBInstance; readonly connection: DuckDBConnection} | undefined;

  constructor(file: string, options: ResultsOptions) {
    this.#file = file;
    this.#options = options;
  }

  write<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<Result<T, Problem>> {
    return this.#queued(async () => {
      mkdirSync(dirname(this.#file), {recursive: true});
      return this.#withConnection('READ_WRITE', async (connection) => {
        const current = await this.#bringUpToDate(connection);
        return current.ok ? succeed(await inTransaction(connection, () => work(connection))) : current;
      });
    });
  }

  read<T>(work: (connection: DuckDBConnection) => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
    return this.#queued(async () => {
      if (!existsSync(this.#file))
        return fail({
          message: 'there are no results yet',
          file: this.#file,
          hint: 'Run "pipeline run <spec>" first; if there are runs, "pipeline db rebuild" files them.',
        });
      if (this.#held) return work(this.#held.connection);
      const first = await this.#withConnection('READ_ONLY', async (connection) =>
        (await this.#isCurrent(connection)) ? {done: await work(connection)} : {done: undefined},
      );
      if (!('done' in first)) return first;
      if (first.done) return first.done;
      const updated = await this.#withConnection('READ_WRITE', (connection) => this.#bringUpToDate(connection));
      return updated.ok ? this.#withConnection('READ_ONLY', work) : updated;
    });
  }

  close(): void {
    this.#held?.connection.closeSync();
    this.#held?.instance.closeSync();
    this.#held = undefined;
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const turn = (Store.#queues.get(this.#file) ?? Promise.resolve()).then(work, work);
    Store.#queues.set(this.#file, turn);
    return turn;
  }

  async #withConnection<T>(
    mode: 'READ_ONLY' | 'READ_WRITE',
    work: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T | {readonly ok: false; readonly failures: readonly Problem[]}> {
    if (this.#held) return work(this.#held.connection);
    const opened = await this.#open(mode);
    if (!opened.ok) return opened;
    const instance = opened.value;
    if (this.#options.hold && mode === 'READ_WRITE') {
      this.#held = {instance, connection: await instance.connect()};
      return work(this.#held.connection);
    }
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

  async #open(mode: 'READ_ONLY' | 'READ_WRITE'): Promise<Result<DuckDBInstance, Problem>> {
    const deadline = Date.now() + (this.#options.waitSeconds ?? 30) * 1000;
    for (let pause = 50; ; pause = Math.min(2 * pause, 1000)) {
      try {
        return succeed(await duckdb.DuckDBInstance.create(this.#file, {access_mode: mode, ...settings[mode]}));
      } catch (error) {
        const message = (error as Error).message;
        const holder = /Conflicting lock is held in (.+?)\. See/s.exec(message)?.[1] ?? 'another process';
        if (!message.includes('Could not set lock')) return fail(this.#cannotOpen(message));
        if (pause === 50) this.#options.report?.(`waiting for ${this.#file}, which ${holder} has open`);
        if (Date.now() + pause > deadline)
          return fail({
            message: `the results database is in use by ${holder}`,
            file: this.#file,
            hint: 'Try again when it is done. No result is lost: "pipeline db rebuild" files every run in the folder.',
          });
        await wait(pause);
      }
    }
  }

  #cannotOpen(message: string): Problem {
    if (message.includes('not a valid DuckDB database'))
      return {
        message: `${unusable}the file is not a DuckDB database`,
        file: this.#file,
        hint: '"pipeline db rebuild" makes it anew from the runs.',
      };
    return {message: `the results database cannot be opened: ${firstLine(message)}`, file: this.#file};
  }

  async #isCurrent(connection: DuckDBConnection): Promise<boolean> {
    const found = await stateOf(connection);
    return found?.number === migrations.length && found.baselines === this.#baselines().digest;
  }

  async #bringUpToDate(connection: DuckDBConnection): Promise<Result<void, Problem>> {
    const state = await stateOf(connection);
    const number = state?.number ?? 0;
    if (number > migrations.length)
      return fail({
        message: `${unusable}it is of migration ${number}, and this version knows only ${migrations.length}`,
        file: this.#file,
        hint: 'Use the newer version of pipeline that wrote it, or "pipeline db rebuild" to make it anew with this one.',
      });
    const {rows, digest} = this.#baselines();
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

  #known: {readonly rows: readonly Row[]; readonly digest: string} | undefined;
  #baselines() {
    this.#known ??= baselineRows(this.#options.baselines ?? readBaselines());
    return this.#known;
  }
}

function baselineRows(baselines: readonly Baseline[]) {
  const ranks = new Map<string, number>();
  const rows = baselines.map(({spreadKind, ...row}) => {
    const rank = ranks.get(row.table) ?? ranks.size;
    ranks.set(row.table, rank);
    return {rank, ...row, spread_kind: spreadKind};
  });
  // Not canonical, which takes longer: the parts are ours, and always in this order.
  return {rows, digest: sha256(JSON.stringify([rows, [...paperTasks]]))};
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

async function inTransaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
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

// No extension is ever fetched: what we use is built in.
const settings = {
  READ_WRITE: {
    autoinstall_known_extensions: 'false',
    // Our texts repeat, so that this is what they are compressed by anyway: to try all ways for every column takes as long as
    // all else that filing a small run does.
    force_compression: 'dictionary',
  },
  // Statements of the user's: no file is read or written, and no setting changed back. The lock comes last.
  READ_ONLY: {
    autoinstall_known_extensions: 'false',
    memory_limit: '2GB',
    temp_directory: '',
    enable_external_access: 'false',
    lock_configuration: 'true',
  },
} as const;

const reading = [duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN];

/** Runs a statement of the user's (`one`: checked to be one that reads) or of ours. */
async function select(
  connection: DuckDBConnection,
  sql: string,
  {one, rows = Number.POSITIVE_INFINITY, seconds}: {readonly one: boolean} & QueryLimits,
): Promise<Result<QueryResult, Problem>> {
  const timer = seconds === undefined ? undefined : setTimeout(() => connection.interrupt(), 1000 * seconds);
  try {
    if (one) {
      if (sql.trim() === '') return fail({message: 'expected one SQL statement, but got none'});
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1) return fail({message: `expected one SQL statement, but got ${statements.count}`});
      const {statementType} = await statements.prepare(0);
      if (!reading.includes(statementType))
        return fail({
          message: `expected a statement that reads, but got ${duckdb.StatementType[statementType]}`,
          hint: 'The database is made from the runs and only read here; start with SELECT, FROM, DESCRIBE or SHOW.',
        });
    }
    const reader = await connection.streamAndReadUntil(sql, rows + 1);
    const types = reader.columnTypes();
    const read = reader.getRowsJS();
    return succeed({
      columns: reader.columnNames().map((name, at) => ({name, type: String(types[at])})),
      rows: read.slice(0, rows).map((row) => row.map(plain)),
      ...(read.length > rows && {more: true}),
    });
  } catch (error) {
    if (!one) throw error;
    const message = (error as Error).message.trim();
    if (message.startsWith('INTERRUPT'))
      return fail({
        message: `the query took more than ${seconds} s and was stopped`,
        hint: 'Ask for less, or give it all the time it wants: pipeline query "<sql>".',
      });
    const locked = message.includes('disabled by configuration') || message.includes('disabled through configuration');
    return fail({message, ...(locked && {hint: 'A query sees the results database alone.'})});
  } finally {
    clearTimeout(timer);
  }
}

/** Numbers instead of bigints where they are exact, ISO text instead of dates. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
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
const firstLine = (text: string) => text.split('\n')[0]!;

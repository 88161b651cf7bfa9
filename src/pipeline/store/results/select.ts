/** Runs one statement that reads, and returns its rows as plain values. */
import type {DuckDBConnection} from '@duckdb/node-api';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {duckdb} from './duckdb.ts';

export interface QueryResult {
  readonly columns: readonly {readonly name: string; readonly type: string}[];
  readonly rows: readonly (readonly unknown[])[];
  /** There are more rows than were asked for. */
  readonly more?: true;
}

export interface QueryLimits {
  /** The most rows to return; absent: all. */
  readonly rows?: number;
  /** Called when the statement is about to begin. */
  onBegin?(): void;
}

const reading = [duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN];

/** `one`: the statement is the user's, and must be a single one that reads; its errors are failures. Errors of ours are thrown. */
export async function select(
  connection: DuckDBConnection,
  sql: string,
  {one, rows = Number.POSITIVE_INFINITY, onBegin}: {readonly one: boolean} & QueryLimits,
): Promise<Result<QueryResult, Problem>> {
  try {
    onBegin?.(); // DuckDB computes constants while it prepares a statement
    if (one) {
      if (sql.trim() === '') return fail({message: 'expected one SQL statement, but got none'});
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1) return fail({message: `expected one SQL statement, but got ${statements.count}`});
      const {statementType} = await statements.prepare(0);
      if (!reading.includes(statementType))
        return fail({
          message: `expected a statement that reads, but got ${duckdb.StatementType[statementType]}`,
          hint: 'A query can only read the database; start with SELECT, FROM, DESCRIBE or SHOW.',
        });
    }
    // Ours are computed in one go, in a thread of DuckDB, while this one can do something else. The user's may return millions of rows.
    const reader = await (one ? connection.streamAndReadUntil(sql, rows + 1) : connection.runAndReadAll(sql));
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
    const locked = message.includes('disabled by configuration') || message.includes('disabled through configuration');
    return fail({message, ...(locked && {hint: 'A query can only read the results database.'})});
  }
}

/** Makes bigints numbers if they stay exact, otherwise text; makes dates ISO 8601 text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

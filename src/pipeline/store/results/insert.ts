/** Inserts rows into a table of the results database. */
import type {DuckDBConnection, DuckDBType, DuckDBValue} from '@duckdb/node-api';
import {duckdb} from './duckdb.ts';
import {type Cell, type Row, type TableName, tables} from './schema.ts';

const {BIGINT, BOOLEAN, DOUBLE, INTEGER, VARCHAR, LIST} = duckdb;

/** Rows in one chunk: the size of DuckDB's vectors. */
const chunkRows = 2048;

const columnTypes: {readonly [type: string]: DuckDBType} = {
  VARCHAR,
  DOUBLE,
  INTEGER,
  BIGINT,
  BOOLEAN,
  'VARCHAR[]': LIST(VARCHAR),
  'BIGINT[]': LIST(BIGINT),
};

/**
 * Inserts column by column, in chunks: for a hundred thousand rows, single inserts take minutes, and one JSON text takes about twice
 * as long as chunks. Columns are in the order of `tables`: a migration adds its columns at the end of both.
 */
export async function insert(connection: DuckDBConnection, table: TableName, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.entries(tables[table]);
  const types = columns.map(([, type]) => columnTypes[type]!);
  const appender = await connection.createAppender(table);
  try {
    for (let from = 0; from < rows.length; from += chunkRows) {
      const some = rows.slice(from, from + chunkRows);
      const chunk = duckdb.DuckDBDataChunk.create(types, some.length);
      chunk.setColumns(columns.map(([column, type]) => some.map((row) => stored(row[column] ?? null, type))));
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}

function stored(value: Cell, type: string): DuckDBValue {
  if (Array.isArray(value))
    return duckdb.listValue(value.map((item: string | number) => stored(item, type.slice(0, -2))));
  return type === 'BIGINT' && value !== null ? BigInt(value as number) : (value as DuckDBValue);
}

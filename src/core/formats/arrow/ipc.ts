/**
 * Arrow files ↔ typed arrays, one record batch at a time. The only importer of apache-arrow, which the first table loads: a file
 * that uses tables can be imported, to plan with it, at no cost.
 */
import {type FileHandle, open} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {basename} from 'node:path';
import type * as Arrow from 'apache-arrow';
import {messageOf} from '../../base/thrown.ts';
import type {Column, ColumnType, TableKind} from './columns.ts';

/** Values of a `list` column: row i has those from `offsets[i]` to `offsets[i + 1]`; rows + 1 offsets. */
export interface Lists {
  readonly offsets: Int32Array;
  readonly values: Int32Array | Float32Array;
}

export type ColumnValues = Uint8Array | Int32Array | Float32Array | Float64Array | readonly string[] | Lists;

export interface TableWriter {
  /** Appends one record batch. The values may be reused by the caller once this has resolved. */
  write(rows: number, columns: {readonly [name: string]: ColumnValues}): Promise<void>;
  /** Ends the file; without it there is none to read. */
  close(): Promise<void>;
  /** Gives up: closes the file as it is. */
  abort(): Promise<void>;
}

export interface Batch {
  readonly rows: number;
  /** Fresh for each batch; float64 with NaN for null. */
  column(name: string): ColumnValues;
}

export interface TableReader {
  readonly columns: readonly Column[];
  readonly metadata: ReadonlyMap<string, string>;
  batches(): AsyncIterable<Batch>;
  close(): Promise<void>;
}

const kindKey = 'pipeline.table';
const magic = 'ARROW1';

/** apache-arrow; undefined until a table has been created or opened. */
let arrow: typeof Arrow;

/** The package's bundle of itself in one file: the modules are 146 files, which take four times as long to load. */
function loadArrow(): void {
  arrow ??= createRequire(import.meta.url)('apache-arrow/Arrow.esnext.min') as typeof Arrow;
}

/** Arrow's writer pushes into a queue; this one is emptied into the file after each batch, so that memory stays bounded. */
function createOutbox() {
  class Outbox extends arrow.AsyncByteQueue {
    #chunks: Uint8Array[] = [];

    override write(value: Uint8Array): void {
      if (value.byteLength > 0) this.#chunks.push(value);
    }

    take(): readonly Uint8Array[] {
      const chunks = this.#chunks;
      this.#chunks = [];
      return chunks;
    }
  }
  return new Outbox();
}

/** A new Arrow file. Equal values in equal batches give equal bytes. */
export async function createTable(
  path: string,
  kind: TableKind,
  columns: readonly Column[],
  metadata: {readonly [key: string]: string} = {},
): Promise<TableWriter> {
  loadArrow();
  const schema = new arrow.Schema(columns.map(fieldOf), new Map(Object.entries({[kindKey]: kind, ...metadata})));
  const file = await naming(path, 'write', () => open(path, 'wx'));
  const outbox = createOutbox();
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(outbox, schema);
  const flush = () =>
    naming(path, 'write', async () => {
      for (const chunk of outbox.take()) await writeAll(file, chunk);
    });
  return {
    async write(rows, values) {
      const children = columns.map((column, i) => dataOf(schema.fields[i]!.type, rows, values[column.name]!, column));
      const data = arrow.makeData({type: new arrow.Struct(schema.fields), length: rows, nullCount: 0, children});
      writer.write(new arrow.RecordBatch(schema, data));
      await flush();
    },
    async close() {
      writer.finish();
      try {
        await flush();
      } finally {
        await file.close();
      }
    },
    abort: () => file.close(),
  };
}

/** Opens a file written by `createTable`. Throws an error that names the file if it is of another kind or damaged. */
export async function openTable(path: string, kind: TableKind): Promise<TableReader> {
  loadArrow();
  const file = await naming(path, 'read', () => open(path, 'r'));
  try {
    await checkMagic(file);
    const reader = (await arrow.RecordBatchReader.from(file)) as Arrow.AsyncRecordBatchFileReader;
    await reader.open({autoDestroy: false});
    const {metadata, fields} = reader.schema;
    const found = metadata.get(kindKey);
    if (found !== kind) throw new Error(`expected a table of ${kind}, but got ${found ?? 'one of another program'}`);
    return {
      metadata,
      columns: fields.map(columnOf),
      async *batches() {
        for (let i = 0; i < reader.numRecordBatches; i++) {
          const batch = await naming(path, 'read', () => reader.readRecordBatch(i));
          if (!batch) throw new Error(`cannot read ${path}: its batch ${i} is missing`);
          yield {rows: batch.numRows, column: (name) => valuesOf(childOf(batch, name), batch.numRows)};
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw new Error(`cannot read ${path}: ${messageOf(error)}`, {cause: error});
  }
}

/** Calls `use` with the open table and closes it. */
export async function withTable<T>(path: string, kind: TableKind, use: (table: TableReader) => Promise<T>): Promise<T> {
  const table = await openTable(path, kind);
  try {
    return await use(table);
  } finally {
    await table.close();
  }
}

/** Writes a table that fits in memory as one record batch. */
export async function writeTable(
  path: string,
  kind: TableKind,
  columns: readonly Column[],
  rows: number,
  values: {readonly [name: string]: ColumnValues},
  metadata: {readonly [key: string]: string} = {},
): Promise<void> {
  const table = await createTable(path, kind, columns, metadata);
  try {
    if (rows > 0) await table.write(rows, values);
  } catch (error) {
    await table.abort();
    throw error;
  }
  await table.close();
}

const descriptionKey = 'description';

function fieldOf({name, type, description, nullable}: Column): Arrow.Field {
  const metadata = new Map([[descriptionKey, description]]);
  if (typeof type === 'object' && 'tensor' in type) {
    metadata.set('ARROW:extension:name', 'arrow.fixed_shape_tensor');
    metadata.set('ARROW:extension:metadata', JSON.stringify({shape: type.shape}));
  }
  return new arrow.Field(name, arrowType(type), nullable ?? false, metadata);
}

function arrowType(type: ColumnType): Arrow.DataType {
  if (type === 'int32') return new arrow.Int32();
  if (type === 'float64') return new arrow.Float64();
  if (type === 'utf8') return new arrow.Utf8();
  if ('list' in type)
    return new arrow.List(
      new arrow.Field('item', type.list === 'int32' ? new arrow.Int32() : new arrow.Float32(), false),
    );
  const size = type.shape.reduce((a, b) => a * b, 1);
  return new arrow.FixedSizeList(
    size,
    new arrow.Field('item', type.tensor === 'uint8' ? new arrow.Uint8() : new arrow.Float32(), false),
  );
}

function columnOf(field: Arrow.Field): Column {
  const extension = field.metadata.get('ARROW:extension:metadata');
  const item = field.type.children?.[0]?.type;
  const description = field.metadata.get(descriptionKey) ?? '';
  const {name, type} = field;
  if (type instanceof arrow.FixedSizeList && extension !== undefined) {
    const {shape} = JSON.parse(extension) as {shape: readonly number[]};
    return {name, description, type: {tensor: item instanceof arrow.Uint8 ? 'uint8' : 'float32', shape}};
  }
  if (type instanceof arrow.List)
    return {name, description, type: {list: item instanceof arrow.Int32 ? 'int32' : 'float32'}};
  return {
    name,
    description,
    type: type instanceof arrow.Int32 ? 'int32' : type instanceof arrow.Utf8 ? 'utf8' : 'float64',
  };
}

const itemData = (values: Uint8Array | Int32Array | Float32Array): Arrow.Data =>
  values instanceof Uint8Array
    ? arrow.makeData({type: new arrow.Uint8(), data: values, nullCount: 0})
    : values instanceof Int32Array
      ? arrow.makeData({type: new arrow.Int32(), data: values, nullCount: 0})
      : arrow.makeData({type: new arrow.Float32(), data: values, nullCount: 0});

function dataOf(type: Arrow.DataType, length: number, values: ColumnValues, {name, nullable}: Column): Arrow.Data {
  const nullCount = 0;
  if (type instanceof arrow.FixedSizeList) {
    const flat = values as Uint8Array | Float32Array;
    if (flat.length !== length * type.listSize) {
      throw new Error(`column "${name}" has ${flat.length} values for ${length} rows of ${type.listSize}`);
    }
    return arrow.makeData({type, length, nullCount, child: itemData(flat)});
  }
  if (type instanceof arrow.List) {
    const {offsets, values: flat} = values as Lists;
    return arrow.makeData({type, length, nullCount, valueOffsets: offsets, child: itemData(flat)});
  }
  if (type instanceof arrow.Utf8) return textData(type, values as readonly string[]);
  if (type instanceof arrow.Int32) return arrow.makeData({type, length, nullCount, data: values as Int32Array});
  const data = values as Float64Array;
  return arrow.makeData({type: type as Arrow.Float64, length, data, ...(nullable ? validity(data) : {nullCount})});
}

function textData(type: Arrow.Utf8, texts: readonly string[]): Arrow.Data {
  const parts = texts.map((text) => Buffer.from(text));
  const valueOffsets = new Int32Array(texts.length + 1);
  parts.forEach((part, i) => {
    valueOffsets[i + 1] = valueOffsets[i]! + part.byteLength;
  });
  return arrow.makeData({type, length: texts.length, nullCount: 0, valueOffsets, data: Buffer.concat(parts)});
}

function validity(values: Float64Array): {nullCount: number; nullBitmap: Uint8Array} {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  values.forEach((value, i) => {
    if (Number.isNaN(value)) nullCount++;
    else nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  return {nullCount, nullBitmap};
}

function childOf(batch: Arrow.RecordBatch, name: string): Arrow.Data {
  const index = batch.schema.fields.findIndex((field) => field.name === name);
  if (index < 0) throw new Error(`the table has no column "${name}"`);
  return batch.data.children[index]!;
}

// Buffers are padded to eight bytes and so may hold more values than rows.
function valuesOf(data: Arrow.Data, rows: number): ColumnValues {
  const {type} = data;
  if (type instanceof arrow.FixedSizeList) return data.children[0]!.values.subarray(0, rows * type.listSize);
  if (type instanceof arrow.List) {
    const offsets = (data.valueOffsets as Int32Array).subarray(0, rows + 1);
    return {offsets, values: data.children[0]!.values.subarray(0, offsets[rows])};
  }
  if (type instanceof arrow.Utf8) {
    const offsets = data.valueOffsets as Int32Array;
    const bytes = Buffer.from(data.values.buffer, data.values.byteOffset, data.values.byteLength);
    return Array.from({length: rows}, (_, i) => bytes.toString('utf8', offsets[i], offsets[i + 1]));
  }
  const values = data.values.subarray(0, rows);
  if (data.nullCount === 0) return values;
  return Float64Array.from(values, (value: number, i) =>
    (data.nullBitmap![i >> 3]! >> (i & 7)) & 1 ? value : Number.NaN,
  );
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

// Without it at both ends Arrow's reader takes the file for something else, or returns nothing at all.
async function checkMagic(file: FileHandle): Promise<void> {
  const {size} = await file.stat();
  const ends = await Promise.all(
    [0, size - magic.length].map(async (position) => {
      if (position < 0) return '';
      const {buffer, bytesRead} = await file.read(Buffer.alloc(magic.length), 0, magic.length, position);
      return buffer.toString('latin1', 0, bytesRead);
    }),
  );
  if (ends.some((end) => end !== magic)) throw new Error('it is not an Arrow file, or it is incomplete');
}

async function naming<T>(path: string, verb: 'read' | 'write', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`cannot ${verb} ${verb === 'write' ? basename(path) : path}: ${messageOf(error)}`, {cause: error});
  }
}

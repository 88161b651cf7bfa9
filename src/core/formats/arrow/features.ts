/** Features with the classes of their images as an Arrow file; written as they come, read as one matrix. */
import type {Matrix} from '../../contracts/data.ts';
import {classNamesKey, featureColumns, gridKey} from './columns.ts';
import {classNamesOf} from './images.ts';
import {createTable, openTable, type TableReader, withTable} from './ipc.ts';

export interface FeatureChunk {
  readonly features: Matrix;
  /** One a row, index into the class names. */
  readonly classes: Int32Array;
}

/** Each chunk becomes a record batch. Resolves to the number of rows; `columns` is the width, needed when there are none. */
export async function writeFeatures(
  path: string,
  chunks: AsyncIterable<FeatureChunk> | Iterable<FeatureChunk>,
  {columns, classNames, grid}: Pick<FeaturesInfo, 'columns' | 'classNames' | 'grid'>,
): Promise<number> {
  const metadata = {[classNamesKey]: JSON.stringify(classNames), ...(grid && {[gridKey]: JSON.stringify(grid)})};
  const table = await createTable(path, 'features', featureColumns(columns), metadata);
  let rows = 0;
  try {
    for await (const {features, classes} of chunks) {
      if (features.columns !== columns)
        throw new Error(`expected ${columns} features in each row, but got ${features.columns}`);
      if (features.rows !== classes.length)
        throw new Error(`${features.rows} rows of features for ${classes.length} images`);
      if (features.rows === 0) continue;
      await table.write(features.rows, {feature: features.data, class: classes});
      rows += features.rows;
    }
  } catch (error) {
    await table.abort();
    throw error;
  }
  await table.close();
  return rows;
}

export interface FeaturesInfo {
  readonly rows: number;
  readonly columns: number;
  /** One a row, index into the class names. */
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
  /** If rows are places of maps, image by image, row by row: height and width of each image's grid. */
  readonly grid?: Grid | undefined;
}

export type Grid = readonly [height: number, width: number];

/** What there is to know before the features themselves are read. */
export const featuresInfo = (path: string): Promise<FeaturesInfo> =>
  withTable(path, 'features', async (table) => {
    const parts: Int32Array[] = [];
    for await (const batch of table.batches()) parts.push(batch.column('class') as Int32Array);
    const classes = new Int32Array(parts.reduce((rows, part) => rows + part.length, 0));
    let row = 0;
    for (const part of parts) {
      classes.set(part, row);
      row += part.length;
    }
    const grid = table.metadata.get(gridKey);
    return {
      rows: classes.length,
      columns: widthOf(table),
      classes,
      classNames: classNamesOf(table),
      ...(grid !== undefined && {grid: JSON.parse(grid) as Grid}),
    };
  });

/** Record batches as they were written: for files that do not fit in memory. */
export async function* streamFeatures(path: string): AsyncGenerator<FeatureChunk> {
  const table = await openTable(path, 'features');
  try {
    const columns = widthOf(table);
    for await (const batch of table.batches()) {
      const data = batch.column('feature') as Float32Array;
      yield {features: {rows: batch.rows, columns, data}, classes: batch.column('class') as Int32Array};
    }
  } finally {
    await table.close();
  }
}

export interface Features {
  readonly features: Matrix;
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
}

export const readFeatures = (path: string): Promise<Features> =>
  withTable(path, 'features', async (table) => {
    const columns = widthOf(table);
    let rows = 0;
    // Read twice, so that the whole is in memory once: the second time from the system's cache.
    for await (const batch of table.batches()) rows += batch.rows;
    const data = new Float32Array(rows * columns);
    const classes = new Int32Array(rows);
    let row = 0;
    for await (const batch of table.batches()) {
      data.set(batch.column('feature') as Float32Array, row * columns);
      classes.set(batch.column('class') as Int32Array, row);
      row += batch.rows;
    }
    return {features: {rows, columns, data}, classes, classNames: classNamesOf(table)};
  });

function widthOf(table: TableReader): number {
  const type = table.columns.find(({name}) => name === 'feature')?.type;
  return typeof type === 'object' && 'tensor' in type ? type.shape[0]! : 0;
}

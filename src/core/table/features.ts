/** Features with the classes of their images as an Arrow file; written as they come, read as one matrix. */
import type {Matrix} from '../plugin/contracts.ts';
import {classNamesKey, featureColumns} from './columns.ts';
import {classNamesOf} from './images.ts';
import {createTable, withTable} from './ipc.ts';

export interface FeatureChunk {
  readonly features: Matrix;
  /** One a row, index into the class names. */
  readonly classes: Int32Array;
}

/** Each chunk becomes a record batch. Resolves to the number of rows; `columns` is the width, needed when there are none. */
export async function writeFeatures(
  path: string,
  chunks: AsyncIterable<FeatureChunk> | Iterable<FeatureChunk>,
  {columns, classNames}: {readonly columns: number; readonly classNames: readonly string[]},
): Promise<number> {
  const metadata = {[classNamesKey]: JSON.stringify(classNames)};
  const table = await createTable(path, 'features', featureColumns(columns), metadata);
  let rows = 0;
  try {
    for await (const {features, classes} of chunks) {
      if (features.columns !== columns)
        throw new Error(`expected ${columns} features a row, but got ${features.columns}`);
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

export interface Features {
  readonly features: Matrix;
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
}

export const readFeatures = (path: string): Promise<Features> =>
  withTable(path, 'features', async (table) => {
    const type = table.columns.find(({name}) => name === 'feature')?.type;
    const columns = typeof type === 'object' && 'tensor' in type ? type.shape[0]! : 0;
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

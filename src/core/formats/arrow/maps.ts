/** Heat maps as an Arrow file: a score for every pixel of every test image. */
import {classNamesKey, mapColumns} from './columns.ts';
import {createTable, withTable} from './ipc.ts';

export interface Maps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** (count, height, width); higher = more anomalous. */
  readonly data: Float32Array;
}

/** One map at a time, with its image's class, an index into `classNames`. */
export async function writeMaps(
  path: string,
  {
    height,
    width,
    classNames,
  }: {readonly height: number; readonly width: number; readonly classNames: readonly string[]},
  maps: AsyncIterable<readonly [map: Float32Array, label: number]>,
): Promise<void> {
  const metadata = {[classNamesKey]: JSON.stringify(classNames)};
  const table = await createTable(path, 'maps', mapColumns([height, width]), metadata);
  try {
    for await (const [map, label] of maps) await table.write(1, {map, class: Int32Array.of(label)});
  } catch (error) {
    await table.abort();
    throw error;
  }
  await table.close();
}

/** All of them, in the order of the test images. */
export const readMaps = (path: string): Promise<Maps> =>
  withTable(path, 'maps', async (table) => {
    const type = table.columns.find(({name}) => name === 'map')?.type;
    const [height = 0, width = 0] = typeof type === 'object' && 'tensor' in type ? type.shape : [];
    let count = 0;
    // Read twice, so that the whole is in memory once.
    for await (const batch of table.batches()) count += batch.rows;
    const data = new Float32Array(count * height * width);
    let row = 0;
    for await (const batch of table.batches()) {
      data.set(batch.column('map') as Float32Array, row * height * width);
      row += batch.rows;
    }
    return {count, height, width, data};
  });

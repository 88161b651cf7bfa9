/** Named float32 arrays (weights, fitted classifiers, checkpoints) as an Arrow file, one array a row and a record batch. */
import type {NamedArrays} from '../../contracts/data.ts';
import {arrayColumns} from './columns.ts';
import {createTable, type Lists, withTable} from './ipc.ts';

export async function writeArrays(path: string, arrays: NamedArrays): Promise<void> {
  if (!(arrays instanceof Map))
    throw new Error(`what is saved must be a Map of names to {shape, data}; it is ${kindOf(arrays)}`);
  const table = await createTable(path, 'arrays', arrayColumns);
  try {
    for (const [name, {shape, data}] of arrays as NamedArrays) {
      if (!Array.isArray(shape) || !(data instanceof Float32Array))
        throw new Error(`what is saved as "${name}" must be {shape: number[], data: Float32Array}`);
      const size = shape.reduce((a, b) => a * b, 1);
      if (size !== data.length)
        throw new Error(`array "${name}" has ${data.length} values for shape [${shape.join(', ')}]`);
      await table.write(1, {
        name: [name],
        shape: {offsets: Int32Array.of(0, shape.length), values: Int32Array.from(shape)},
        data: {offsets: Int32Array.of(0, data.length), values: data},
      });
    }
  } catch (error) {
    await table.abort();
    throw error;
  }
  await table.close();
}

const kindOf = (value: unknown): string =>
  value === null || value === undefined ? String(value) : `of the kind ${value.constructor?.name ?? typeof value}`;

/** In the order in which they were written. */
export const readArrays = (path: string): Promise<NamedArrays> =>
  withTable(path, 'arrays', async (table) => {
    const arrays = new Map<string, {shape: readonly number[]; data: Float32Array}>();
    for await (const batch of table.batches()) {
      const names = batch.column('name') as readonly string[];
      const shapes = batch.column('shape') as Lists;
      const data = batch.column('data') as Lists;
      names.forEach((name, i) => {
        arrays.set(name, {
          shape: [...shapes.values.subarray(shapes.offsets[i], shapes.offsets[i + 1])],
          data: (data.values as Float32Array).subarray(data.offsets[i], data.offsets[i + 1]),
        });
      });
    }
    return arrays;
  });

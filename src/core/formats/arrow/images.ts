/** Images with their classes as an Arrow file: streamed in and out, memory does not grow with the file. */

import type {ImageSet, ImageShape} from '../../contracts/data.ts';
import type {ImageBatch, Region} from '../../contracts/dataset.ts';
import {classNamesKey, imageColumns} from './columns.ts';
import {type Batch, createTable, type Lists, openTable, type TableReader, withTable} from './ipc.ts';
import {packRegions, unpackRegions} from './regions.ts';

export interface ImagesInfo {
  readonly shape: ImageShape;
  readonly classes: readonly string[];
  readonly count: number;
  /** Whether every image has a mask. */
  readonly masks: boolean;
  /** Whether it has the regions of every image. */
  readonly regions: boolean;
  /** Images of each class, in the order of `classes`. */
  readonly counts: readonly number[];
}

export interface ImagesWriter {
  /** Copies the images; `classes` are indices into the names given at the start. */
  write(batch: ImageBatch): Promise<void>;
  close(): Promise<{readonly count: number}>;
  /** Gives up and closes the file as it is. */
  abort(): Promise<void>;
}

export interface ReadOptions {
  /** Only images of the class of this name. */
  readonly class?: string;
  /** Asked of each image in turn, with its class: whether it is wanted. */
  readonly keep?: (label: number) => boolean;
  /** Images at a time; the last batch may be smaller. */
  readonly batch?: number;
}

// Record batches of about this size whatever the batches that come in: the file's bytes depend only on the images.
const batchBytes = 4 * 1024 * 1024;

/** @param classes names; the stored class of an image is an index into them. `masks`, `regions`: every batch has them, and they are kept. */
export async function createImagesWriter(
  path: string,
  {
    shape,
    classes,
    masks = false,
    regions = false,
  }: {
    readonly shape: ImageShape;
    readonly classes: readonly string[];
    readonly masks?: boolean;
    readonly regions?: boolean;
  },
): Promise<ImagesWriter> {
  const size = sizeOf(shape);
  const area = shape.height * shape.width;
  const columns = imageColumns([shape.height, shape.width, shape.channels], {masks, regions});
  const table = await createTable(path, 'images', columns, {[classNamesKey]: JSON.stringify(classes)});
  const capacity = Math.max(1, Math.floor(batchBytes / size));
  const pixels = new Uint8Array(capacity * size);
  const labels = new Int32Array(capacity);
  const truth = new Uint8Array(masks ? capacity * area : 0);
  let defects: (readonly Region[])[] = [];
  let filled = 0;
  let count = 0;
  const flush = async (): Promise<void> => {
    if (filled === 0) return;
    await table.write(filled, {
      pixels: pixels.subarray(0, filled * size),
      class: labels.subarray(0, filled),
      ...(masks && {mask: truth.subarray(0, filled * area)}),
      ...(regions && {regions: packRegions(defects)}),
    });
    defects = [];
    count += filled;
    filled = 0;
  };
  return {
    async write(batch) {
      if (
        sizeOf(batch.shape) !== size ||
        batch.shape.channels !== shape.channels ||
        batch.shape.width !== shape.width
      ) {
        throw new Error(`expected images of ${describeShape(shape)}, but got ${describeShape(batch.shape)}`);
      }
      if (batch.pixels.length < batch.count * size || batch.classes.length < batch.count) {
        throw new Error(`a batch of ${batch.count} images has too few pixels or classes`);
      }
      if (masks && (batch.masks?.length ?? 0) < batch.count * area)
        throw new Error(`a batch of ${batch.count} images has too few masks`);
      if (regions && (batch.regions?.length ?? 0) < batch.count)
        throw new Error(`a batch of ${batch.count} images has too few lists of regions`);
      for (let from = 0; from < batch.count; ) {
        const take = Math.min(capacity - filled, batch.count - from);
        const taken = batch.classes.subarray(from, from + take);
        const stranger = taken.find((label) => !(label >= 0 && label < classes.length));
        if (stranger !== undefined) throw new Error(`an image has class ${stranger}, but there are ${classes.length}`);
        pixels.set(batch.pixels.subarray(from * size, (from + take) * size), filled * size);
        labels.set(taken, filled);
        if (masks) truth.set(batch.masks!.subarray(from * area, (from + take) * area), filled * area);
        if (regions) defects.push(...batch.regions!.slice(from, from + take));
        filled += take;
        from += take;
        if (filled === capacity) await flush();
      }
    },
    async close() {
      await flush();
      await table.close();
      return {count};
    },
    abort: () => table.abort(),
  };
}

/** Counts images by class; reads the file once. */
export const imagesInfo = (path: string): Promise<ImagesInfo> =>
  withTable(path, 'images', async (table) => {
    const {shape, classes} = headOf(table);
    const counts = classes.map(() => 0);
    for await (const batch of table.batches()) for (const label of labelsOf(batch)) counts[label]!++;
    return {
      shape,
      classes,
      masks: has(table, 'mask'),
      regions: has(table, 'regions'),
      counts,
      count: counts.reduce((a, b) => a + b, 0),
    };
  });

/** Streams images in the order of the file. */
export async function* readImages(
  path: string,
  {class: name, keep, batch = 256}: ReadOptions = {},
): AsyncIterable<ImageBatch> {
  let filled = 0;
  let out: {pixels: Uint8Array; classes: Int32Array; masks?: Uint8Array; regions?: (readonly Region[])[]} | undefined;
  let shape: ImageShape | undefined;
  for await (const {head, pixels, labels, masks, regions, index} of stored(path, name)) {
    shape = head.shape;
    const size = sizeOf(shape);
    const area = shape.height * shape.width;
    for (let i = 0; i < labels.length; i++) {
      if (index !== undefined && labels[i] !== index) continue;
      if (keep && !keep(labels[i]!)) continue;
      out ??= {
        pixels: new Uint8Array(batch * size),
        classes: new Int32Array(batch),
        ...(masks && {masks: new Uint8Array(batch * area)}),
        ...(regions && {regions: []}),
      };
      out.pixels.set(pixels.subarray(i * size, (i + 1) * size), filled * size);
      if (masks) out.masks!.set(masks.subarray(i * area, (i + 1) * area), filled * area);
      if (regions) out.regions!.push(unpackRegions(regions, i));
      out.classes[filled++] = labels[i]!;
      if (filled < batch) continue;
      yield {shape, count: filled, ...out};
      out = undefined;
      filled = 0;
    }
  }
  if (!out || !shape) return;
  yield {
    shape,
    count: filled,
    pixels: out.pixels.subarray(0, filled * sizeOf(shape)),
    classes: out.classes.subarray(0, filled),
    ...(out.masks && {masks: out.masks.subarray(0, filled * shape.height * shape.width)}),
    ...(out.regions && {regions: out.regions}),
  };
}

/** All images, or those of one class, in memory that worker threads can share. */
export async function readImageSet(
  path: string,
  options: {readonly class?: string} = {},
): Promise<ImageSet & {readonly classes: Int32Array; readonly classNames: readonly string[]}> {
  const info = await imagesInfo(path);
  const count = options.class === undefined ? info.count : info.counts[indexOf(info.classes, options.class, path)]!;
  const size = sizeOf(info.shape);
  const pixels = new Uint8Array(new SharedArrayBuffer(count * size));
  const classes = new Int32Array(count);
  let row = 0;
  for await (const batch of readImages(path, {...options, batch: Math.max(1, Math.floor(batchBytes / size))})) {
    pixels.set(batch.pixels, row * size);
    classes.set(batch.classes, row);
    row += batch.count;
  }
  return {shape: info.shape, count, pixels, classes, classNames: info.classes};
}

interface Head {
  readonly shape: ImageShape;
  readonly classes: readonly string[];
}

/** Batches as stored, with the index of the class that is looked for. */
async function* stored(
  path: string,
  name: string | undefined,
): AsyncIterable<{
  head: Head;
  pixels: Uint8Array;
  labels: Int32Array;
  masks: Uint8Array | undefined;
  regions: Lists | undefined;
  index: number | undefined;
}> {
  const table = await openTable(path, 'images');
  try {
    const head = headOf(table);
    const index = name === undefined ? undefined : indexOf(head.classes, name, path);
    for await (const batch of table.batches()) {
      const masks = has(table, 'mask') ? (batch.column('mask') as Uint8Array) : undefined;
      const regions = has(table, 'regions') ? (batch.column('regions') as Lists) : undefined;
      yield {head, index, pixels: batch.column('pixels') as Uint8Array, labels: labelsOf(batch), masks, regions};
    }
  } finally {
    await table.close();
  }
}

function headOf(table: TableReader): Head {
  const type = table.columns.find((column) => column.name === 'pixels')?.type;
  const [height, width, channels] = typeof type === 'object' && 'tensor' in type ? type.shape : [];
  if (!height || !width || (channels !== 1 && channels !== 3)) throw new Error('the images have no known shape');
  return {shape: {height, width, channels}, classes: classNamesOf(table)};
}

const has = (table: TableReader, column: 'mask' | 'regions'): boolean =>
  table.columns.some(({name}) => name === column);

const labelsOf = (batch: Batch): Int32Array => batch.column('class') as Int32Array;

/** The class names in a table's metadata. */
export const classNamesOf = (table: TableReader): readonly string[] =>
  JSON.parse(table.metadata.get(classNamesKey) ?? '[]') as readonly string[];

function indexOf(classes: readonly string[], name: string, path: string): number {
  const index = classes.indexOf(name);
  if (index < 0) throw new Error(`${path} has no class "${name}"; it has ${classes.join(', ')}`);
  return index;
}

export const sizeOf = ({height, width, channels}: ImageShape): number => height * width * channels;

const describeShape = ({height, width, channels}: ImageShape): string => `${height} × ${width} × ${channels}`;

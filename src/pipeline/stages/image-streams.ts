/** Streams of images between the tables that stages read and write. */
import type {ImageBatch} from '../../core/contracts/dataset.ts';
import {createImagesWriter, type ImagesInfo, sizeOf} from '../../core/formats/arrow/images.ts';

/** The images for which `keep` returns true. It is called once for each image, in order. */
export async function* filtered(
  batches: AsyncIterable<ImageBatch>,
  keep: (label: number) => boolean,
): AsyncIterable<ImageBatch> {
  for await (const {shape, count, pixels, classes, masks, regions} of batches) {
    const kept = Array.from({length: count}, (_, i) => i).filter((i) => keep(classes[i]!));
    yield {
      shape,
      count: kept.length,
      pixels: pick(pixels, kept, sizeOf(shape)),
      classes: Int32Array.from(kept, (i) => classes[i]!),
      ...(masks && {masks: pick(masks, kept, shape.height * shape.width)}),
      ...(regions && {regions: kept.map((i) => regions[i]!)}),
    };
  }
}

/** The chosen ones of rows of `size` bytes. */
function pick(rows: Uint8Array, chosen: readonly number[], size: number): Uint8Array {
  const few = new Uint8Array(chosen.length * size);
  chosen.forEach((row, to) => {
    few.set(rows.subarray(row * size, (row + 1) * size), to * size);
  });
  return few;
}

/** Counts its calls, and asks `keep` about each number from 0. */
export function numbered(keep: (row: number) => boolean): () => boolean {
  let row = 0;
  return () => keep(row++);
}

/** The same images, all of one class. */
export async function* relabelled(batches: AsyncIterable<ImageBatch>, label: number): AsyncIterable<ImageBatch> {
  for await (const batch of batches) yield {...batch, classes: new Int32Array(batch.count).fill(label)};
}

/** Writes one stream after the other into a table. Returns the number of images. */
export async function writeImages(
  path: string,
  format: Pick<ImagesInfo, 'shape' | 'classes'> & Partial<Pick<ImagesInfo, 'masks' | 'regions'>>,
  ...parts: readonly AsyncIterable<ImageBatch>[]
): Promise<number> {
  const writer = await createImagesWriter(path, format);
  try {
    for (const part of parts) for await (const batch of part) await writer.write(batch);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return (await writer.close()).count;
}

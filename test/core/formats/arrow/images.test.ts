import {mkdtempSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {ImageShape} from '../../../../src/core/contracts/data.ts';
import type {ImageBatch} from '../../../../src/core/contracts/dataset.ts';
import {createImagesWriter, imagesInfo, readImageSet, readImages} from '../../../../src/core/formats/arrow/images.ts';

const folder = mkdtempSync(join(tmpdir(), 'images-'));
let files = 0;
const fresh = (): string => join(folder, `${files++}.arrow`);

const made = (count: number, shape: ImageShape, classes = 3): ImageBatch => {
  const pixels = new Uint8Array(count * shape.height * shape.width * shape.channels);
  // A multiplicative walk through all bytes: any shift or swap of images shows.
  for (let i = 0, x = 1; i < pixels.length; i++, x = (x * 75 + 74) % 65537) pixels[i] = x;
  return {shape, count, pixels, classes: Int32Array.from({length: count}, (_, i) => i % classes)};
};

/** The images from `from` to `to`. */
const part = (batch: ImageBatch, from: number, to: number): ImageBatch => {
  const size = batch.pixels.length / batch.count;
  return {
    shape: batch.shape,
    count: to - from,
    pixels: batch.pixels.subarray(from * size, to * size),
    classes: batch.classes.subarray(from, to),
  };
};

const names = ['bag', 'boot', 'coat'];

async function write(path: string, batches: readonly ImageBatch[], shape: ImageShape): Promise<void> {
  const writer = await createImagesWriter(path, {shape, classes: names});
  for (const batch of batches) await writer.write(batch);
  await writer.close();
}

const grey: ImageShape = {height: 5, width: 3, channels: 1};
const rgb: ImageShape = {height: 2, width: 7, channels: 3};

test.each([
  [0, grey],
  [1, grey],
  [1, rgb],
  [700, rgb],
] as const)('%i images of %o come back as they went in', async (count, shape) => {
  const path = fresh();
  const images = made(count, shape);
  await write(path, [images], shape);
  expect(await imagesInfo(path)).toMatchObject({shape, classes: names, count});
  const set = await readImageSet(path);
  expect(set.count).toBe(count);
  expect(set.pixels.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(Buffer.from(set.pixels).equals(images.pixels)).toBe(true);
  expect(set.classes).toEqual(images.classes);
});

test('images of many record batches are read in batches of the size asked for', async () => {
  // 200 kB an image: twenty to a record batch.
  const shape: ImageShape = {height: 256, width: 256, channels: 3};
  const images = made(50, shape);
  const path = fresh();
  await write(path, [images], shape);
  const sizes: number[] = [];
  let row = 0;
  for await (const batch of readImages(path, {batch: 17})) {
    sizes.push(batch.count);
    const expected = part(images, row, row + batch.count);
    expect(Buffer.from(batch.pixels).equals(expected.pixels)).toBe(true);
    expect(batch.classes).toEqual(expected.classes);
    row += batch.count;
  }
  expect(sizes).toEqual([17, 17, 16]);
});

test('a batch that was read is not changed by reading on', async () => {
  const images = made(100, grey);
  const path = fresh();
  await write(path, [images], grey);
  const batches: ImageBatch[] = [];
  for await (const batch of readImages(path, {batch: 40})) batches.push(batch);
  expect(Buffer.concat(batches.map(({pixels}) => pixels)).equals(images.pixels)).toBe(true);
});

test('one class can be read alone', async () => {
  const images = made(10, rgb);
  const path = fresh();
  await write(path, [images], rgb);
  const boots = await readImageSet(path, {class: 'boot'});
  expect(boots.count).toBe(3);
  expect([...boots.classes]).toEqual([1, 1, 1]);
  const expected = Buffer.concat([1, 4, 7].map((i) => part(images, i, i + 1).pixels));
  expect(Buffer.from(boots.pixels).equals(expected)).toBe(true);
  await expect(readImageSet(path, {class: 'bot'})).rejects.toThrow(
    `${path} has no class "bot"; it has bag, boot, coat`,
  );
});

test('the bytes depend on the images, not on the batches that they came in', async () => {
  const images = made(30, rgb);
  const [whole, parts] = [fresh(), fresh()];
  await write(whole, [images], rgb);
  await write(parts, [part(images, 0, 1), part(images, 1, 1), part(images, 1, 19), part(images, 19, 30)], rgb);
  expect(readFileSync(parts).equals(readFileSync(whole))).toBe(true);
});

test('memory does not grow with the file', async () => {
  const shape: ImageShape = {height: 64, width: 64, channels: 3};
  const images = made(500, shape);
  const path = fresh();
  const writer = await createImagesWriter(path, {shape, classes: names});
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
  };
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 40; i++) {
    await writer.write(images);
    look();
  }
  await writer.close();
  let count = 0;
  for await (const batch of readImages(path)) {
    count += batch.count;
    look();
  }
  expect(count).toBe(20_000);
  // The file has 246 MB.
  expect(peak - before).toBeLessThan(120e6);
});

test('data of wrong sizes is refused', async () => {
  const writer = await createImagesWriter(fresh(), {shape: rgb, classes: names});
  await expect(writer.write(made(1, grey))).rejects.toThrow('expected images of 2 × 7 × 3, but got 5 × 3 × 1');
  await expect(writer.write(made(4, rgb, 4))).rejects.toThrow('an image has class 3, but there are 3');
  await expect(writer.write({...made(2, rgb), count: 3})).rejects.toThrow(
    'a batch of 3 images has too few pixels or classes',
  );
  await writer.abort();
});

test('regions come back as they went in, wherever batches end, and other files have none', async () => {
  const path = fresh();
  const shape: ImageShape = {height: 300, width: 200, channels: 3};
  // 180 kB an image: the file has several record batches.
  const images = made(50, shape);
  const regions = Array.from({length: 50}, (_, i) =>
    Array.from({length: i % 3}, (__, k) => ({
      enough: (k + 1) / 4,
      pixels: Int32Array.of(i, i + 1, i + 2, 1000 + k, 59_999),
    })),
  );
  const writer = await createImagesWriter(path, {shape, classes: names, regions: true});
  await writer.write({...images, regions});
  await writer.close();
  const found: unknown[] = [];
  for await (const batch of readImages(path, {batch: 7})) found.push(...batch.regions!);
  expect(found).toEqual(regions);
  expect((await imagesInfo(path)).regions).toBe(true);
  const without = await createImagesWriter(fresh(), {shape, classes: names, regions: true});
  await expect(without.write(images)).rejects.toThrow('a batch of 50 images has too few lists of regions');
  await without.abort();
});

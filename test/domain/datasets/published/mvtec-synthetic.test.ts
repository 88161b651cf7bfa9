import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {ImageBatch} from '../../../../src/core/contracts/dataset.ts';
import {noArchive, type TemporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {mvtecTree, writeDigits} from '../../../rig/images.ts';
import {plugins, resolved} from '../../../rig/learners.ts';

const create = (options: object = {}) =>
  plugins.create('dataset', resolved('dataset', {type: 'mvtec-synthetic', size: 32, ...options}));

let place: TemporaryFolder;
beforeAll(async () => {
  place = await mvtecTree('toothbrush', [60, 12, 30]);
});
afterAll(() => place.remove());

async function testImages(options: object = {}, folder = place.folder, inlier = 'toothbrush') {
  const dataset = create(options);
  const files = await dataset.locate({folders: [folder]}, inlier);
  if (!files.ok) return files.failures.map((it) => `${it.message} | ${it.hint}`.replaceAll(folder, '/data'));
  const batches: ImageBatch[] = [];
  for await (const batch of dataset.read(files.value, 'test', inlier)) batches.push(batch);
  const joined = (of: (batch: ImageBatch) => Iterable<number>) => batches.flatMap((batch) => [...of(batch)]);
  const classes = joined(({classes: labels}) => labels);
  const [pixels, masks] = [joined((batch) => batch.pixels), joined((batch) => batch.masks!)];
  const area = dataset.shape.height * dataset.shape.width;
  return {
    files: files.value.map(({name}) => name),
    images: classes.map((label, i) => ({
      label,
      pixels: pixels.slice(3 * i * area, 3 * (i + 1) * area),
      mask: masks.slice(i * area, (i + 1) * area),
    })),
  };
}

test('good test images come with a copy of each that has a defect inside its mask', async () => {
  const {files, images} = (await testImages()) as Exclude<Awaited<ReturnType<typeof testImages>>, string[]>;
  expect(files.length).toBe(60 + 12); // no defect of MVTec's own, no mask of it
  const [good, defective] = [0, 1].map((label) => images.filter((image) => image.label === label)) as [
    typeof images,
    typeof images,
  ];
  expect([good.length, defective.length]).toEqual([12, 12]);
  for (const [i, {pixels, mask}] of defective.entries()) {
    const original = good[i]!;
    expect(new Set(original.mask)).toEqual(new Set([0]));
    const changed = mask.map((_, at) => [0, 1, 2].some((c) => pixels[3 * at + c] !== original.pixels[3 * at + c]));
    expect(changed.filter(Boolean).length).toBeGreaterThan(0);
    expect(changed.every((is, at) => !is || mask[at] === 1)).toBe(true);
  }
  expect(new Set(defective.map(({mask}) => mask.join(''))).size).toBe(12);
});

test('places and sizes are the same for every shape and fill, and differ between seeds', async () => {
  const centre = async (options: object) => {
    const {images} = (await testImages(options)) as {images: {label: number; mask: number[]}[]};
    return images.map(({mask}) => mask.indexOf(1));
  };
  expect(await centre({fill: 'natural'})).toEqual(await centre({}));
  expect(await centre({seed: 1})).not.toEqual(await centre({}));
});

test('digits come from MNIST’s test images, which may be missing or broken', async () => {
  expect(await testImages({shape: 'mnist'})).toMatchInlineSnapshot(`
    [
      "not found: looked for t10k-images-idx3-ubyte.gz in /data/mnist or /data | get t10k-images-idx3-ubyte.gz of MNIST, or put the files into /data/mnist",
    ]
  `);
  writeDigits(place.folder);
  const {files, images} = (await testImages({shape: 'mnist', min_size: 0.6, max_size: 0.6})) as {
    files: string[];
    images: {label: number; mask: number[]}[];
  };
  expect(files).toContain('t10k-images-idx3-ubyte.gz');
  // A bar of 4 × 18 of 28 × 28.
  for (const {mask} of images.filter(({label}) => label === 1))
    expect(mask.reduce((sum, at) => sum + at, 0) / ((0.6 * 32) ** 2 * (4 / 28) * (18 / 28))).toBeCloseTo(1, 0);
  const header = (count: number, side: number) =>
    Buffer.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side]);
  const problems: string[] = [];
  for (const bytes of [Buffer.alloc(3), header(0, 28), header(1, 28), header(1, 32)]) {
    writeFileSync(join(place.folder, 'mnist', 't10k-images-idx3-ubyte.gz'), gzipSync(bytes));
    await testImages({shape: 'mnist'}).catch((error: Error) =>
      problems.push(error.message.replaceAll(place.folder, '/data')),
    );
  }
  expect(problems).toMatchInlineSnapshot(`
    [
      "/data/mnist/t10k-images-idx3-ubyte.gz: expected images of 28 × 28 bytes, but it ends within its header. Replace it with the published file.",
      "/data/mnist/t10k-images-idx3-ubyte.gz: expected images of 28 × 28 bytes, but there are none. Replace it with the published file.",
      "/data/mnist/t10k-images-idx3-ubyte.gz: expected images of 28 × 28 bytes, but 16 bytes in all. Replace it with the published file.",
      "/data/mnist/t10k-images-idx3-ubyte.gz: expected images of 28 × 28 bytes, but it says that it has 1 × 32 × 32. Replace it with the published file.",
    ]
  `);
});

describe.skipIf(noArchive('mvtec-bottle'))('the real category bottle (needs mvtec-bottle.tar.gz)', () => {
  test('has its 20 good test images twice', async () => {
    const bottle = unpackedArchive('mvtec-bottle');
    try {
      const {images} = (await testImages({}, bottle.folder, 'bottle')) as {images: {label: number}[]};
      expect(images.map(({label}) => label).filter((label) => label === 1).length).toBe(20);
      expect(images.length).toBe(40);
    } finally {
      bottle.remove();
    }
  });
});

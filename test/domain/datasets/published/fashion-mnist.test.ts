import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gunzipSync, gzipSync} from 'node:zlib';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Dataset, ImageBatch, SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {DatasetError} from '../../../../src/domain/datasets/dataset-error.ts';
import {fashionMnist} from '../../../../src/domain/datasets/published/fashion-mnist.ts';
import {readIdx} from '../../../../src/domain/datasets/readers/idx.ts';
import {fashionMnistRoot, noFashionMnist} from '../../../rig/fashion-mnist.ts';

const small = fashionMnist.create({edition: 'small'});
const full = fashionMnist.create({edition: 'full'});

const located = async (dataset: Dataset, folders: readonly string[] = []): Promise<readonly SourceFile[]> => {
  const found = await dataset.locate({folders}, 'bag');
  if (!found.ok) throw new Error(found.failures[0]!.message);
  return found.value;
};

const read = async (dataset: Dataset, files: readonly SourceFile[], split: Split): Promise<readonly ImageBatch[]> => {
  const batches: ImageBatch[] = [];
  for await (const batch of dataset.read(files, split, 'bag')) batches.push(batch);
  return batches;
};

/** The message of the error that reading ends in. */
const failure = async (files: readonly SourceFile[], split: Split = 'test'): Promise<string> => {
  const error: unknown = await read(small, files, split).then(
    () => 'read it all',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DatasetError);
  expect((error as DatasetError).message).toContain((error as DatasetError).path);
  return (error as DatasetError).message.replaceAll(folder, '/data');
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fashion-'));
});
afterAll(() => {
  rmSync(folder, {recursive: true});
});

describe('the small edition', () => {
  test('comes with the program: 500 + 100 of each class', async () => {
    const files = await located(small);
    for (const [split, each] of [
      ['train', 500],
      ['test', 100],
    ] as const) {
      const batches = await read(small, files, split);
      const counts = new Array<number>(10).fill(0);
      for (const batch of batches) for (const label of batch.classes) counts[label]!++;
      expect(counts).toEqual(new Array(10).fill(each));
    }
  });

  test('an image is the stored one in the middle of a black frame', async () => {
    const files = await located(small);
    const [batch] = await read(small, files, 'test');
    const stored = gunzipSync(readFileSync(files.find(({name}) => name.startsWith('t10k-images'))!.path));
    const number = 3;
    const expected = new Uint8Array(32 * 32);
    for (let y = 0; y < 28; y++)
      for (let x = 0; x < 28; x++) expected[(y + 2) * 32 + x + 2] = stored[16 + number * 784 + y * 28 + x]!;
    expect(batch!.pixels.subarray(number * 1024, (number + 1) * 1024)).toEqual(expected);
    expect(Math.max(...expected)).toBeGreaterThan(200);
  });

  test('all problems name the file, what was expected and what came', async () => {
    const files = await located(small);
    const images = files.find(({name}) => name.startsWith('t10k-images'))!;
    const packed = readFileSync(images.path);
    const plain = gunzipSync(packed);
    /** The files with other bytes in the place of the test images. */
    const withImages = (bytes: Uint8Array): readonly SourceFile[] => {
      const path = join(folder, images.name);
      writeFileSync(path, bytes);
      return files.map((file) => (file === images ? {name: file.name, path} : file));
    };
    const edited = (change: (bytes: Buffer) => void): Buffer => {
      const copy = Buffer.from(plain);
      change(copy);
      return gzipSync(copy, {level: 1});
    };
    const flipped = Buffer.from(packed);
    flipped[200_000]! ^= 4;

    expect(await failure(withImages(packed.subarray(0, 300_000)))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but the file is incomplete. Replace it with the published file."`,
    );
    expect(await failure(withImages(Buffer.alloc(0)))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but the file is incomplete. Replace it with the published file."`,
    );
    expect(await failure(withImages(gzipSync(Buffer.alloc(0))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it ends after 0 of 1000. Replace it with the published file."`,
    );
    expect(await failure(withImages(gzipSync(plain.subarray(0, 16 + 784 * 7 + 5))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it ends after 7 of 1000. Replace it with the published file."`,
    );
    expect(await failure(withImages(gzipSync(Buffer.concat([plain, plain]))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it is longer. Replace it with the published file."`,
    );
    expect(await failure(withImages(Buffer.from('<html>Not found</html>')))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it cannot be unpacked (incorrect header check). Replace it with the published file."`,
    );
    expect(await failure(withImages(flipped))).toMatch(
      /^\/data\/t10k-images-idx3-ubyte\.gz: expected 1000 × 28 × 28 bytes, /,
    );
    expect(await failure(withImages(edited((bytes) => bytes.writeUInt32BE(10_000, 4))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it says that it has 10000 × 28 × 28. Replace it with the published file."`,
    );
    expect(await failure(withImages(edited((bytes) => bytes.writeUInt32BE(0x801, 0))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it has 1 dimension instead of 3. Replace it with the published file."`,
    );
    expect(await failure(withImages(edited((bytes) => bytes.writeUInt32BE(0xd03, 0))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it is not an IDX file of bytes (it begins with 0x00000d03). Replace it with the published file."`,
    );
    // The right sizes but one pixel.
    expect(await failure(withImages(edited((bytes) => bytes.writeUInt8(1, 16))))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected unpacked content with SHA-256 7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef, but it is 5d367d23472ef4960b9d4bd53594d2299e8076f73ae3d598f1ae3979156f5121: another dataset, or an edited one. Replace it with the published file."`,
    );
    rmSync(join(folder, images.name));
    expect(
      await failure(files.map((file) => ({name: file.name, path: join(folder, file.name)}))),
    ).toMatchInlineSnapshot(
      `"/data/t10k-labels-idx1-ubyte.gz: expected 1000 bytes, but there is no such file. Replace it with the published file."`,
    );
    mkdirSync(join(folder, images.name));
    const directory = {name: images.name, path: join(folder, images.name)};
    expect(await failure(files.map((file) => (file === images ? directory : file)))).toMatchInlineSnapshot(
      `"/data/t10k-images-idx3-ubyte.gz: expected 1000 × 28 × 28 bytes, but it cannot be read (EISDIR). Replace it with the published file."`,
    );
  });

  test('reading may stop in the middle', async () => {
    const files = await located(small);
    for await (const batch of small.read(files, 'train', 'bag')) {
      expect(batch.count).toBe(1000);
      break;
    }
  });
});

test('IDX items are complete for every packing of the file and every number of items', async () => {
  const files = await located(small);
  const {path} = files.find(({name}) => name.startsWith('t10k-labels'))!;
  const plain = gunzipSync(readFileSync(path));
  const expected = {
    shape: [1000],
    sha256: '3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909',
  };
  const other = join(folder, 'labels.gz');
  // Two gzip members, the first of which ends inside the header.
  writeFileSync(other, Buffer.concat([gzipSync(plain.subarray(0, 5)), gzipSync(plain.subarray(5), {level: 0})]));
  for (const [file, items] of [
    [path, 300],
    [other, 7],
    [other, 5000],
  ] as const) {
    const parts: Uint8Array[] = [];
    for await (const part of readIdx(file, expected, items)) parts.push(part);
    expect(parts.length).toBe(Math.ceil(1000 / items));
    expect(parts.slice(0, -1).every((part) => part.length === items)).toBe(true);
    expect(Buffer.concat(parts).equals(plain.subarray(8))).toBe(true);
  }
});

describe('the full edition', () => {
  let root: ReturnType<typeof fashionMnistRoot> | undefined;
  beforeAll(() => {
    if (!noFashionMnist) root = fashionMnistRoot();
  });
  afterAll(() => root?.remove());

  test.skipIf(noFashionMnist)('has 6000 + 1000 of each class (needs fashion-mnist.tar.gz)', async () => {
    const files = await located(full, [root!.folder]);
    expect(files.map(({name}) => name)).toEqual([
      'train-images-idx3-ubyte.gz',
      'train-labels-idx1-ubyte.gz',
      't10k-images-idx3-ubyte.gz',
      't10k-labels-idx1-ubyte.gz',
    ]);
    for (const [split, each] of [
      ['train', 6000],
      ['test', 1000],
    ] as const) {
      const counts = new Array<number>(10).fill(0);
      for await (const {classes} of full.read(files, split, 'bag')) for (const label of classes) counts[label]!++;
      expect(counts).toEqual(new Array(10).fill(each));
    }
  });

  test.skipIf(noFashionMnist)(
    'begins with the small edition, class by class (needs fashion-mnist.tar.gz)',
    async () => {
      const files = await located(full, [root!.folder]);
      const subset = await located(small);
      for (const split of ['train', 'test'] as const) {
        const wanted = await read(small, subset, split);
        const whole = full.read(files, split, 'bag')[Symbol.asyncIterator]();
        const taken = new Array<number>(10).fill(0);
        let batch: ImageBatch | undefined;
        let at = 0;
        for (const {count, pixels, classes} of wanted)
          for (let i = 0; i < count; i++) {
            for (;;) {
              if (!batch || at === batch.count) {
                batch = (await whole.next()).value as ImageBatch;
                at = 0;
              }
              const label = batch.classes[at++]!;
              if (taken[label]! < (split === 'train' ? 500 : 100)) {
                taken[label]!++;
                break;
              }
            }
            if (batch.classes[at - 1] !== classes[i]) throw new Error(`${split}: another class at ${i}`);
            const same = Buffer.compare(
              batch.pixels.subarray((at - 1) * 1024, at * 1024),
              pixels.subarray(i * 1024, (i + 1) * 1024),
            );
            if (same !== 0) throw new Error(`${split}: another image at ${i}`);
          }
        await whole.return?.();
      }
    },
  );

  test.skipIf(noFashionMnist)('another dataset in the same files is refused (needs fashion-mnist.tar.gz)', async () => {
    const files = await located(full, [root!.folder]);
    const path = join(folder, 'other-labels.gz');
    const labels = files.find(({name}) => name.startsWith('t10k-labels'))!;
    const content = gunzipSync(readFileSync(labels.path));
    content.subarray(8).reverse();
    writeFileSync(path, gzipSync(content));
    const other = files.map((file) => (file === labels ? {name: file.name, path} : file));
    await expect(read(full, other, 'test')).rejects.toThrow('another dataset, or an edited one');
  });
});

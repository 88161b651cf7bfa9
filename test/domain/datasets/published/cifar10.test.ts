// @module-tag slow
import {mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {ImageBatch, SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {DatasetError} from '../../../../src/domain/datasets/dataset-error.ts';
import {cifar10} from '../../../../src/domain/datasets/published/cifar10.ts';
import {noArchive, type TemporaryFolder, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {cifar10Files, packedAs} from '../../../rig/cifar.ts';

const dataset = cifar10.create({});

async function* read(files: readonly SourceFile[], split: Split): AsyncGenerator<ImageBatch> {
  yield* dataset.read(files, split, 'bird');
}

async function countsOf(files: readonly SourceFile[], split: Split): Promise<readonly number[]> {
  const counts = new Array<number>(10).fill(0);
  for await (const {classes} of read(files, split)) for (const label of classes) counts[label]!++;
  return counts;
}

let place: TemporaryFolder;
beforeAll(() => {
  place = temporaryFolder('cifar10');
});
afterAll(() => place.remove());

const failure = async (files: readonly SourceFile[], split: Split): Promise<string> => {
  const error: unknown = await countsOf(files, split).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DatasetError);
  return (error as DatasetError).message.replaceAll(place.folder, '/data');
};

test('classes are in the published order', () => {
  expect(dataset.classes).toEqual(
    'airplane automobile bird cat deer dog frog horse ship truck'.split(' '), // paper, section 5
  );
});

describe('the files', () => {
  let files: readonly SourceFile[];
  const content = cifar10Files();
  beforeAll(async () => {
    for (const [name, bytes] of Object.entries(content)) writeFileSync(join(place.folder, name), bytes);
    const located = await dataset.locate({folders: ['/nowhere', place.folder]}, 'bird');
    if (!located.ok) throw new Error(located.failures[0]!.message);
    files = located.value;
  });

  const replaced = (name: string, bytes: Uint8Array): readonly SourceFile[] => {
    const path = join(place.folder, `other-${name}`);
    writeFileSync(path, bytes);
    return files.map((file) => (file.name === name ? {name, path} : file));
  };

  test('are read batch after batch, planes of colours turned into pixels', async () => {
    let record = 0;
    for await (const {count, pixels, classes} of read(files, 'train')) {
      for (let i = 0; i < count; i++, record++) {
        const number = record % 10_000;
        const batch = Math.floor(record / 10_000) + 1;
        const at = i * 3072;
        const seen = [classes[i], ...pixels.subarray(at, at + 6), ...pixels.subarray(at + 99, at + 102)];
        const fill = [0, 1, 2].map((channel) => (number * 7 + channel * 80) % 256);
        const corner = [number % 251, number % 251, number % 251];
        const diagonal = [0, 1, 2].map((channel) => (number + channel) % 251);
        const expected = [(number + batch) % 10, ...corner, ...fill, ...diagonal];
        if (seen.join() !== expected.join()) expect({record, seen}).toEqual({record, seen: expected});
      }
    }
    expect(record).toBe(50_000);
  });

  test('that are not as published are refused by name', async () => {
    const bytes = content['test_batch.bin']!;
    expect(await failure(replaced('test_batch.bin', bytes.subarray(0, 3073 * 1234)), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but it ends after 1,234. Replace it with the published file."`,
    );
    expect(await failure(replaced('test_batch.bin', bytes.subarray(0, 3073 * 1234 + 7)), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but it ends in the middle of a record. Replace it with the published file."`,
    );
    expect(await failure(replaced('test_batch.bin', Buffer.concat([bytes, bytes])), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but it is longer. Replace it with the published file."`,
    );
    expect(await failure(replaced('test_batch.bin', Buffer.alloc(0)), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but it ends after 0. Replace it with the published file."`,
    );
    const wrong = Buffer.from(bytes);
    wrong[3073 * 5003] = 10;
    expect(await failure(replaced('test_batch.bin', wrong), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but record 5003 has label 10, not one of 0 to 9. Replace it with the published file."`,
    );
    wrong[3073 * 5003] = (wrong[3073 * 5002]! + 3) % 10;
    expect(await failure(replaced('test_batch.bin', wrong), 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 1,000 images of each class in test_batch.bin, but there are 1,001 of automobile. Replace it with the published file."`,
    );
    expect(await failure(replaced('data_batch_3.bin', bytes.subarray(1)), 'train')).toMatchInlineSnapshot(
      `"/data/other-data_batch_3.bin: expected 10,000 records of 3073 bytes, but record 10 has label 10, not one of 0 to 9. Replace it with the published file."`,
    );
    const gone = replaced('test_batch.bin', bytes);
    rmSync(join(place.folder, 'other-test_batch.bin'));
    expect(await failure(gone, 'test')).toMatchInlineSnapshot(
      `"/data/other-test_batch.bin: expected 10,000 records of 3073 bytes, but there is no such file. Replace it with the published file."`,
    );
  });
});

describe('the archive', () => {
  const path = (): string => join(place.folder, 'cifar10', 'cifar-10-binary.tar.gz');
  let files: readonly SourceFile[];
  beforeAll(async () => {
    const content = cifar10Files();
    mkdirSync(join(place.folder, 'cifar10'));
    // The published archive has them out of order, too.
    const order = [1, 3, 4, 'test', 5, 2].map((n) => (n === 'test' ? 'test_batch.bin' : `data_batch_${n}.bin`));
    await packedAs(
      path(),
      'cifar-10-batches-bin',
      order.map((name) => [name, content[name]!]),
    );
    for (const name of order) rmSync(join(place.folder, name), {force: true});
    const located = await dataset.locate({folders: [place.folder]}, 'bird');
    if (!located.ok) throw new Error(located.failures[0]!.message);
    files = located.value;
  });

  test('gives the images in the order of their numbers', async () => {
    expect(files).toEqual([{name: 'cifar-10-binary.tar.gz', path: path()}]);
    const first: number[] = [];
    let record = 0;
    for await (const {count, classes} of read(files, 'train')) {
      if (record % 10_000 === 0) first.push(classes[0]!);
      record += count;
    }
    expect(first).toEqual([1, 2, 3, 4, 5]);
    expect(await countsOf(files, 'test')).toEqual(new Array(10).fill(1000));
  });

  test('that is cut short, lacks a file or is no archive is refused by name', async () => {
    const whole = readFileSync(path());
    truncateSync(path(), Math.floor(whole.length / 2));
    expect(await failure(files, 'train')).toMatchInlineSnapshot(
      `"/data/cifar10/cifar-10-binary.tar.gz: expected an archive (.tar.gz), but the file is incomplete. Replace it with the published file."`,
    );
    writeFileSync(path(), '<html>Not found</html>');
    expect(await failure(files, 'train')).toMatchInlineSnapshot(
      `"/data/cifar10/cifar-10-binary.tar.gz: expected an archive (.tar.gz), but it cannot be unpacked (incorrect header check). Replace it with the published file."`,
    );
    await packedAs(path(), 'cifar-10-batches-bin', []);
    expect(await failure(files, 'test')).toMatchInlineSnapshot(
      `"/data/cifar10/cifar-10-binary.tar.gz: expected an archive with test_batch.bin, but it has none. Replace it with the published file."`,
    );
    await packedAs(path(), 'cifar-10-batches-bin', [['test_batch.bin', Buffer.alloc(3073 * 8)]]);
    expect(await failure(files, 'test')).toMatchInlineSnapshot(
      `"/data/cifar10/cifar-10-binary.tar.gz: expected test_batch.bin in it to have 10,000 records of 3073 bytes, but it ends after 8. Replace it with the published file."`,
    );
    rmSync(path());
    expect(await failure(files, 'test')).toMatchInlineSnapshot(
      `"/data/cifar10/cifar-10-binary.tar.gz: expected an archive (.tar.gz), but there is no such file. Replace it with the published file."`,
    );
  });
});

test('a missing dataset is reported with how to get it', async () => {
  const empty = temporaryFolder('cifar10-none');
  const located = await dataset.locate({folders: [empty.folder]}, 'bird');
  expect(JSON.parse(JSON.stringify(located).replaceAll(empty.folder, '/data'))).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "fetch https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, or put the files into /data/cifar10",
          "message": "not found: looked for cifar-10-binary.tar.gz (or, unpacked, data_batch_1.bin, data_batch_2.bin … and 4 more) in /data/cifar10 or /data",
        },
      ],
      "ok": false,
    }
  `);
  writeFileSync(join(empty.folder, 'data_batch_1.bin'), '');
  const partly = await dataset.locate({folders: [empty.folder]}, 'bird');
  expect(!partly.ok && partly.failures[0]!.message.replaceAll(empty.folder, '/data')).toMatchInlineSnapshot(
    `"not found: looked for cifar-10-binary.tar.gz (or, unpacked, data_batch_1.bin, data_batch_2.bin … and 4 more) in /data/cifar10 or /data; /data lacks data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, test_batch.bin"`,
  );
  empty.remove();
});

describe.skipIf(noArchive('cifar10'))('the real records (needs cifar10.tar.gz)', () => {
  test('5000 + 1000 a class, and the lossless pixels where the bytes say', async () => {
    const wanted = ['data_batch_1_first4000_lossless.bin.gz', 'train_labels_50000.u8', 'test_batch_jpegderived.bin.gz'];
    const real = unpackedArchive(
      'cifar10',
      wanted.map((name) => `cifar10/${name}`),
    );
    try {
      const folder = join(real.folder, 'cifar10');
      const lossless = gunzipSync(readFileSync(join(folder, wanted[0]!)));
      const labels = readFileSync(join(folder, wanted[1]!));
      // Real labels throughout, real pixels in the first 4000 records.
      for (let batch = 0; batch < 5; batch++) {
        const bytes = Buffer.alloc(10_000 * 3073);
        for (let i = 0; i < 10_000; i++) bytes[i * 3073] = labels[batch * 10_000 + i]!;
        if (batch === 0) {
          for (let i = 0; i < 4000; i++) expect(lossless[i * 3073]).toBe(labels[i]);
          bytes.set(lossless);
        }
        writeFileSync(join(folder, `data_batch_${batch + 1}.bin`), bytes);
      }
      writeFileSync(join(folder, 'test_batch.bin'), gunzipSync(readFileSync(join(folder, wanted[2]!))));
      const located = await dataset.locate({folders: [real.folder]}, 'bird');
      if (!located.ok) throw new Error(located.failures[0]!.message);
      expect(await countsOf(located.value, 'train')).toEqual(new Array(10).fill(5000));
      expect(await countsOf(located.value, 'test')).toEqual(new Array(10).fill(1000));
      for await (const {pixels} of read(located.value, 'train')) {
        const red = (i: number, at: number): number => lossless[i * 3073 + 1 + at]!;
        for (const [i, at] of [
          [0, 0],
          [17, 500],
          [999, 1023],
        ] as const)
          expect([...pixels.subarray(i * 3072 + at * 3, i * 3072 + at * 3 + 3)]).toEqual([
            red(i, at),
            red(i, at + 1024),
            red(i, at + 2048),
          ]);
        break;
      }
    } finally {
      real.remove();
    }
  });
});

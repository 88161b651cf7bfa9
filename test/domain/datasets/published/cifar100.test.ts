// @module-tag slow
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {DatasetError} from '../../../../src/domain/datasets/dataset-error.ts';
import {cifar100} from '../../../../src/domain/datasets/published/cifar100.ts';
import {noArchive, type TemporaryFolder, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {cifar100Files, packedAs} from '../../../rig/cifar.ts';

const dataset = cifar100.create({});

let place: TemporaryFolder;
beforeAll(() => {
  place = temporaryFolder('cifar100');
});
afterAll(() => place.remove());

const located = async (): Promise<readonly SourceFile[]> => {
  const found = await dataset.locate({folders: [place.folder]}, 'fish');
  if (!found.ok) throw new Error(found.failures[0]!.message);
  return found.value;
};

async function countsOf(files: readonly SourceFile[], split: Split): Promise<readonly number[]> {
  const counts = new Array<number>(20).fill(0);
  for await (const {classes} of dataset.read(files, split, 'fish')) for (const label of classes) counts[label]!++;
  return counts;
}

test('takes the coarse label of a record, and the pixels after both', async () => {
  const content = cifar100Files();
  await packedAs(join(place.folder, 'cifar-100-binary.tar.gz'), 'cifar-100-binary', Object.entries(content));
  const files = await located();
  expect(files.map(({name}) => name)).toEqual(['cifar-100-binary.tar.gz']);
  expect(await countsOf(files, 'train')).toEqual(new Array(20).fill(2500));
  expect(await countsOf(files, 'test')).toEqual(new Array(20).fill(500));
  for await (const {pixels, classes} of dataset.read(files, 'test', 'fish')) {
    const record = content['test.bin']!.subarray(3074 * 43, 3074 * 44);
    expect(classes[43]).toBe(record[0]);
    const pixel = 33;
    expect([...pixels.subarray(43 * 3072 + 3 * pixel, 43 * 3072 + 3 * pixel + 3)]).toEqual([
      record[2 + pixel],
      record[2 + 1024 + pixel],
      record[2 + 2048 + pixel],
    ]);
    break;
  }
  rmSync(files[0]!.path);
});

test('labels that do not exist are refused, coarse or fine', async () => {
  const content = cifar100Files();
  for (const [name, bytes] of Object.entries(content)) writeFileSync(join(place.folder, name), bytes);
  const files = await located();
  const messages = [];
  for (const [byte, label] of [
    [0, 20],
    [1, 100],
  ] as const) {
    const wrong = Buffer.from(content['test.bin']!);
    wrong[3074 * 7 + byte] = label;
    writeFileSync(join(place.folder, 'test.bin'), wrong);
    const error: unknown = await countsOf(files, 'test').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DatasetError);
    messages.push((error as DatasetError).message.replaceAll(place.folder, '/data'));
  }
  expect(messages).toMatchInlineSnapshot(`
    [
      "/data/test.bin: expected 10,000 records of 3074 bytes, but record 7 has label 20, not one of 0 to 19. Replace it with the published file.",
      "/data/test.bin: expected 10,000 records of 3074 bytes, but record 7 has label 100, not one of 0 to 99. Replace it with the published file.",
    ]
  `);
});

describe.skipIf(noArchive('cifar100'))('the real record (needs cifar100.tar.gz)', () => {
  test('has the layout that is read: its coarse class goes with its fine one', async () => {
    const real = unpackedArchive('cifar100');
    try {
      const record = readFileSync(join(real.folder, 'cifar100', 'one_record_layout_sample.bin'));
      expect(record.length).toBe(3074);
      const content = cifar100Files();
      // In the place of a record of its class, so that the counts stay.
      const test = content['test.bin']!;
      const at = 3074 * Array.from({length: 10_000}, (_, i) => test[i * 3074]).indexOf(record[0]);
      test.set(record, at);
      for (const [name, bytes] of Object.entries(content)) writeFileSync(join(place.folder, name), bytes);
      for await (const {pixels, classes} of dataset.read(await located(), 'test', 'fish')) {
        const i = at / 3074;
        expect(classes[i]).toBe(record[0]);
        expect([...pixels.subarray(i * 3072, i * 3072 + 3)]).toEqual([record[2], record[2 + 1024], record[2 + 2048]]);
        break;
      }
    } finally {
      real.remove();
    }
  });
});

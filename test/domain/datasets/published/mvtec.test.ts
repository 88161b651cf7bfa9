import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import type {SourceFile} from '../../../../src/core/contracts/dataset.ts';
import {mvtec} from '../../../../src/domain/datasets/published/mvtec.ts';
import {noArchive, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {mvtecTree} from '../../../rig/images.ts';

const dataset = mvtec.create({size: 256, interpolation: 'bicubic'});

async function countsOf(files: readonly SourceFile[], split: 'train' | 'test', inlier: string) {
  const counts: {[name: string]: number} = {};
  for await (const {classes} of dataset.read(files, split, inlier))
    for (const label of classes) {
      const name = dataset.classes[label]!;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  return counts;
}

async function problems(folder: string, category: string): Promise<unknown> {
  const found = await dataset.locate({folders: [folder]}, category);
  return JSON.parse(JSON.stringify(found.ok ? 'found' : found.failures).replaceAll(folder, '/data'));
}

test('fifteen categories, of which good images are normal', () => {
  expect(dataset.inliers).toHaveLength(15);
  expect(dataset.inliers.map((category) => dataset.normalClass(category))).toEqual(new Array(15).fill('good'));
});

test('the middle is cut out after resizing, of images and masks', async () => {
  const place = await mvtecTree('toothbrush', [60, 12, 30]);
  const options = {size: 32, interpolation: 'bicubic'} as const;
  const read = async (of: typeof dataset) => {
    const found = await of.locate({folders: [place.folder]}, 'toothbrush');
    if (!found.ok) throw new Error(found.failures[0]!.message);
    for await (const batch of of.read(found.value, 'test', 'toothbrush')) return batch;
    throw new Error('no images');
  };
  const [whole, middle] = [await read(mvtec.create(options)), await read(mvtec.create({...options, crop: 24}))];
  place.remove();
  expect(middle.shape).toEqual({height: 24, width: 24, channels: 3});
  const cut = (values: Uint8Array, channels: number) =>
    Array.from({length: 24}, (_, y) => [
      ...values.subarray((32 * (y + 4) + 4) * channels, (32 * (y + 4) + 28) * channels),
    ]);
  expect([...middle.pixels.subarray(0, 24 * 24 * 3)]).toEqual(cut(whole.pixels, 3).flat());
  expect([...middle.masks!.subarray(0, 24 * 24)]).toEqual(cut(whole.masks!, 1).flat());
  expect(() => mvtec.create({...options, crop: 40})).toThrow('"crop" is 40, more than the "size" of 32 pixels');
});

test('a category is as published, each defect with its mask, or is refused', async () => {
  const empty = temporaryFolder('mvtec-none');
  expect(await problems(empty.folder, 'screw')).toMatchInlineSnapshot(`
    [
      {
        "hint": "get it from https://www.mvtec.com/company/research/datasets/mvtec-ad (a form asks for your name; CC BY-NC-SA 4.0), and unpack it so that /data/mvtec/screw/train/good is there",
        "message": "not found: looked for /data/mvtec/screw or /data/screw",
      },
    ]
  `);
  empty.remove();
  const place = await mvtecTree('toothbrush', [60, 12, 30]);
  expect(await problems(place.folder, 'toothbrush')).toBe('found');
  const inside = (...path: string[]): string => join(place.folder, 'mvtec', 'toothbrush', ...path);
  rmSync(inside('ground_truth', 'scratch', '007_mask.png'));
  expect(await problems(place.folder, 'toothbrush')).toMatchInlineSnapshot(`
    [
      {
        "hint": "Every image of test/ but the normal ones needs <image>_mask.png there.",
        "message": "/data/mvtec/toothbrush/ground_truth/scratch: masks are missing: 007_mask.png",
      },
    ]
  `);
  rmSync(inside('test', 'scratch', '007.png'));
  expect(await problems(place.folder, 'toothbrush')).toMatchInlineSnapshot(`
    [
      {
        "hint": "unpack the published archive again; for a part of it, or images of your own, use dataset image-folder",
        "message": "/data/mvtec/toothbrush: expected 60 images in train/good, 12 in test/good and 30 in the other folders of test, but there are 60 images in train/good, 12 in test/good and 29 in the other folders of test",
      },
    ]
  `);
  place.remove();
});

describe.skipIf(noArchive('mvtec-bottle'))('the real category bottle (needs mvtec-bottle.tar.gz)', () => {
  test('has 209 + 20 good images and 63 defects, and a mask for each of those', async () => {
    const place = unpackedArchive('mvtec-bottle');
    try {
      const found = await dataset.locate({folders: [place.folder]}, 'bottle');
      if (!found.ok) throw new Error(found.failures[0]!.message);
      // By kinds of defects.
      expect(await countsOf(found.value, 'train', 'bottle')).toEqual({good: 209});
      expect(await countsOf(found.value, 'test', 'bottle')).toEqual({
        good: 20,
        broken_large: 20,
        broken_small: 22,
        contamination: 21,
      });
    } finally {
      place.remove();
    }
  });
});

// @module-tag slow
import {copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import {describe, expect, test} from 'vitest';
import {ExpectedError} from '../../../../src/core/base/system-error.ts';
import type {SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {decodeImage} from '../../../../src/core/images/codec.ts';
import {cropped, resized} from '../../../../src/core/images/picture.ts';
import {DatasetError} from '../../../../src/domain/datasets/dataset-error.ts';
import {celeba} from '../../../../src/domain/datasets/published/celeba.ts';
import {readFaces} from '../../../../src/domain/datasets/published/celeba-lists.ts';
import {noArchive, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {celebaTree} from '../../../rig/images.ts';

const official = celeba.create({images: 'official'});
const anySize = celeba.create({images: 'any-size'});

const located = async (folder: string): Promise<readonly SourceFile[]> => {
  const found = await anySize.locate({folders: [folder]}, 'no-eyeglasses');
  if (!found.ok) throw new Error(found.failures[0]!.message);
  return found.value;
};

async function countsOf(files: readonly SourceFile[], split: Split): Promise<readonly number[]> {
  const counts = [0, 0];
  for await (const {classes} of anySize.read(files, split, 'no-eyeglasses'))
    for (const label of classes) counts[label]!++;
  return counts;
}

const problems = async (folder: string, dataset = anySize): Promise<unknown> => {
  const found = await dataset.locate({folders: [folder]}, 'no-eyeglasses');
  return JSON.parse(JSON.stringify(found.ok ? 'found' : found.failures).replaceAll(folder, '/data'));
};

test('faces of the training and test parts, cut to their middle; those with eyeglasses are anomalous', async () => {
  const place = await celebaTree([6, 3, 5], {height: 218, width: 178});
  const files = await located(place.folder);
  expect(files.map(({name}) => name)).not.toContain('000008.jpg');
  expect(files).toHaveLength(2 + 6 + 5);
  const labels: Record<string, readonly number[]> = {};
  for (const split of ['train', 'test'] as const)
    for await (const {classes, pixels} of official.read(files, split, 'no-eyeglasses')) {
      labels[split] = [...classes];
      const name = split === 'train' ? '000001.jpg' : '000010.jpg';
      const whole = await decodeImage(readFileSync(files.find((file) => file.name === name)!.path));
      const face = cropped(whole, {top: 40, left: 10, height: 158, width: 158}); // paper, section 5
      expect(pixels.subarray(0, 64 * 64 * 3)).toEqual(resized(face, 64, 64, 'bicubic').pixels);
    }
  expect(labels).toEqual({train: [1, 0, 0, 1, 0, 0], test: [1, 0, 0, 1, 0]});
  place.remove();
});

test('images of another size are refused by name, unless they are asked for', async () => {
  const place = await celebaTree([2, 0, 1], {height: 109, width: 89});
  const files = await located(place.folder);
  const reading = async () => {
    for await (const _ of official.read(files, 'train', 'no-eyeglasses'));
  };
  const error: unknown = await reading().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ExpectedError);
  expect((error as Error).message.replaceAll(place.folder, '/data')).toMatchInlineSnapshot(`
    "2 files cannot be used:
       /data/celeba/img_align_celeba/000001.jpg: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it has 89 × 109 pixels instead of 178 × 218. Take the aligned images as published, or set option images to any-size, which scales the crop.
       /data/celeba/img_align_celeba/000002.jpg: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it has 89 × 109 pixels instead of 178 × 218. Take the aligned images as published, or set option images to any-size, which scales the crop."
  `);
  for await (const {pixels} of anySize.read(files, 'test', 'no-eyeglasses')) {
    const whole = await decodeImage(readFileSync(files.at(-1)!.path));
    const face = cropped(whole, {top: 20, left: 5, height: 79, width: 79});
    expect(pixels).toEqual(resized(face, 64, 64, 'bicubic').pixels);
  }
  place.remove();
});

test('what is missing is told', async () => {
  const empty = temporaryFolder('celeba-none');
  expect(await problems(empty.folder)).toMatchInlineSnapshot(`
    [
      {
        "hint": "get "Align&Cropped Images" and the lists from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research), and put list_attr_celeba.txt, list_eval_partition.txt and the folder img_align_celeba into /data/celeba",
        "message": "not found: looked for list_attr_celeba.txt, list_eval_partition.txt, img_align_celeba in /data/celeba or /data",
      },
    ]
  `);
  empty.remove();
  const place = await celebaTree([2, 1, 1]);
  const home = join(place.folder, 'celeba');
  expect(await problems(place.folder, official)).toMatchInlineSnapshot(`
    [
      {
        "hint": "get "Align&Cropped Images" and the lists from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research), and put list_attr_celeba.txt, list_eval_partition.txt and the folder img_align_celeba into /data/celeba; for a part of it set option images to any-size",
        "message": "/data/celeba/list_eval_partition.txt: expected 162,770 + 19,867 + 19,962 images for training, validation and test, but there are 2 + 1 + 1",
      },
    ]
  `);
  rmSync(join(home, 'img_align_celeba', '000002.jpg'));
  expect(await problems(place.folder)).toMatchInlineSnapshot(`
    [
      {
        "hint": "get "Align&Cropped Images" and the lists from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research), and put list_attr_celeba.txt, list_eval_partition.txt and the folder img_align_celeba into /data/celeba",
        "message": "/data/celeba/img_align_celeba: 1 image of the lists missing: 000002.jpg",
      },
    ]
  `);
  rmSync(join(home, 'list_attr_celeba.txt'));
  expect(await problems(place.folder)).toMatchInlineSnapshot(`
    [
      {
        "hint": "get "Align&Cropped Images" and the lists from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research), and put list_attr_celeba.txt, list_eval_partition.txt and the folder img_align_celeba into /data/celeba",
        "message": "not found: looked for list_attr_celeba.txt, list_eval_partition.txt, img_align_celeba in /data/celeba or /data; /data/celeba lacks list_attr_celeba.txt",
      },
    ]
  `);
  place.remove();
});

test.for([
  ['attributes cut short', 'attr', (text: string) => text.slice(0, 70)],
  ['attributes with a line less', 'attr', (text: string) => text.split('\r\n').slice(0, -2).join('\r\n')],
  ['attributes with a short line', 'attr', (text: string) => text.replace('000003.jpg -1', '000003.jpg')],
  ['attributes without the number', 'attr', (text: string) => text.slice(3)],
  ['attributes without eyeglasses', 'attr', (text: string) => text.replace('Eyeglasses', 'Glasses')],
  ['parts cut short', 'partition', (text: string) => text.slice(0, 25)],
  ['parts with another number', 'partition', (text: string) => text.replace('jpg 2', 'jpg 3')],
  ['parts of other images', 'partition', (text: string) => text.replace('000004', '000044')],
] as const)('lists with %s are refused by name', async ([, which, edit]) => {
  const place = await celebaTree([2, 1, 1]);
  const name = which === 'attr' ? 'list_attr_celeba.txt' : 'list_eval_partition.txt';
  const path = join(place.folder, 'celeba', name);
  const files = await located(place.folder);
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
  const error: unknown = await countsOf(files, 'test').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DatasetError);
  expect((error as DatasetError).path).toBe(path);
  expect((error as Error).message.replaceAll(place.folder, '/data')).toMatchSnapshot();
  place.remove();
});

describe.skipIf(noArchive('celeba'))('the real data (needs celeba.tar.gz)', () => {
  test('has the published counts in its lists', () => {
    const place = unpackedArchive('celeba', ['celeba/official']);
    try {
      const [attributes, partition] = ['list_attr_celeba.txt', 'list_eval_partition.txt'].map((name) => {
        const path = join(place.folder, 'celeba', 'official', name);
        writeFileSync(path, gunzipSync(readFileSync(`${path}.gz`)));
        return path;
      });
      const faces = readFaces(attributes!, partition!, 'Eyeglasses');
      const count = (part: number, wears: boolean): number =>
        faces.filter((face) => face.partition === part && face.wears === wears).length;
      expect([0, 1, 2].map((part) => [count(part, false), count(part, true)])).toEqual([
        [152_249, 10_521],
        [18_484, 1383],
        [18_673, 1289],
      ]);
    } finally {
      place.remove();
    }
  });

  test('is read, half as large, by the lists of this project', async () => {
    const place = unpackedArchive('celeba');
    try {
      const home = join(place.folder, 'celeba');
      const development = readdirSync(home).find((name) => name.includes('NOT-OFFICIAL'))!;
      copyFileSync(join(home, development), join(home, 'list_eval_partition.txt'));
      const files = await located(place.folder);
      const [train, tested] = [await countsOf(files, 'train'), await countsOf(files, 'test')];
      const sum = (counts: readonly number[]): number => counts[0]! + counts[1]!;
      expect([sum(train), sum(tested)]).toEqual([3200, 400]);
      expect(Math.min(...train, ...tested)).toBeGreaterThan(0);
    } finally {
      place.remove();
    }
  });
});

import {existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import sharp from 'sharp';
import {describe, expect, test} from 'vitest';
import {NumpyRandom} from '../../../../src/core/base/numpy-random.ts';
import type {SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {decodeImage} from '../../../../src/core/images/codec.ts';
import {resized} from '../../../../src/core/images/picture.ts';
import {catsVsDogs} from '../../../../src/domain/datasets/published/cats-vs-dogs.ts';
import {noArchive, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {catsVsDogsTree, imageFixture} from '../../../rig/images.ts';

type Sizes = {readonly [split in Split]: number};

async function located(folder: string, sizes: Sizes): Promise<readonly SourceFile[]> {
  const found = await catsVsDogs.create(sizes).locate({folders: [folder]}, 'cat');
  if (!found.ok) throw new Error(found.failures[0]!.message);
  return found.value;
}

async function problems(folder: string, sizes: Sizes): Promise<unknown> {
  const found = await catsVsDogs.create(sizes).locate({folders: [folder]}, 'cat');
  return JSON.parse(JSON.stringify(found).replaceAll(folder, '/data'));
}

test('the split is that of one NumPy generator with seed 0, cats first, over names in the order of their text', async () => {
  const place = await catsVsDogsTree(12);
  const sizes = {train: 8, test: 4};
  const files = await located(place.folder, sizes);
  expect(files.slice(0, 4).map(({name}) => name)).toEqual(['cat/0.jpg', 'cat/1.jpg', 'cat/10.jpg', 'cat/11.jpg']);
  const random = new NumpyRandom(0);
  for (const [label, name] of ['cat', 'dog'].entries()) {
    const own = files.filter((file) => file.name.startsWith(name));
    const order = random.permutation(12);
    for (const [split, part] of [
      ['train', order.subarray(0, 8)],
      ['test', order.subarray(8)],
    ] as const) {
      let at = 0;
      for await (const {classes, pixels} of catsVsDogs.create(sizes).read(files, split, 'cat'))
        for (const [i, given] of classes.entries()) {
          if (given !== label) continue;
          // Made by hand of the file that should stand here: the short side to 64, then the middle.
          const {height, width, pixels: all} = await decodeImage(readFileSync(own[part[at++]!]!.path));
          const wide = Math.floor((64 * width) / height);
          const whole = resized({height, width, pixels: all}, 64, wide, 'area').pixels;
          const left = (wide - 64) >> 1;
          for (const y of [0, 63])
            expect(pixels.subarray((i * 64 + y) * 192, (i * 64 + y + 1) * 192)).toEqual(
              whole.subarray((y * wide + left) * 3, (y * wide + left + 64) * 3),
            );
        }
      expect(at).toBe(part.length);
    }
  }
  place.remove();
});

test("Kaggle's train.zip is read as well, and gives the same", async () => {
  const place = await catsVsDogsTree(12);
  const sizes = {train: 8, test: 4};
  const before = await located(place.folder, sizes);
  const home = join(place.folder, 'cats-vs-dogs');
  mkdirSync(join(home, 'train'));
  for (const name of ['cat', 'dog'])
    for (let i = 0; i < 12; i++)
      renameSync(
        join(home, 'PetImages', name === 'cat' ? 'Cat' : 'Dog', `${i}.jpg`),
        join(home, 'train', `${name}.${i}.jpg`),
      );
  const after = await located(place.folder, sizes);
  expect(after.map(({name}) => name)).toEqual(before.map(({name}) => name));
  expect(after.every(({path}) => existsSync(path))).toBe(true);
  place.remove();
});

test('missing and additional files are reported', async () => {
  const empty = temporaryFolder('cats-none');
  expect(await problems(empty.folder, {train: 10_000, test: 2500})).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "get train.zip of https://www.kaggle.com/c/dogs-vs-cats (an account is needed), and unpack it so that /data/cats-vs-dogs/train/cat.0.jpg is there",
          "message": "not found: looked for PetImages/Cat and PetImages/Dog, or train/cat.0.jpg and the like, in /data/cats-vs-dogs or /data",
        },
      ],
      "ok": false,
    }
  `);
  empty.remove();
  const place = await catsVsDogsTree(3);
  writeFileSync(join(place.folder, 'cats-vs-dogs', 'PetImages', 'Cat', 'Thumbs.db'), '');
  writeFileSync(join(place.folder, 'cats-vs-dogs', 'PetImages', 'Dog', '1 (copy).jpg'), '');
  rmSync(join(place.folder, 'cats-vs-dogs', 'PetImages', 'Cat', '2.jpg'));
  expect(await problems(place.folder, {train: 2, test: 1})).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "get train.zip of https://www.kaggle.com/c/dogs-vs-cats (an account is needed), and unpack it so that /data/cats-vs-dogs/train/cat.0.jpg is there; for a copy with fewer files set options train and test: its split is not the paper's",
          "message": "/data/cats-vs-dogs/PetImages/Cat: expected 2 + 1 images of cats, but there are 2",
        },
        {
          "hint": "move it elsewhere",
          "message": "/data/cats-vs-dogs/PetImages/Dog: expected the published images only, but found 1 (copy).jpg",
        },
      ],
      "ok": false,
    }
  `);
  place.remove();
});

test('empty images, as two of Microsoft’s archive are, are refused with where the paper’s set comes from', async () => {
  const place = await catsVsDogsTree(3);
  writeFileSync(join(place.folder, 'cats-vs-dogs', 'PetImages', 'Cat', '1.jpg'), '');
  const found = await problems(place.folder, {train: 2, test: 1});
  expect(found).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "get train.zip of https://www.kaggle.com/c/dogs-vs-cats (an account is needed), and unpack it so that /data/cats-vs-dogs/train/cat.0.jpg is there: only those files give the paper's split",
          "message": "/data/cats-vs-dogs/PetImages/Cat: expected images, but 1.jpg is empty, as in Microsoft's archive",
        },
      ],
      "ok": false,
    }
  `);
  place.remove();
});

test('Microsoft’s archive: its BMP files are called .jpg, and are read by what is inside', async () => {
  const place = await catsVsDogsTree(3);
  const file = join(place.folder, 'cats-vs-dogs', 'PetImages', 'Cat', '1.jpg');
  const read = async (): Promise<readonly Uint8Array[]> => {
    const sizes = {train: 2, test: 1};
    const found: Uint8Array[] = [];
    for (const split of ['train', 'test'] as const)
      for await (const {pixels} of catsVsDogs.create(sizes).read(await located(place.folder, sizes), split, 'cat'))
        found.push(pixels);
    return found;
  };
  const before = await read();
  const bmp = readFileSync(imageFixture('palette.bmp'));
  const {height, width, pixels} = await decodeImage(bmp);
  writeFileSync(
    file,
    await sharp(pixels, {raw: {height, width, channels: 3}})
      .png()
      .toBuffer(),
  );
  const asPng = await read();
  expect(asPng).not.toEqual(before);
  writeFileSync(file, bmp);
  expect(await read()).toEqual(asPng);
  place.remove();
});

test('Microsoft’s archive without its two empty files: refused with the counts, read with them as options', async () => {
  const place = await catsVsDogsTree(12);
  for (const name of ['Cat', 'Dog']) rmSync(join(place.folder, 'cats-vs-dogs', 'PetImages', name, '6.jpg'));
  expect(await problems(place.folder, {train: 8, test: 4})).toMatchObject({
    ok: false,
    failures: ['Cat', 'Dog'].map((name) => ({
      message: `/data/cats-vs-dogs/PetImages/${name}: expected 8 + 4 images of ${name.toLowerCase()}s, but there are 11`,
      hint: expect.stringMatching(/train\.zip .* set options train and test: its split is not the paper's$/),
    })),
  });
  expect(await located(place.folder, {train: 8, test: 3})).toHaveLength(22);
  place.remove();
});

describe.skipIf(noArchive('cats-vs-dogs'))('real photographs (needs cats-vs-dogs.tar.gz)', () => {
  test('are 600 of each, split 480 + 120', async () => {
    const place = unpackedArchive('cats-vs-dogs');
    try {
      const sizes = {train: 480, test: 120};
      const files = await located(place.folder, sizes);
      for (const split of ['train', 'test'] as const) {
        const counts = [0, 0];
        for await (const {classes} of catsVsDogs.create(sizes).read(files, split, 'cat'))
          for (const label of classes) counts[label]!++;
        expect(counts).toEqual([sizes[split], sizes[split]]);
      }
    } finally {
      place.remove();
    }
  });
});

import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {Dataset, ImageBatch, SourceFile, Split} from '../../src/core/contracts/dataset.ts';
import {prepared} from '../../src/core/images/preparation.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {DatasetError} from '../../src/domain/datasets/dataset-error.ts';
import type {TemporaryFolder} from '../rig/archives.ts';
import {cifar10Files, cifar100Files, rootWith} from '../rig/cifar.ts';
import {fashionMnistRoot, noFashionMnist} from '../rig/fashion-mnist.ts';
import {
  catsVsDogsTree,
  celebaTree,
  imageTree,
  mvtecAd2Tree,
  mvtecLocoTree,
  mvtecTree,
  visaTree,
  writeDigits,
} from '../rig/images.ts';

const plugins = new Plugins(builtin);

/** A dataset with options, and where its files are. */
interface Case {
  readonly type: string;
  readonly options: {readonly [option: string]: unknown};
  /** Images of each split as published; by inlier where they differ. */
  readonly counts: {readonly [split in Split]: number};
  /** Classes of which there are training images: all, or some. */
  readonly trained?: readonly string[];
  /** Classes of which there are test images: all, or some. */
  readonly tested?: readonly string[];
  /** The first, or this one. */
  readonly inlier?: string;
  /** It can't say how many training images a class has before it has read its files. */
  readonly uncounted?: true;
  /** Its images do not come as files of pictures. */
  readonly noPictures?: true;
  /** Folders for `locate`, made when the tests begin. */
  readonly open?: () => TemporaryFolder | Promise<TemporaryFolder>;
  /** The archive that the test needs, when it is not here. */
  readonly lacks?: string | false;
}

const cases: readonly Case[] = [
  {type: 'fashion-mnist', options: {edition: 'small'}, counts: {train: 5000, test: 1000}},
  {
    type: 'fashion-mnist',
    options: {},
    counts: {train: 60_000, test: 10_000},
    open: fashionMnistRoot,
    lacks: noFashionMnist && 'fashion-mnist.tar.gz',
  },
  {
    type: 'cifar10',
    options: {},
    noPictures: true,
    counts: {train: 50_000, test: 10_000},
    open: () => rootWith('cifar10/cifar-10-batches-bin', cifar10Files()),
  },
  {
    type: 'cifar100',
    options: {},
    noPictures: true,
    counts: {train: 50_000, test: 10_000},
    open: () => rootWith('', cifar100Files()),
  },
  {
    type: 'cats-vs-dogs',
    options: {train: 9, test: 3},
    counts: {train: 18, test: 6},
    open: () => catsVsDogsTree(12),
  },
  {
    type: 'celeba',
    options: {images: 'any-size'},
    uncounted: true,
    counts: {train: 9, test: 7},
    open: () => celebaTree([9, 4, 7]),
  },
  {
    type: 'mvtec',
    options: {},
    counts: {train: 60, test: 42},
    trained: ['good'],
    tested: ['good', 'scratch'],
    inlier: 'toothbrush',
    open: () => mvtecTree('toothbrush', [60, 12, 30]),
  },
  ...['square', 'mnist'].map((shape) => ({
    type: 'mvtec-synthetic',
    options: {size: 48, shape, fill: shape === 'mnist' ? 'colour' : 'natural'},
    counts: {train: 60, test: 24},
    trained: ['good'],
    inlier: 'toothbrush',
    async open() {
      const place = await mvtecTree('toothbrush', [60, 12, 30]);
      writeDigits(place.folder);
      return place;
    },
  })),
  {
    type: 'mvtec-loco',
    options: {size: 32, crop: 24},
    uncounted: true,
    counts: {train: 5, test: 9},
    trained: ['good'],
    inlier: 'pushpins',
    open: () => mvtecLocoTree('pushpins', [5, 4, 3, 2]),
  },
  {
    type: 'mvtec-ad-2',
    options: {size: 32},
    uncounted: true,
    counts: {train: 5, test: 7},
    trained: ['good'],
    inlier: 'rice',
    open: () => mvtecAd2Tree('rice', [5, 4, 3]),
  },
  {
    type: 'visa',
    options: {size: 32},
    uncounted: true,
    counts: {train: 5, test: 7},
    trained: ['normal'],
    inlier: 'candle',
    open: () => visaTree('candle', [5, 4, 3]),
  },
  {
    type: 'image-folder',
    options: {size: 16},
    uncounted: true,
    counts: {train: 5, test: 7},
    trained: ['good'],
    open: () => imageTree({'image-folder/train/good': 5, 'image-folder/test/good': 3, 'image-folder/test/bent': 4}),
  },
  {
    type: 'image-folder',
    options: {folder: 'parts', list: 'list.csv', classes: ['nut', 'bolt'], size: 8, fit: 'crop', interpolation: 'area'},
    uncounted: true,
    counts: {train: 6, test: 5},
    async open() {
      const place = await imageTree({'parts/a': 6, 'parts/b': 5});
      const line = (folder: string, split: string) => (_: unknown, i: number) =>
        `${folder}/00${i}.png,${split},${i % 2 ? 'nut' : 'bolt'}\r\n`;
      const lines = [...Array.from({length: 6}, line('a', 'train')), ...Array.from({length: 5}, line('b', 'test'))];
      writeFileSync(join(place.folder, 'parts', 'list.csv'), `path,split,label\r\n${lines.join('')}`);
      return place;
    },
  },
  {type: 'synthetic', options: {}, noPictures: true, counts: {train: 800, test: 800}},
  {
    type: 'synthetic',
    options: {size: 20, classes: 8, train: 33, test: 1, seed: 4},
    noPictures: true,
    counts: {train: 264, test: 8},
  },
];

const splits = ['train', 'test'] as const;

test('every dataset has a case here', () => {
  expect(plugins.names('dataset').filter((name) => !cases.some(({type}) => type === name))).toEqual([]);
});

for (const {
  type,
  options,
  counts,
  trained,
  tested: judged,
  inlier: wanted,
  uncounted,
  noPictures,
  open,
  lacks,
} of cases)
  describe.skipIf(lacks)(`${type} ${JSON.stringify(options)}${lacks ? ` (needs ${lacks})` : ''}`, () => {
    const checked = checkPlugin(plugins, 'dataset', {type, ...options});
    const dataset: Dataset = plugins.create('dataset', checked.value);
    const inlier = wanted ?? dataset.inliers[0]!;
    let place: TemporaryFolder | undefined;

    const picturesTitle =
      'a picture from elsewhere becomes as large as its own, and one that is as large stays as it is';
    test.skipIf(noPictures)(picturesTitle, () => {
      const {height, width} = dataset.shape;
      const picture = (h: number, w: number) => {
        const rng = new Rng('picture');
        return {height: h, width: w, pixels: Uint8Array.from({length: h * w * 3}, () => rng.integer(256))};
      };
      const other = picture(218, 178);
      const before = other.pixels.slice();
      const made = prepared(other, dataset.preparation!, dataset.shape);
      expect([made.height, made.width, made.pixels.length]).toEqual([height, width, height * width * 3]);
      expect(Buffer.compare(other.pixels, before)).toBe(0);
      const own = picture(height, width);
      const same = prepared(own, dataset.preparation!, dataset.shape);
      expect([same.height, same.width, Buffer.compare(same.pixels, own.pixels)]).toEqual([height, width, 0]);
    });

    test('it prepares pictures and counts training images, unless it declares that it cannot', () => {
      expect(dataset.preparation === undefined).toBe(noPictures === true);
      expect(dataset.trainImages?.(inlier) === undefined).toBe(uncounted === true);
    });
    let files: readonly SourceFile[] = [];

    beforeAll(async () => {
      place = await open?.();
      const located = await dataset.locate({folders: place ? [place.folder] : []}, inlier);
      if (!located.ok) throw new Error(located.failures[0]!.message);
      files = located.value;
    });
    afterAll(() => place?.remove());

    const images = (split: Split, from = files): AsyncIterable<ImageBatch> => dataset.read(from, split, inlier);

    /** Counts, classes and a digest of all that a reading gives. */
    const picture = async (split: Split) => {
      const hash = createHash('sha256');
      const seen = new Set<number>();
      let count = 0;
      for await (const batch of images(split)) {
        count += batch.count;
        for (const label of batch.classes) seen.add(label);
        hash.update(batch.pixels).update(new Uint8Array(batch.classes.slice().buffer));
      }
      return {count, classes: [...seen].toSorted((a, b) => a - b), digest: hash.digest('hex')};
    };

    test('options are valid, and names are unique', () => {
      expect(checked.issues).toEqual([]);
      expect(new Set(dataset.classes).size).toBe(dataset.classes.length);
      expect(new Set(dataset.inliers).size).toBe(dataset.inliers.length);
      for (const name of [...dataset.classes, ...dataset.inliers])
        expect(name).toMatch(/^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u);
    });

    test('every problem has a normal class and another class', () => {
      for (const name of dataset.inliers) expect(dataset.classes).toContain(dataset.normalClass(name));
      expect(dataset.classes.length).toBeGreaterThan(1);
    });

    test('files have unique names', () => {
      expect(new Set(files.map(({name}) => name)).size).toBe(files.length);
    });

    test('batches have the shape that the dataset says, and classes that it has', async () => {
      const {height, width, channels} = dataset.shape;
      for (const split of splits)
        for await (const batch of images(split)) {
          const {shape, count, pixels, classes} = batch;
          if (count < 1) throw new Error('an empty batch');
          expect([shape, pixels.length, classes.length]).toEqual([
            {height, width, channels},
            count * height * width * channels,
            count,
          ]);
          if (!classes.every((label) => Number.isInteger(label) && label >= 0 && label < dataset.classes.length))
            throw new Error('a class that the dataset does not have');
        }
    });

    test('every class has the published number of images, the same when read again', async () => {
      const indices = (names: readonly string[]) =>
        names.map((name) => dataset.classes.indexOf(name)).sort((a, b) => a - b);
      const [train, again, tested] = [await picture('train'), await picture('train'), await picture('test')];
      expect(train).toMatchObject({count: counts.train, classes: indices(trained ?? dataset.classes)});
      expect(tested).toMatchObject({count: counts.test, classes: indices(judged ?? dataset.classes)});
      expect(again).toEqual(train);
      expect(tested.digest).not.toBe(train.digest);
    });

    test.skipIf(uncounted)('the number of training images of the normal class is as declared', async () => {
      const normal = dataset.classes.indexOf(dataset.normalClass(inlier));
      let count = 0;
      for await (const {classes} of images('train')) count += classes.filter((label) => label === normal).length;
      expect(dataset.trainImages!(inlier)).toBe(count);
    });

    test('writing into one batch changes no other', async () => {
      const clean: string[] = [];
      for await (const {pixels} of images('test')) clean.push(createHash('sha256').update(pixels).digest('hex'));
      let at = 0;
      for await (const {pixels, classes} of images('test')) {
        expect(createHash('sha256').update(pixels).digest('hex')).toBe(clean[at++]);
        pixels.fill(77);
        classes.fill(77);
      }
    });

    test('reading may stop early, and two readings do not disturb each other', async () => {
      for await (const _ of images('train')) break;
      const [one, two] = await Promise.all([picture('test'), picture('test')]);
      expect(one).toEqual(two);
    });

    test('an incomplete file is refused by name', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cut-'));
      try {
        // Of a tree of images the first, one in the middle, and the last: they are all read in the same way.
        const few = [0, Math.floor(files.length / 2), files.length - 1];
        const some = files.filter((_, i) => files.length <= 8 || few.includes(i));
        for (const file of some) {
          const path = join(folder, 'cut');
          const whole = readFileSync(file.path);
          writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.7)));
          const cut = files.map((other) => (other === file ? {name: file.name, path} : other));
          const readAll = async () => {
            // The smaller split first.
            for (const split of ['test', 'train'] as const) for await (const _ of images(split, cut));
          };
          const error: unknown = await readAll().catch((thrown: unknown) => thrown);
          expect(error).toBeInstanceOf(DatasetError);
          expect((error as DatasetError).message).toContain(path);
        }
      } finally {
        rmSync(folder, {recursive: true});
      }
    });
  });

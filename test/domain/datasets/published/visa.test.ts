import {copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import {mvtec} from '../../../../src/domain/datasets/published/mvtec.ts';
import {visa} from '../../../../src/domain/datasets/published/visa.ts';
import {noArchive, type TemporaryFolder, temporaryFolder, unpackedArchive} from '../../../rig/archives.ts';
import {visaTree} from '../../../rig/images.ts';

const dataset = visa.create({size: 32, interpolation: 'bicubic'});
const places: TemporaryFolder[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

async function opened(): Promise<string> {
  const place = await visaTree('candle', [3, 2, 2]);
  places.push(place);
  return place.folder;
}

async function problem(folder: string, object = 'candle'): Promise<string> {
  const found = await dataset.locate({folders: [folder]}, object);
  if (found.ok) return 'found';
  return found.failures.map(({message, hint}) => `${message}; ${hint}`.replaceAll(folder, '/data')).join('\n');
}

test('the split is that of the list; sources are called as in the layout of MVTec AD', async () => {
  const found = await dataset.locate({folders: [await opened()]}, 'candle');
  if (!found.ok) throw new Error(found.failures[0]!.message);
  expect(found.value.map(({name}) => name)).toEqual([
    ...['000', '001'].map((name) => `ground_truth/anomaly/${name}_mask.png`),
    ...['000', '001'].map((name) => `test/anomaly/${name}.JPG`),
    ...['0003', '0004'].map((name) => `test/normal/${name}.JPG`),
    ...['0000', '0001', '0002'].map((name) => `train/normal/${name}.JPG`),
  ]);
  expect(dataset.trainImages!('candle', found.value)).toBe(3);
  expect(dataset.trainImages!('candle')).toBeUndefined();
  for await (const {classes, masks} of dataset.read(found.value, 'test', 'candle')) {
    expect([...classes]).toEqual([1, 1, 0, 0]);
    // 4 × 5 of 12 × 10 pixels, of the value 2.
    const share = masks!.subarray(0, 1024).reduce((sum, one) => sum + one, 0) / 1024;
    expect(share).toBeCloseTo(20 / 120, 1);
  }
});

test('what is missing or strange is reported with its place', async () => {
  const empty = temporaryFolder('visa-none');
  places.push(empty);
  expect(await problem(empty.folder)).toBe(
    'not found: looked for split_csv/1cls.csv in /data/visa or /data; get VisA_20220922.tar, of which https://github.com/amazon-science/spot-diff has the address (CC BY 4.0), and unpack it so that /data/visa/split_csv/1cls.csv is there',
  );
  const folder = await opened();
  const list = join(folder, 'visa', 'split_csv', '1cls.csv');
  const text = readFileSync(list, 'utf8');
  expect(await problem(folder, 'pcb1')).toContain('of pcb1 it has only these kinds of images: none');
  for (const [from, to, expected] of [
    [
      'candle,train,normal',
      'candle,train,anomaly',
      ', line 2 ("candle,train,anomaly,candle/Data/Images/Normal/0000.JPG,"): a training image has the label anomaly',
    ],
    ['candle,train,normal', 'candle,training,normal', ': its split "training" is not train or test'],
    ['candle,train,normal', 'candle,train,weird', ': its label "weird" is not normal or anomaly'],
    ['candle/Data/Masks/Anomaly/000.png', '', ': an anomaly has no mask'],
    [
      'candle/Data/Images/Normal/0000.JPG',
      'candle/../../0000.JPG',
      ': its image "candle/../../0000.JPG" is not below candle/',
    ],
    [
      'split,label',
      'label,split',
      ': expected the columns object, split, label, image, mask, but its first line is "object,label,split,image,mask"',
    ],
  ] as const) {
    writeFileSync(list, text.replace(from, to));
    const told = await problem(folder);
    expect(told).toContain('/data/visa/split_csv/1cls.csv');
    expect(told).toContain(expected);
  }
  writeFileSync(list, text);
  rmSync(join(folder, 'visa', 'candle', 'Data', 'Masks', 'Anomaly', '001.png'));
  expect(await problem(folder)).toContain(
    '/data/visa: 1 file of split_csv/1cls.csv missing: /data/visa/candle/Data/Masks/Anomaly/001.png',
  );
});

describe.skipIf(noArchive('mvtec-bottle'))('photos in this layout (needs mvtec-bottle.tar.gz)', () => {
  test('real images and masks are read as by mvtec', async () => {
    const place = unpackedArchive('mvtec-bottle');
    places.push(place);
    const bottle = join(place.folder, 'mvtec', 'bottle');
    const home = join(place.folder, 'visa');
    const [images, masks] = ['Images', 'Masks'].map((kind) => join(home, 'candle', 'Data', kind)) as [string, string];
    for (const folder of [
      join(images, 'Normal'),
      join(images, 'Anomaly'),
      join(masks, 'Anomaly'),
      join(home, 'split_csv'),
    ])
      mkdirSync(folder, {recursive: true});
    const rows = ['object,split,label,image,mask'];
    for (const name of readdirSync(join(bottle, 'test', 'broken_small'))) {
      copyFileSync(join(bottle, 'test', 'broken_small', name), join(images, 'Anomaly', name));
      const mask = name.replace('.png', '_mask.png');
      copyFileSync(join(bottle, 'ground_truth', 'broken_small', mask), join(masks, 'Anomaly', name));
      rows.push(`candle,test,anomaly,candle/Data/Images/Anomaly/${name},candle/Data/Masks/Anomaly/${name}`);
    }
    for (const [folder, split] of [
      ['test', 'test'],
      ['train', 'train'],
    ] as const)
      for (const name of readdirSync(join(bottle, folder, 'good')).slice(0, 20)) {
        copyFileSync(join(bottle, folder, 'good', name), join(images, 'Normal', `${split}-${name}`));
        rows.push(`candle,${split},normal,candle/Data/Images/Normal/${split}-${name},`);
      }
    writeFileSync(join(home, 'split_csv', '1cls.csv'), rows.join('\n'));
    const options = {size: 64, interpolation: 'bicubic'} as const;
    const anomalies = async (of: typeof dataset, inlier: string, from: number, count: number) => {
      const found = await of.locate({folders: [place.folder]}, inlier);
      if (!found.ok) throw new Error(found.failures[0]!.message);
      const bytes: Uint8Array[] = [];
      for await (const {count: many, pixels, masks: truth} of of.read(found.value, 'test', inlier))
        for (let i = 0; i < many; i++)
          bytes.push(pixels.subarray(i * 12288, (i + 1) * 12288), truth!.subarray(i * 4096, (i + 1) * 4096));
      return Buffer.concat(bytes.slice(2 * from, 2 * (from + count)));
    };
    // MVTec AD's folders: broken_large has 20 images, broken_small 22.
    const theirs = await anomalies(mvtec.create(options), 'bottle', 20, 22);
    const ours = await anomalies(visa.create(options), 'candle', 0, 22);
    expect(Buffer.compare(ours, theirs)).toBe(0);
  });
});

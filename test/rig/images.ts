import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import sharp from 'sharp';
import {Rng} from '../../src/core/base/random.ts';
import {type TemporaryFolder, temporaryFolder} from './archives.ts';

interface Plain {
  readonly height: number;
  readonly width: number;
  readonly pixels: readonly number[];
}

export const imageFixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));

/** Of `scripts/make-image-fixtures.py`. */
export const imageFixtures = JSON.parse(readFileSync(imageFixture('expected.json'), 'utf8')) as {
  readonly decoded: {readonly [name: string]: Plain};
  readonly resized: {
    readonly from: Plain;
    readonly to: readonly {
      readonly height: number;
      readonly width: number;
      readonly area: readonly number[];
      readonly bicubic: readonly number[];
    }[];
  };
  readonly permutations: readonly {
    readonly n: number;
    readonly calls: number;
    readonly begins: readonly number[];
    readonly sha256: string;
  }[];
};

/** A noise image of its own for every seed. */
export async function writeImage(
  path: string,
  {seed, height = 12, width = 10}: {readonly seed: string; readonly height?: number; readonly width?: number},
): Promise<void> {
  const rng = new Rng(seed);
  const pixels = Uint8Array.from({length: height * width * 3}, () => rng.integer(256));
  mkdirSync(dirname(path), {recursive: true});
  const image = sharp(pixels, {raw: {height, width, channels: 3}});
  writeFileSync(path, await (path.endsWith('.png') ? image.png() : image.jpeg()).toBuffer());
}

/** A data folder with so many images `000.png`, `001.png` … in each of these folders. */
export async function imageTree(folders: {readonly [path: string]: number}): Promise<TemporaryFolder> {
  const place = temporaryFolder('images');
  for (const [path, count] of Object.entries(folders))
    for (let i = 0; i < count; i++) {
      const name = `${path}/${String(i).padStart(3, '0')}.png`;
      await writeImage(join(place.folder, name), {seed: name});
    }
  return place;
}

/** `PetImages` with so many images of each class; no two are the same. */
export async function catsVsDogsTree(count: number): Promise<TemporaryFolder> {
  const place = temporaryFolder('cats-vs-dogs');
  for (const name of ['Cat', 'Dog'])
    for (let i = 0; i < count; i++) {
      const path = `cats-vs-dogs/PetImages/${name}/${i}.jpg`;
      await writeImage(join(place.folder, path), {seed: path, height: 40 + i, width: 90 - i});
    }
  return place;
}

/** A category of MVTec AD with so many images in train/good, in test/good and of one defect, whose masks are there. */
export async function mvtecTree(
  category: string,
  [train, good, defect]: readonly [number, number, number],
): Promise<TemporaryFolder> {
  const home = `mvtec/${category}`;
  const place = await imageTree({
    [`${home}/train/good`]: train,
    [`${home}/test/good`]: good,
    [`${home}/test/scratch`]: defect,
  });
  for (let i = 0; i < defect; i++) {
    const mask = join(place.folder, home, 'ground_truth', 'scratch', `${String(i).padStart(3, '0')}_mask.png`);
    await writeImage(mask, {seed: 'mask'});
  }
  return place;
}

/** A mask with one value in a rectangle, zero elsewhere, as large as `writeImage` makes images. */
export async function writeMask(
  path: string,
  {
    top = 2,
    left = 1,
    height = 4,
    width = 5,
    value = 255,
  }: Partial<Record<'top' | 'left' | 'height' | 'width' | 'value', number>> = {},
): Promise<void> {
  const [rows, columns] = [12, 10];
  const pixels = Uint8Array.from({length: rows * columns}, (_, i) => {
    const [y, x] = [Math.floor(i / columns), i % columns];
    return y >= top && y < top + height && x >= left && x < left + width ? value : 0;
  });
  mkdirSync(dirname(path), {recursive: true});
  const image = sharp(pixels, {raw: {height: rows, width: columns, channels: 1}});
  writeFileSync(path, await image.toColourspace('b-w').png().toBuffer());
}

const numbered = (count: number): readonly string[] =>
  Array.from({length: count}, (_, i) => String(i).padStart(3, '0'));

/** An object of VisA as published: so many normal images for training, for testing, and anomalies, whose masks have small values. */
export async function visaTree(
  object: string,
  [train, good, bad]: readonly [number, number, number],
): Promise<TemporaryFolder> {
  const place = temporaryFolder('visa');
  const home = join(place.folder, 'visa');
  const rows = ['object,split,label,image,mask'];
  for (const [i, name] of numbered(train + good).entries()) {
    const image = `${object}/Data/Images/Normal/0${name}.JPG`;
    await writeImage(join(home, image), {seed: image});
    rows.push(`${object},${i < train ? 'train' : 'test'},normal,${image},`);
  }
  for (const name of numbered(bad)) {
    const [image, mask] = [`${object}/Data/Images/Anomaly/${name}.JPG`, `${object}/Data/Masks/Anomaly/${name}.png`];
    await writeImage(join(home, image), {seed: image});
    await writeMask(join(home, mask), {value: 2});
    rows.push(`${object},test,anomaly,${image},${mask}`);
  }
  mkdirSync(join(home, 'split_csv'), {recursive: true});
  writeFileSync(join(home, 'split_csv', '1cls.csv'), `${rows.join('\n')}\n`);
  return place;
}

/** A category of MVTec AD 2 with so many images in train/good, and good and bad ones in test_public. */
export async function mvtecAd2Tree(
  category: string,
  [train, good, bad]: readonly [number, number, number],
): Promise<TemporaryFolder> {
  const home = `mvtec-ad-2/${category}`;
  const place = await imageTree({
    [`${home}/train/good`]: train,
    [`${home}/validation/good`]: 1,
    [`${home}/test_public/good`]: good,
    [`${home}/test_public/bad`]: bad,
    [`${home}/test_private`]: 1,
  });
  for (const name of numbered(bad))
    await writeMask(join(place.folder, home, 'test_public', 'ground_truth', 'bad', `${name}_mask.png`));
  return place;
}

/** A category of MVTec LOCO with so many images in train/good, and of each class in test. Every logical anomaly has two defects, which overlap. */
export async function mvtecLocoTree(
  category: string,
  [train, good, logical, structural]: readonly [number, number, number, number],
): Promise<TemporaryFolder> {
  const home = `mvtec-loco/${category}`;
  const place = await imageTree({
    [`${home}/train/good`]: train,
    [`${home}/validation/good`]: 1,
    [`${home}/test/good`]: good,
    [`${home}/test/logical_anomalies`]: logical,
    [`${home}/test/structural_anomalies`]: structural,
  });
  const mask = (kind: string, image: string, name: string) =>
    join(place.folder, home, 'ground_truth', kind, image, `${name}.png`);
  for (const image of numbered(logical)) {
    await writeMask(mask('logical_anomalies', image, '000'));
    await writeMask(mask('logical_anomalies', image, '001'), {top: 4, height: 6, value: 254});
  }
  for (const image of numbered(structural)) await writeMask(mask('structural_anomalies', image, '000'), {value: 253});
  const kinds = [
    {defect_name: 'missing_pin', pixel_value: 255, saturation_threshold: 5, relative_saturation: false},
    {defect_name: 'wrong_place', pixel_value: 254, saturation_threshold: 0.8, relative_saturation: true},
    {defect_name: 'broken', pixel_value: 253, saturation_threshold: 1000, relative_saturation: false},
  ];
  writeFileSync(join(place.folder, home, 'defects_config.json'), JSON.stringify(kinds));
  return place;
}

/** MNIST's test images in a data folder: three digits, which are an upright bar, a lying one, and the first again. */
export function writeDigits(root: string): void {
  const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28]);
  const digit = (ink: (x: number, y: number) => boolean) =>
    Buffer.from(Uint8Array.from({length: 28 * 28}, (_, i) => (ink(i % 28, Math.floor(i / 28)) ? 255 : 0)));
  const upright = digit((x, y) => x >= 12 && x < 16 && y >= 5 && y < 23);
  const lying = digit((x, y) => y >= 12 && y < 16 && x >= 5 && x < 23);
  mkdirSync(join(root, 'mnist'), {recursive: true});
  const file = join(root, 'mnist', 't10k-images-idx3-ubyte.gz');
  writeFileSync(file, gzipSync(Buffer.concat([header, upright, lying, upright])));
}

/** CelebA's lists and images, so many for training, validation and test; every third wears eyeglasses. */
export async function celebaTree(
  counts: readonly [number, number, number],
  size: {readonly height?: number; readonly width?: number} = {},
): Promise<TemporaryFolder> {
  const place = temporaryFolder('celeba');
  const home = join(place.folder, 'celeba');
  const faces = counts
    .flatMap((count, part) => new Array<number>(count).fill(part))
    .map((part, i) => ({name: `${String(i + 1).padStart(6, '0')}.jpg`, part, wears: i % 3 === 0 ? ' 1' : '-1'}));
  for (const {name} of faces) await writeImage(join(home, 'img_align_celeba', name), {seed: name, ...size});
  const lines = faces.map(({name, wears}) => `${name} -1  ${wears}  1\r\n`);
  writeFileSync(
    join(home, 'list_attr_celeba.txt'),
    `${faces.length}\r\nBald Eyeglasses Young \r\n${lines.join('').replaceAll('  -', ' -')}`,
  );
  writeFileSync(join(home, 'list_eval_partition.txt'), faces.map(({name, part}) => `${name} ${part}\r\n`).join(''));
  return place;
}

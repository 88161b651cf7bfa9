import {copyFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import sharp from 'sharp';
import {beforeEach, describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../../../src/builtin.ts';
import {ExpectedError} from '../../../../src/core/base/system-error.ts';
import type {Dataset, ImageBatch, SourceFile, Split} from '../../../../src/core/contracts/dataset.ts';
import {checkPlugin} from '../../../../src/core/plugin/check.ts';
import {Plugins} from '../../../../src/core/plugin/registry.ts';
import {readImageFiles} from '../../../../src/domain/datasets/readers/image-files.ts';
import type {TemporaryFolder} from '../../../rig/archives.ts';
import {imageFixture, imageFixtures, imageTree, writeImage} from '../../../rig/images.ts';

const plugins = new Plugins(builtin);

const create = (options: {readonly [option: string]: unknown}): Dataset => {
  const checked = checkPlugin(plugins, 'dataset', {type: 'image-folder', folder: 'own', size: 8, ...options});
  expect(checked.issues).toEqual([]);
  return plugins.create('dataset', checked.value);
};

let place: TemporaryFolder;
const at = (...path: string[]): string => join(place.folder, 'own', ...path);
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(place.folder, '/data'));

beforeEach(async () => {
  notes = [];
  place = await imageTree({'own/train/good': 3, 'own/test/good': 2, 'own/test/bent': 2, 'own/test/cut': 1});
  return () => place.remove();
});

const locate = async (dataset: Dataset): Promise<readonly SourceFile[]> => {
  const located = await dataset.locate(roots(), dataset.inliers[0]!);
  if (!located.ok) throw new Error(located.failures[0]!.message);
  return located.value;
};

/** What `locate` has reported. */
let notes: string[] = [];
const roots = () => ({folders: [place.folder], report: (text: string) => notes.push(plain(text) as string)});

const problems = async (dataset: Dataset): Promise<unknown> => {
  const located = await dataset.locate(roots(), dataset.inliers[0]!);
  return plain(located.ok ? 'found' : located.failures.map(({message, hint}) => `${message} | ${hint}`));
};

const read = async (dataset: Dataset, split: Split, files?: readonly SourceFile[]): Promise<readonly ImageBatch[]> => {
  const batches: ImageBatch[] = [];
  for await (const batch of dataset.read(files ?? (await locate(dataset)), split, dataset.inliers[0]!))
    batches.push(batch);
  return batches;
};

const failure = async (dataset: Dataset, split: Split, files?: readonly SourceFile[]): Promise<string> => {
  const error: unknown = await read(dataset, split, files).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ExpectedError);
  return String(plain((error as ExpectedError).message));
};

describe('a tree', () => {
  test('of train/good and test/* has one normal class; every other folder is anomalous', async () => {
    const dataset = create({});
    expect([dataset.inliers, dataset.classes]).toEqual([['good'], ['good', 'anomalous']]);
    expect((await locate(dataset)).map(({name}) => name)).toEqual([
      'train/good/000.png',
      'train/good/001.png',
      'train/good/002.png',
      'test/bent/000.png',
      'test/bent/001.png',
      'test/cut/000.png',
      'test/good/000.png',
      'test/good/001.png',
    ]);
    expect((await read(dataset, 'train')).map(({classes}) => [...classes])).toEqual([[0, 0, 0]]);
    expect((await read(dataset, 'test')).map(({classes}) => [...classes])).toEqual([[1, 1, 1, 0, 0]]);
  });

  test('of classes takes each in turn', async () => {
    for (const folder of ['train/bent', 'train/cut']) await writeImage(at(folder, '0.jpg'), {seed: folder});
    const dataset = create({classes: ['bent', 'cut', 'good']});
    expect(dataset.inliers).toEqual(['bent', 'cut', 'good']);
    expect((await read(dataset, 'train')).map(({classes}) => [...classes])).toEqual([[0, 1, 2, 2, 2]]);
    expect(await problems(create({classes: ['bent', 'cut']}))).toMatchInlineSnapshot(`
      [
        "/data/own/train: expected the folders bent, cut and nothing else, but found good | Known: bent, cut.",
        "/data/own/test: expected the folders bent, cut and nothing else, but found good | Known: bent, cut.",
      ]
    `);
  });

  test('that lacks something, or has too much, is told with all that is wrong', async () => {
    rmSync(at('train', 'good'), {recursive: true});
    mkdirSync(at('train', 'goood'));
    writeFileSync(at('test', 'notes.txt'), '');
    writeFileSync(at('test', 'bent', 'scan.bmp'), '');
    symlinkSync('/nowhere/at/all.png', at('test', 'cut', '9.png'));
    expect(await problems(create({}))).toMatchInlineSnapshot(`
      [
        "/data/own/train: expected the folders good and nothing else, but found goood | Did you mean "good"?",
        "there are no images in /data/own/train/good | Put JPEG, PNG, WebP, TIFF or BMP files there.",
        "/data/own/test/cut/9.png: expected files and folders, but found a link to nothing or a special file | Remove it, or repair the link.",
      ]
    `);
    expect(await problems(create({folder: 'other'}))).toMatchInlineSnapshot(`
      [
        "not found: looked for other beside the spec or /data/other | Make the folder with train/good, test/good and test/<defect> in it, or give another as option "folder"",
      ]
    `);
    expect(await problems(create({folder: '/nowhere'}))).toMatchInlineSnapshot(`
      [
        "not found: looked for /nowhere | Make the folder with train/good, test/good and test/<defect> in it, or give another as option "folder"",
      ]
    `);
  });

  test('may have good images alone in test, or no test: then every fifth image is for testing', async () => {
    rmSync(at('test', 'bent'), {recursive: true});
    rmSync(at('test', 'cut'), {recursive: true});
    expect((await read(create({}), 'test')).map(({classes}) => [...classes])).toEqual([[0, 0]]);
    rmSync(at('test'), {recursive: true});
    const held = await locate(create({}));
    expect(held.map(({name}) => name)).toEqual(['train/good/000.png', 'train/good/001.png', 'test/good/002.png']);
    for (let i = 3; i < 11; i++) await writeImage(at('train', 'good', `${i}.png`), {seed: String(i)});
    const more = await locate(create({}));
    expect(more.filter(({name}) => name.startsWith('test/')).map(({path}) => plain(path))).toEqual([
      '/data/own/train/good/3.png',
      '/data/own/train/good/8.png',
    ]);
    expect(notes).toEqual([
      'note: /data/own: there is no folder test, so every fifth normal image is for testing: 1 image',
      'note: /data/own: there is no folder test, so every fifth normal image is for testing: 2 images',
    ]);
  });

  test('may lack train: its folders are classes, or its images are normal', async () => {
    for (const folder of ['flat', 'classes/OK parts', 'classes/bent'])
      for (let i = 0; i < 6; i++) await writeImage(join(place.folder, folder, `${i}.png`), {seed: `${folder}${i}`});
    const flat = create({folder: 'flat'});
    expect((await read(flat, 'train')).map(({classes}) => [...classes])).toEqual([[0, 0, 0, 0, 0]]);
    expect((await read(flat, 'test')).map(({classes}) => [...classes])).toEqual([[0]]);
    const normal = create({folder: 'classes', normal: 'OK parts'});
    expect((await read(normal, 'train')).map(({classes}) => [...classes])).toEqual([[0, 0, 0, 0, 0]]);
    expect((await read(normal, 'test')).map(({classes}) => [...classes])).toEqual([[0, 1, 1, 1, 1, 1, 1]]);
    const turns = create({folder: 'classes', classes: ['bent', 'OK parts']});
    expect((await read(turns, 'train')).map(({classes}) => [...classes])).toEqual([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]]);
    expect(turns.trainImages!('bent', await locate(turns))).toBe(5);
  });

  test('whose split is called otherwise is not taken for images alone', async () => {
    await writeImage(join(place.folder, 'typo', 'logo.png'), {seed: 'logo'});
    await writeImage(join(place.folder, 'typo', 'Train', 'good', '0.png'), {seed: '0'});
    expect(await problems(create({folder: 'typo'}))).toEqual([
      'there is no folder /data/typo/train | Put the images into /data/typo/train/good.',
    ]);
  });

  test('may have folders of any name', async () => {
    for (const name of ['Normal', 'OK parts', 'Cat', '\u00e4', 'a.b', 'Schraube-2026']) {
      // As macOS writes it: the letter and its dots are two characters.
      const folder = name === '\u00e4' ? name.normalize('NFD') : name;
      for (const split of ['train', 'test']) await writeImage(at(split, folder, '0.png'), {seed: split});
      const dataset = create({normal: name});
      expect(dataset.inliers).toEqual([name]);
      rmSync(at('train', 'good'), {recursive: true, force: true});
      const batches = await read(dataset, 'test');
      expect(batches.flatMap(({classes}) => [...classes]).filter((label) => label === 0)).toHaveLength(1);
      rmSync(at('train', folder), {recursive: true});
      rmSync(at('test', folder), {recursive: true});
    }
    for (const name of ['', '.hidden', 'a/b', 'a\\b', 'a\nb'])
      expect(checkPlugin(plugins, 'dataset', {type: 'image-folder', normal: name}).issues[0]!.message).toContain(
        "to be a folder's name",
      );
    expect(create({normal: 'anomalous'}).classes).toEqual(['anomalous', 'other']);
  });

  test('leaves out what is not an image, and says so', async () => {
    writeFileSync(at('train', 'good', 'notes.txt'), '');
    writeFileSync(at('train', 'good', '._000.png'), '');
    writeFileSync(at('test', 'bent', '.DS_Store'), '');
    expect((await read(create({}), 'train')).map(({count}) => count)).toEqual([3]);
    expect(notes).toEqual(['note: /data/own: left out: 2 hidden files, 1 file that is not an image (notes.txt)']);
    mkdirSync(at('train', 'good', 'x.png'));
    expect(await problems(create({}))).toMatchInlineSnapshot(`
      [
        "/data/own/train/good: expected images, but found folders: x.png | Move the images out of them, or move the folders elsewhere.",
      ]
    `);
  });

  test('with ground_truth has a mask for every anomalous image', async () => {
    await writeImage(at('ground_truth', 'bent', '000_mask.png'), {seed: 'mask'});
    await writeImage(at('ground_truth', 'cut', '000_mask.png'), {seed: 'mask'});
    expect(await problems(create({}))).toMatchInlineSnapshot(`
      [
        "/data/own/ground_truth/bent: masks are missing: 001_mask.png | Every image of test/ but the normal ones needs <image>_mask.png there.",
      ]
    `);
    await writeImage(at('ground_truth', 'bent', '001_mask.png'), {seed: 'mask'});
    expect(await problems(create({}))).toBe('found');
    renameSync(at('ground_truth', 'bent', '001_mask.png'), at('ground_truth', 'bent', '001_MASK.PNG'));
    await writeImage(at('ground_truth', 'bent', '000_mask.tif'), {seed: 'mask'});
    rmSync(at('ground_truth', 'bent', '000_mask.png'));
    expect((await locate(create({masks: true}))).slice(-3).map(({name, path}) => `${name} ${plain(path)}`)).toEqual([
      'ground_truth/bent/000_mask.png /data/own/ground_truth/bent/000_mask.tif',
      'ground_truth/bent/001_mask.png /data/own/ground_truth/bent/001_MASK.PNG',
      'ground_truth/cut/000_mask.png /data/own/ground_truth/cut/000_mask.png',
    ]);
    await writeImage(at('ground_truth', 'bent', '000.png'), {seed: 'mask'});
    await writeImage(at('test', 'bent', '001.jpg'), {seed: 'twin'});
    expect(await problems(create({}))).toMatchInlineSnapshot(`
      [
        "/data/own/ground_truth/bent: masks without an image: 000.png | An image needs one mask, <image>_mask.png. Add the images to the others of bent, or remove the masks.",
        "/data/own/ground_truth/bent: several images would have one mask: 001_mask.png | Rename images that differ only in their extensions.",
      ]
    `);
    rmSync(at('ground_truth', 'bent', '000.png'));
    rmSync(at('test', 'bent', '001.jpg'));
    rmSync(at('test', 'bent', '001.png'));
    expect(await problems(create({}))).toMatchInlineSnapshot(`
      [
        "/data/own/ground_truth/bent: masks without an image: 001_MASK.PNG | An image needs one mask, <image>_mask.png. Add the images to the others of bent, or remove the masks.",
      ]
    `);
  });

  test('a mask of a defect has marked pixels, as stored; what the middle leaves out is empty', async () => {
    const mask = async (name: string, at: number | undefined) => {
      const pixels = Uint8Array.from({length: 12 * 10}, (_, i) => (i === at ? 1 : 0));
      const path = join(place.folder, 'own', 'ground_truth', name);
      mkdirSync(dirname(path), {recursive: true});
      writeFileSync(
        path,
        await sharp(pixels, {raw: {height: 12, width: 10, channels: 1}})
          .png()
          .toBuffer(),
      );
    };
    await mask('bent/000_mask.png', 0);
    await mask('bent/001_mask.png', 65);
    await mask('cut/000_mask.png', undefined);
    const marked = async (options: object) =>
      (await read(create({masks: true, size: 8, ...options}), 'test')).flatMap(({masks, count}) =>
        Array.from({length: count}, (_, i) => masks!.subarray(i * 64, (i + 1) * 64).reduce((sum, one) => sum + one, 0)),
      );
    await expect(marked({})).rejects.toThrow('000_mask.png');
    await expect(marked({})).rejects.toThrow('all of its pixels are zero');
    await mask('cut/000_mask.png', 115);
    expect(await marked({})).toEqual([1, 1, 1, 0, 0]);
    // 12 rows become 9, of which the last is cut off: its image stays anomalous.
    expect(await marked({fit: 'crop'})).toEqual([1, 1, 0, 0, 0]);
  });

  test('may have links and what file managers leave', async () => {
    renameSync(at('test', 'bent'), join(place.folder, 'elsewhere'));
    symlinkSync(join(place.folder, 'elsewhere'), at('test', 'bent'));
    writeFileSync(at('test', 'good', 'Thumbs.db'), '');
    writeFileSync(at('train', '.DS_Store'), '');
    expect((await read(create({}), 'test')).map(({classes}) => [...classes])).toEqual([[1, 1, 1, 0, 0]]);
  });

  test.runIf(process.platform === 'linux')('a name that is not UTF-8 is told before anything is read', async () => {
    writeFileSync(
      Buffer.concat([Buffer.from(`${at('train', 'good')}/`), Buffer.from([0x62, 0xff]), Buffer.from('.png')]),
      '',
    );
    expect(await problems(create({}))).toContainEqual(expect.stringContaining('expected names in UTF-8'));
  });

  test('one file is of one split and one class, in a list too', async () => {
    linkSync(at('train', 'good', '000.png'), at('test', 'bent', 'linked.png'));
    const told = '(test, bent) is the same file as';
    expect(await problems(create({}))).toContainEqual(expect.stringContaining(told));
    symlinkSync(at('train', 'good', '000.png'), at('copy.png'));
    writeFileSync(at('list.csv'), 'path,split,label\ntrain/good/000.png,train,good\ncopy.png,test,bent\n');
    expect(await problems(create({list: 'list.csv'}))).toContainEqual(expect.stringContaining(told));
    writeFileSync(at('list.csv'), 'path,split,label\ntrain/good/000.png,train,good\ncopy.png,train,good\n');
    expect(await locate(create({list: 'list.csv'}))).toHaveLength(3);
  });
});

describe('images', () => {
  test('of every kind are read: grey, 16 bits, transparent, palette, turned', async () => {
    rmSync(at('train', 'good'), {recursive: true});
    mkdirSync(at('train', 'good'));
    const names = Object.keys(imageFixtures.decoded).sort();
    for (const name of names) copyFileSync(imageFixture(name), at('train', 'good', name));
    const [batch] = await read(create({}), 'train');
    expect(batch!.count).toBe(names.length);
    const first = names.indexOf('grey16.png') * 192;
    const grey = batch!.pixels.subarray(first, first + 192);
    for (let i = 0; i < 192; i += 3) expect([grey[i + 1], grey[i + 2]]).toEqual([grey[i], grey[i]]);
  });

  test('that are broken are refused by name', async () => {
    writeFileSync(at('train', 'good', '001.png'), '');
    expect(await failure(create({}), 'train')).toMatchInlineSnapshot(
      `"/data/own/train/good/001.png: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it is empty. Replace it with a complete one."`,
    );
    writeFileSync(at('train', 'good', '001.png'), 'GIF89a');
    expect(await failure(create({}), 'train')).toMatchInlineSnapshot(
      `"/data/own/train/good/001.png: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it is GIF, which is not read. Convert it to PNG or JPEG, or remove it."`,
    );
    const files = await locate(create({}));
    rmSync(at('test', 'bent', '000.png'));
    expect(await failure(create({}), 'test', files)).toMatchInlineSnapshot(
      `"/data/own/test/bent/000.png: expected an image (JPEG, PNG, WebP, TIFF or BMP), but there is no such file. Replace it with a complete one."`,
    );
  });

  test('that are broken are told all at once, ten at most', async () => {
    writeFileSync(at('train', 'good', '000.png'), '');
    writeFileSync(at('train', 'good', '002.png'), 'GIF89a');
    expect(await failure(create({}), 'train')).toMatchInlineSnapshot(`
      "2 files cannot be used:
         /data/own/train/good/000.png: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it is empty. Replace it with a complete one.
         /data/own/train/good/002.png: expected an image (JPEG, PNG, WebP, TIFF or BMP), but it is GIF, which is not read. Convert it to PNG or JPEG, or remove it."
    `);
    for (let i = 0; i < 12; i++) writeFileSync(at('train', 'good', `${100 + i}.png`), '');
    const told = await failure(create({}), 'train');
    expect(told).toMatch(/^10 files cannot be used, and others may not:\n/);
    expect(told.split('\n')).toHaveLength(11);
  });

  test('are stretched, or cut to their middle', async () => {
    rmSync(at('train', 'good'), {recursive: true});
    await writeImage(at('train', 'good', 'wide.png'), {seed: 'wide', height: 8, width: 21});
    const [stretched] = await read(create({}), 'train');
    const [cut] = await read(create({fit: 'crop'}), 'train');
    const [own] = await read(create({size: 21, interpolation: 'area'}), 'train');
    // Nothing to resize: the crop is the pixels themselves, from column 6 on.
    expect(cut!.pixels).not.toEqual(stretched!.pixels);
    const row = own!.pixels.subarray(0, 21 * 3);
    expect([...cut!.pixels.subarray(0, 8 * 3)]).toEqual([...row.subarray(6 * 3, 14 * 3)]);
  });

  test('are decoded a few at a time, however many there are', async () => {
    let taken = 0;
    function* endless() {
      for (;;) {
        taken++;
        yield {path: imageFixture('plain.jpg'), label: 0};
      }
    }
    const shape = {height: 46, width: 37, channels: 3} as const;
    let seen = 0;
    for await (const {count} of readImageFiles(endless(), shape, [])) {
      seen += count;
      expect(taken - seen).toBeLessThanOrEqual(8);
      if (seen > 2000) break;
    }
  });
});

describe('a list', () => {
  const lines = (...rows: string[]): void => writeFileSync(at('list.csv'), `${rows.join('\n')}\n`);
  const good = ['path,split,label', 'train/good/000.png,train,good', '"test/bent/000.png",test,bent'];

  test('says which images are read, in its order', async () => {
    lines(...good, './test/good/001.png,test,good');
    const dataset = create({list: 'list.csv'});
    expect((await locate(dataset)).map(({name}) => name)).toEqual([
      'list.csv',
      'train/good/000.png',
      'test/bent/000.png',
      'test/good/001.png',
    ]);
    expect((await read(dataset, 'test')).map(({classes}) => [...classes])).toEqual([[1, 0]]);
  });

  test('may have a byte order mark, other columns, quotes and CRLF', async () => {
    renameSync(at('test', 'bent', '000.png'), at('test', 'bent', 'a, "b".png'));
    writeFileSync(
      at('list.csv'),
      '\uFEFFnote,label,path,split\r\n"two\r\nlines",good,train/good/000.png,train\r\n,bent,"test/bent/a, ""b"".png",test\r\n\r\n',
    );
    const located = await locate(create({list: 'list.csv'}));
    expect(located.map(({name}) => name)).toEqual(['list.csv', 'train/good/000.png', 'test/bent/a, "b".png']);
  });

  test.for([
    ['no file', undefined],
    ['nothing', ['']],
    ['no header', ['a.png,train,good']],
    ['a short line', [...good, 'test/good/000.png,test']],
    ['a quote left open', [...good, '"test/good/000.png,test,good']],
    ['an unknown split', [...good, 'test/good/000.png,val,good']],
    ['no label', [...good, 'test/good/000.png,test,']],
    ['an image twice', [...good, 'test/../train/good/000.png,test,good']],
    ['an image that is not there', [...good, 'test/good/999.png,test,good']],
    ['a path out of the folder', [...good, '../secret.png,test,good']],
    ['an absolute path', [...good, '/etc/secret.png,test,good']],
    ['an absolute path of Windows', [...good, 'C:\\secret.png,test,good']],
    ['a path out of the folder with backslashes', [...good, 'x\\..\\..\\a.png,test,good']],
    ['an image twice, once with backslashes', [...good, '.\\train\\good\\000.png,test,good']],
    ['semicolons', ['path;split;label', 'train/good/000.png;train;good']],
    ['an anomaly in train', [...good, 'train/good/001.png,train,bent']],
    ['a label that differs from the normal one by case alone', [...good, 'test/good/000.png,test,Good']],
    ['no image for training', [good[0]!, 'test/good/000.png,test,good']],
  ] as const)('with %s is refused', async ([, rows]) => {
    if (rows) lines(...rows);
    expect(await problems(create({list: 'list.csv'}))).toMatchSnapshot();
  });

  test('may have blanks after commas, backslashes, and labels of any text', async () => {
    lines('Path, Split, Label', 'train\\good\\000.png, train, OK parts', '.\\test\\bent\\000.png, test, ä b/c');
    const dataset = create({list: 'list.csv', normal: 'OK parts'});
    expect((await locate(dataset)).map(({name}) => name)).toEqual([
      'list.csv',
      'train/good/000.png',
      'test/bent/000.png',
    ]);
    expect((await read(dataset, 'test')).map(({classes}) => [...classes])).toEqual([[1]]);
    expect(dataset.trainImages!('OK parts', await locate(dataset))).toBe(1);
  });

  test('may have no row for testing: then every fifth image is', async () => {
    for (let i = 3; i < 10; i++) await writeImage(at('train', 'good', `${i}.png`), {seed: String(i)});
    const rows = ['000', '001', '002', '3', '4', '5', '6', '7', '8', '9'].map(
      (name) => `train/good/${name}.png,train,good`,
    );
    lines('path,split,label', ...rows);
    const dataset = create({list: 'list.csv'});
    expect((await read(dataset, 'train')).map(({classes}) => [...classes])).toEqual([Array(8).fill(0)]);
    expect((await read(dataset, 'test')).map(({classes}) => [...classes])).toEqual([[0, 0]]);
    expect(notes[0]).toBe(
      'note: /data/own: split test has no image, so every fifth normal image is for testing: 2 images',
    );
  });

  test('of classes takes only those', async () => {
    lines(...good);
    expect(await problems(create({list: 'list.csv', classes: ['good', 'cut']}))).toMatchInlineSnapshot(`
      [
        "/data/own/list.csv: expected a label of good, cut, but line 3 has the label "bent". Correct it, or add it to option "classes" | It is read because of option "list".",
      ]
    `);
  });
});

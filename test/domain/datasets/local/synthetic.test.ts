import {createHash} from 'node:crypto';
import {expect, test} from 'vitest';
import type {ImageBatch, Split} from '../../../../src/core/contracts/dataset.ts';
import {synthetic} from '../../../../src/domain/datasets/local/synthetic.ts';

const defaults = {size: 16, train: 20, test: 10, classes: 4, seed: 0, defects: false};

const read = async (options: typeof defaults, split: Split): Promise<readonly ImageBatch[]> => {
  const batches: ImageBatch[] = [];
  for await (const batch of synthetic.create(options).read([], split, '')) batches.push(batch);
  return batches;
};

const digest = async (options: typeof defaults, split: Split): Promise<string> => {
  const hash = createHash('sha256');
  for (const {pixels} of await read(options, split)) hash.update(pixels);
  return hash.digest('hex').slice(0, 16);
};

test('as many images of each class as asked for, in batches', async () => {
  for (const classes of [2, 8]) {
    const batches = await read({...defaults, classes, train: 100}, 'train');
    const counts = new Map<number, number>();
    for (const batch of batches) for (const label of batch.classes) counts.set(label, (counts.get(label) ?? 0) + 1);
    expect([...counts]).toEqual(Array.from({length: classes}, (_, label) => [label, 100]));
    expect(Math.max(...batches.map(({count}) => count))).toBeLessThanOrEqual(256);
  }
});

test('no files are needed, and the classes are the problems', async () => {
  const dataset = synthetic.create({...defaults, classes: 3});
  expect(await dataset.locate({folders: []}, 'blobs')).toEqual({ok: true, value: []});
  expect(dataset.inliers).toEqual(['stripes', 'checkers', 'blobs']);
  expect(dataset.normalClass('blobs')).toBe('blobs');
});

test('the same options always give the same images', async () => {
  // These change only with the plug-in's version.
  expect(await digest(defaults, 'train')).toMatchInlineSnapshot(`"a038ebd8c25d36d8"`);
  expect(await digest({...defaults, classes: 8, size: 9}, 'test')).toMatchInlineSnapshot(`"ff291c32499bac76"`);
});

test('another seed or split gives other images; a larger number begins with the same images', async () => {
  const all = [await digest(defaults, 'train'), await digest({...defaults, seed: 1}, 'train')];
  expect(new Set([...all, await digest({...defaults, test: 20}, 'test')]).size).toBe(3);
  const [few] = await read(defaults, 'test');
  const [many] = await read({...defaults, test: 20}, 'test');
  expect(many!.pixels.subarray(0, few!.pixels.length)).toEqual(few!.pixels);
});

test('horizontal stripes are horizontal: neighbours in a row are similar, in a column they are not', async () => {
  const size = 32;
  const [batch] = await read({...defaults, size}, 'test');
  let along = 0;
  let across = 0;
  for (let image = 0; image < batch!.count; image++)
    if (batch!.classes[image] === 0)
      for (let y = 0; y + 1 < size; y++)
        for (let x = 0; x + 1 < size; x++) {
          const value = (row: number, column: number) => batch!.pixels[((image * size + row) * size + column) * 3]!;
          along += Math.abs(value(y, x) - value(y, x + 1));
          across += Math.abs(value(y, x) - value(y + 1, x));
        }
  expect(across).toBeGreaterThan(2.5 * along);
});

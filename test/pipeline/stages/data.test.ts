import {mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {readImageSet} from '../../../src/core/formats/arrow/images.ts';
import type {Plugins} from '../../../src/core/plugin/registry.ts';
import {data} from '../../../src/pipeline/stages/data.ts';
import {Subset, stratify} from '../../../src/pipeline/stages/subset.ts';
import {toyDataset, toyPlugins, writeToys} from '../../rig/toys.ts';

const folder = mkdtempSync(join(tmpdir(), 'data-'));
const sources = await writeToys(folder, {train: [50, 200, 3], test: [80, 15, 5]});
let made = 0;

async function run(limit?: {train?: number; test?: number}, plugins: Plugins = toyPlugins(), inlier?: string) {
  const [out, scratch] = [join(folder, `${made}-out`), join(folder, `${made++}-scratch`)];
  mkdirSync(out);
  mkdirSync(scratch);
  const summary = await data.run({
    kind: 'data',
    recipe: {dataset: {type: 'toy'}, version: 1, ...(limit && {limit}), ...(inlier !== undefined && {inlier})},
    inputs: {},
    sources,
    out,
    scratch,
    plugins,
    signal: new AbortController().signal,
    report: () => undefined,
    warn: () => undefined,
    note: () => undefined,
    checkpointEvery: 120,
  });
  expect(readdirSync(out)).toEqual(['test.arrow', 'train.arrow']);
  expect(readdirSync(scratch)).toEqual([]);
  return {out, summary: summary as unknown as {train: number[]; test: number[]}};
}

/** Images as texts, so that they can be looked up. */
async function texts(path: string): Promise<string[]> {
  const {count, pixels} = await readImageSet(path);
  const size = pixels.length / count;
  return Array.from({length: count}, (_, i) => Buffer.from(pixels.slice(i * size, (i + 1) * size)).toString('base64'));
}

test('without a limit, all images come in the published order', async () => {
  const {out, summary} = await run();
  expect(summary).toMatchObject({train: [50, 200, 3], test: [80, 15, 5]});
  const set = await readImageSet(join(out, 'train.arrow'));
  const file = readFileSync(join(folder, 'train.toys'));
  expect([...set.classes]).toEqual(Array.from({length: 253}, (_, i) => file[i * 49]));
  expect(Buffer.from(set.pixels.slice(48 * 252)).equals(file.subarray(49 * 252 + 1))).toBe(true);
});

test('a limit counts training images of each class, and test images in total', async () => {
  const {summary} = await run({train: 20, test: 30});
  expect(summary).toMatchObject({train: [20, 20, 3], test: [24, 5, 1]});
});

test('a subset is the same each time, keeps the order, and is part of every larger one', async () => {
  const [whole, ten, twenty, again] = [
    await run(),
    await run({train: 10}),
    await run({train: 20}),
    await run({train: 10}),
  ];
  const order = await texts(join(whole.out, 'train.arrow'));
  const small = await texts(join(ten.out, 'train.arrow'));
  const large = await texts(join(twenty.out, 'train.arrow'));
  expect(small).toEqual(order.filter((image) => small.includes(image)));
  expect(large).toEqual(expect.arrayContaining(small));
  expect(small).not.toEqual(order.slice(0, small.length));
  expect(readFileSync(join(again.out, 'train.arrow')).equals(readFileSync(join(ten.out, 'train.arrow')))).toBe(true);
});

test('a limit above the number of images changes nothing', async () => {
  const [whole, limited] = [await run(), await run({train: 1000, test: 1000})];
  for (const name of ['train.arrow', 'test.arrow']) {
    expect(readFileSync(join(limited.out, name)).equals(readFileSync(join(whole.out, name)))).toBe(true);
  }
});

test('if a file changes while it is read, even if it is changed back, the stage fails', async () => {
  const path = join(folder, 'train.toys');
  const content = readFileSync(path);
  const meddle = toyPlugins(toyDataset(() => writeFileSync(path, content)));
  await expect(run(undefined, meddle)).rejects.toMatchObject({
    message: `${path} changed while it was read`,
    hint: 'Run the spec again when no other program writes to it.',
  });
});

test('a class without training images is an error', async () => {
  const few = await writeToys(mkdtempSync(join(folder, 'few-')), {train: [5, 0, 5], test: [1, 1, 1]});
  const held = [...sources];
  (sources as unknown[]).splice(0, 2, ...few);
  try {
    await expect(run()).rejects.toMatchObject({
      message: 'the training images of toy have no image of class green',
      hint: 'Check that the dataset is complete: "pipeline data verify".',
    });
    // Read for one inlier, only that one must have images.
    await expect(run(undefined, toyPlugins(toyDataset(undefined, true)), 'red')).resolves.toBeDefined();
  } finally {
    (sources as unknown[]).splice(0, 2, ...held);
  }
});

test('places are shared in proportion, with at least one for each class and at most its images', () => {
  const share = (sizes: readonly number[], total: number) => [
    ...stratify(new Map(sizes.map((size, i) => [`${i}`, size])), total).values(),
  ];
  expect(share([100, 100, 100], 30)).toEqual([10, 10, 10]);
  expect(share([100, 100, 100], 31)).toEqual([11, 10, 10]);
  expect(share([900, 99, 1], 10)).toEqual([8, 1, 1]);
  expect(share([1, 1, 1000], 4)).toEqual([1, 1, 2]);
  expect(share([5, 5, 5], 2)).toEqual([1, 1, 0]);
  expect(share([5, 5], 100)).toEqual([5, 5]);
  expect(share([3, 0, 4], 0)).toEqual([0, 0, 0]);
  expect(share([0, 7], 3)).toEqual([0, 3]);
});

test('every image of a stream is equally likely to be chosen', () => {
  const hits = new Float64Array(40);
  for (let round = 0; round < 2000; round++) {
    const subset = new Subset(`round ${round}`, 10);
    const candidates: number[] = [];
    for (let i = 0; i < 40; i++) if (subset.offer('one')) candidates.push(i);
    for (const row of subset.chosen(() => 10)) hits[candidates[row]!]!++;
  }
  // Expected 500 each, standard deviation 19.4.
  expect(Math.min(...hits)).toBeGreaterThan(420);
  expect(Math.max(...hits)).toBeLessThan(580);
  expect(hits.reduce((a, b) => a + b, 0)).toBe(20_000);
});

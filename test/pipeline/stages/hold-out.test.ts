import {mkdirSync, mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {createImagesWriter, readImageSet} from '../../../src/core/formats/arrow/images.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import type {Static} from '../../../src/core/plugin/type.ts';
import {holdOut} from '../../../src/pipeline/stages/hold-out.ts';

const folder = mkdtempSync(join(tmpdir(), 'hold-out-'));
const plugins = new Plugins(builtin);
const shape = {height: 3, width: 3, channels: 1} as const;
const classes = ['bag', 'coat', 'shirt'];
const transforms = [[{type: 'rotate90'}], [{type: 'rotate90'}, {type: 'rotate90'}]];
let made = 0;

/** Images that all differ: their pixels count on. */
async function table(labels: readonly number[]): Promise<string> {
  const path = join(folder, `${made++}.arrow`);
  const writer = await createImagesWriter(path, {shape, classes});
  const pixels = Uint8Array.from({length: 9 * labels.length}, (_, i) => (i % 9 === 0 ? Math.floor(i / 9) : i % 7));
  await writer.write({shape, count: labels.length, pixels, classes: Int32Array.from(labels)});
  await writer.close();
  return path;
}

async function run(images: string, recipe: Partial<Static<typeof holdOut.recipe>> = {}) {
  const out = join(folder, `${made++}`);
  mkdirSync(out);
  const summary = await holdOut.run({
    kind: 'hold-out',
    recipe: {fraction: 0.1, seed: 0, normal: 'coat', versions: {'transform rotate90': 1}, ...recipe},
    inputs: {images},
    sources: [],
    out,
    scratch: folder,
    plugins,
    signal: new AbortController().signal,
    report: () => undefined,
    warn: () => undefined,
    note: () => undefined,
    checkpointEvery: 120,
  });
  const read = async (name: string) => {
    const {pixels, classes: labels, classNames} = await readImageSet(join(out, name));
    const at = (i: number) => [...pixels.subarray(9 * i, 9 * (i + 1))];
    return Array.from(labels, (label, i) => ({name: classNames[label]!, pixels: at(i)}));
  };
  return {summary, train: await read('train.arrow'), validation: await read('validation.arrow')};
}

const texts = (images: readonly {readonly pixels: readonly number[]}[]) => images.map(({pixels}) => pixels.join());

/** 60 coats among 40 bags and 20 shirts. */
const labels = Array.from({length: 120}, (_, i) => (i % 2 === 0 ? 1 : i % 3 === 0 ? 2 : 0));
const images = await table(labels);

test('held-out: a tenth of the normal images against as many others, and none of them is left for training', async () => {
  const {summary, train, validation} = await run(images);
  expect(summary).toEqual({train: 54, normal: 6, anomalous: 6});
  expect(train.every(({name}) => name === 'coat')).toBe(true);
  expect(validation.filter(({name}) => name === 'coat')).toHaveLength(6);
  const normal = texts((await readAll()).filter(({name}) => name === 'coat'));
  const kept = texts(train);
  const held = texts(validation.filter(({name}) => name === 'coat'));
  expect(held.filter((image) => kept.includes(image))).toEqual([]);
  expect([...kept, ...held].sort()).toEqual(normal.sort());
  const others = texts((await readAll()).filter(({name}) => name !== 'coat'));
  expect(texts(validation.filter(({name}) => name !== 'coat')).every((image) => others.includes(image))).toBe(true);
});

async function readAll() {
  const {pixels, classes: own} = await readImageSet(images);
  return Array.from(own, (label, i) => ({name: classes[label]!, pixels: [...pixels.subarray(9 * i, 9 * (i + 1))]}));
}

test('synthetic: the same held-out images, each once for every item of the list', async () => {
  const plain = await run(images);
  const {summary, train, validation} = await run(images, {transforms});
  expect(summary).toEqual({train: 54, normal: 6, anomalous: 12});
  expect(train).toEqual(plain.train);
  const of = (name: string) => validation.filter((image) => image.name === name).map(({pixels}) => pixels);
  expect(of('coat')).toEqual(plain.validation.filter(({name}) => name === 'coat').map(({pixels}) => pixels));
  const turned = (p: readonly number[]) => [2, 5, 8, 1, 4, 7, 0, 3, 6].map((i) => p[i]!); // counter-clockwise
  expect(of('rotate90')).toEqual(of('coat').map(turned));
  expect(of('rotate90 + rotate90')).toEqual(of('coat').map((image) => turned(turned(image))));
});

test('synthetic: the labels and the images of other classes change nothing', async () => {
  const expected = await run(images, {transforms});
  const relabelled = await table(labels.map((label, i) => (label === 1 ? 1 : i % 5 === 0 ? 2 : 0)));
  expect(await run(relabelled, {transforms})).toEqual(expected);
  expect((await run(await table(labels.map((label) => (label === 1 ? 1 : 0))), {transforms})).train).toEqual(
    expected.train,
  );
});

test('another seed chooses others, and a larger fraction has those of a smaller one', async () => {
  const held = async (recipe: object) => texts((await run(images, {transforms, ...recipe})).validation.slice(0, 6));
  expect(await held({seed: 1})).not.toEqual(await held({}));
  const third = texts((await run(images, {transforms, fraction: 0.3})).validation.slice(0, 18));
  expect((await held({})).every((image) => third.includes(image))).toBe(true);
});

test('what cannot be held out is refused', async () => {
  const normal = await table([1, 1, 1, 1]);
  await expect(run(normal)).rejects.toThrow(
    'validation of type "held-out" takes its anomalies from the training images, but these are all normal',
  );
  expect((await run(normal, {transforms})).summary).toEqual({train: 3, normal: 1, anomalous: 2});
  await expect(run(await table([1, 0]))).rejects.toThrow(
    'validation would hold out all 1 training images of class "coat"',
  );
});

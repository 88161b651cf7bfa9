import {mkdirSync, mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {readArrays} from '../../../src/core/formats/arrow/arrays.ts';
import {createImagesWriter, readImages} from '../../../src/core/formats/arrow/images.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import type {Static} from '../../../src/core/plugin/type.ts';
import {contaminate} from '../../../src/pipeline/stages/contaminate.ts';
import {holdOut} from '../../../src/pipeline/stages/hold-out.ts';

const folder = mkdtempSync(join(tmpdir(), 'contaminate-'));
const plugins = new Plugins(builtin);
const shape = {height: 2, width: 2, channels: 1} as const;
const classes = ['bag', 'coat', 'shirt'];
const coat = 1;
let made = 0;

/** Images that all differ: the first two pixels are the number of the image, from `first`; the third is its class. */
async function table(labels: readonly number[], first: number, masks = false): Promise<string> {
  const path = join(folder, `${made++}.arrow`);
  const writer = await createImagesWriter(path, {shape, classes, masks});
  const pixels = Uint8Array.from(labels.flatMap((label, i) => [(first + i) >> 8, (first + i) & 255, label, 0]));
  await writer.write({
    shape,
    count: labels.length,
    pixels,
    classes: Int32Array.from(labels),
    ...(masks && {masks: Uint8Array.from(labels.flatMap((label) => Array(4).fill(label === coat ? 0 : 1)))}),
  });
  await writer.close();
  return path;
}

interface Image {
  readonly id: number;
  /** What the pixels show, and what the table says. */
  readonly shows: number;
  readonly label: number;
  readonly mask?: number;
}

async function imagesIn(path: string): Promise<readonly Image[]> {
  const images: Image[] = [];
  for await (const {count, pixels, classes: labels, masks} of readImages(path))
    for (let i = 0; i < count; i++)
      images.push({
        id: 256 * pixels[4 * i]! + pixels[4 * i + 1]!,
        shows: pixels[4 * i + 2]!,
        label: labels[i]!,
        ...(masks && {mask: masks[4 * i]!}),
      });
  return images;
}

const truthIn = async (folder: string) => [...(await readArrays(join(folder, 'truth.arrow'))).get('anomalous')!.data];

function contextOf<R>(recipe: R, inputs: {readonly [role: string]: string}, notes: string[]) {
  const out = join(folder, `${made++}`);
  mkdirSync(out);
  return {
    kind: 'test',
    recipe,
    inputs,
    sources: [],
    out,
    scratch: folder,
    plugins,
    signal: new AbortController().signal,
    report: () => undefined,
    warn: () => undefined,
    note: (message: string) => notes.push(message),
    checkpointEvery: 120,
  };
}

async function run(
  inputs: {readonly [role: string]: string},
  changes: Partial<Static<typeof contaminate.recipe>> = {},
) {
  const notes: string[] = [];
  const recipe = {ratio: 0.1, seed: 0, normal: 'coat', from: 'train' as const, ...changes};
  const context = contextOf(recipe, inputs, notes);
  const summary = await contaminate.run(context);
  const train = await imagesIn(join(context.out, 'train.arrow'));
  return {out: context.out, summary, train, truth: await truthIn(context.out), notes};
}

/** 60 coats, 40 bags and 20 shirts. */
const labels = Array.from({length: 120}, (_, i) => (i % 2 === 0 ? coat : i % 3 === 0 ? 2 : 0));
const train = await table(labels, 0);
const anomaliesOf = (images: readonly Image[]) => images.filter(({shows}) => shows !== coat).map(({id}) => id);

test('a tenth of the training images are others under the name of the normal class, and the truth says which', async () => {
  const {train: images, truth, summary, notes} = await run({train});
  expect(images).toHaveLength(60);
  expect(images.every(({label}) => label === coat)).toBe(true);
  expect(truth).toEqual(images.map(({shows}) => (shows === coat ? 0 : 1)));
  expect(truth.filter((mark) => mark === 1)).toHaveLength(6);
  expect(new Set(images.map(({id}) => id)).size).toBe(60);
  const counts = {bag: 0, coat: 0, shirt: 0};
  for (const {shows} of images) counts[classes[shows] as 'bag']++;
  expect(summary).toEqual({train: 60, anomalies: {bag: counts.bag, shirt: counts.shirt}, from: 'train'});
  expect(notes).toEqual([`6 of the 60 training images are anomalies: ${counts.bag} bag, ${counts.shirt} shirt`]);
  // The normal images that are left stand where they stood.
  const coats = (await imagesIn(train)).filter(({shows}) => shows === coat);
  for (const [row, {id, shows}] of images.entries()) if (shows === coat) expect(id).toBe(coats[row]!.id);
});

test('a seed always chooses the same, others choose others, and a lower ratio some of a higher one', async () => {
  const [some, again, more, other] = await Promise.all([
    run({train}),
    run({train}),
    run({train}, {ratio: 0.3}),
    run({train}, {seed: 1}),
  ]);
  expect(again.train).toEqual(some.train);
  expect(anomaliesOf(more.train)).toHaveLength(18);
  expect(anomaliesOf(more.train)).toEqual(expect.arrayContaining(anomaliesOf(some.train)));
  expect(anomaliesOf(other.train)).not.toEqual(anomaliesOf(some.train));
});

test('where all training images are normal, anomalies leave the test images, with their masks', async () => {
  const normal = await table(Array(40).fill(coat), 0);
  const test = await table([...Array(10).fill(coat), ...Array(9).fill(2)], 1000, true);
  const {out, train: images, summary} = await run({train: normal, test}, {from: 'test', ratio: 0.2});
  const taken = anomaliesOf(images);
  expect(taken).toHaveLength(8);
  expect(summary).toEqual({train: 40, anomalies: {shirt: 8}, from: 'test'});
  const left = await imagesIn(join(out, 'test.arrow'));
  expect(left.map(({id}) => id)).toEqual((await imagesIn(test)).map(({id}) => id).filter((id) => !taken.includes(id)));
  expect(left.map(({mask}) => mask)).toEqual(left.map(({shows}) => (shows === coat ? 0 : 1)));
});

test('what cannot be had is an error that says what to do', async () => {
  const normal = await table(Array(40).fill(coat), 0);
  const test = await table([coat, 2, 2, 2], 1000);
  const few = await table([...Array(40).fill(coat), 0, 0], 0);
  const message = async (...args: Parameters<typeof run>) =>
    run(...args).then(
      () => 'none',
      (error: Error & {hint?: string}) => `${error.message}. ${error.hint}`,
    );
  expect([
    await message({train: few}, {ratio: 0.1}),
    await message({train: normal, test}, {ratio: 0.1, from: 'test'}),
    await message({train}, {ratio: 0.001}),
    await message({train: await table([coat, 0], 0)}, {ratio: 0.5}),
  ]).toMatchInlineSnapshot(`
    [
      "dataset.contaminate is 0.1: it needs 4 anomalies, but the train images have 2. Use a ratio of at most 0.05.",
      "dataset.contaminate is 0.1: it needs 4 anomalies, but the test images have 3, of which at least one must stay. Use a ratio of at most 0.05, or more test images ("limit.test").",
      "dataset.contaminate is 0.001, which is less than one of the 60 training images of class "coat". Use more images ("limit.train"), or a higher ratio.",
      "dataset.contaminate is 0.5, which leaves no normal image among the 1 training image of class "coat". Use more images ("limit.train"), or a lower ratio.",
    ]
  `);
});

test('images that are held out have no part in the truth of the others', async () => {
  const {out} = await run({train}, {ratio: 0.4});
  const recipe = {
    fraction: 0.25,
    seed: 0,
    normal: 'coat',
    transforms: [[{type: 'rotate90'}]],
    versions: {'transform rotate90': 1},
  };
  const context = contextOf(recipe, {images: join(out, 'train.arrow'), truth: join(out, 'truth.arrow')}, []);
  await holdOut.run(context);
  const images = await imagesIn(join(context.out, 'train.arrow'));
  expect(images).toHaveLength(45);
  expect(await truthIn(context.out)).toEqual(images.map(({shows}) => (shows === coat ? 0 : 1)));
});

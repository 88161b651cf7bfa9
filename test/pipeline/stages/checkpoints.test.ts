import {mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {NamedArrays} from '../../../src/core/contracts/data.ts';
import {openCheckpoints} from '../../../src/pipeline/stages/checkpoints.ts';
import {data} from '../../../src/pipeline/stages/data.ts';
import {type LearnRecipe, learn} from '../../../src/pipeline/stages/learn.ts';
import type {StageContext} from '../../../src/pipeline/stages/stage.ts';
import {flipByte} from '../../rig/faults.ts';
import {toyPlugins, writeToys} from '../../rig/toys.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'checkpoints-'));
const arrays = (value: number): NamedArrays => new Map([['w', {shape: [2], data: Float32Array.of(value, Number.NaN)}]]);
const strict = {every: 0, maker: 'me', warn: (message: string) => expect.unreachable(message)};

/** Opens the folder and loads, collecting warnings. */
async function load(folder: string, maker = 'me') {
  const warnings: string[] = [];
  const checkpoints = openCheckpoints(folder, {every: 0, maker, warn: (message) => warnings.push(message)});
  return {saved: await checkpoints.load(), warnings};
}

test('the last saved checkpoint is loaded exactly', async () => {
  const folder = fresh();
  const checkpoints = openCheckpoints(folder, strict);
  expect(await checkpoints.load()).toBeUndefined();
  await checkpoints.save(arrays(1), {curve: [{epoch: 1, loss: 0.1}]});
  await checkpoints.save(arrays(2), {curve: [{epoch: 1, loss: Number.NaN}]});
  expect(readdirSync(folder)).toHaveLength(2);
  const {saved, warnings} = await load(folder);
  expect(saved).toEqual({arrays: arrays(2), meta: {curve: [{epoch: 1, loss: Number.NaN}]}});
  expect(warnings).toEqual([]);
});

test('a checkpoint with a flipped byte is not used', async () => {
  const folder = fresh();
  await openCheckpoints(folder, strict).save(arrays(1), {});
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const content = readFileSync(path);
    for (const at of [0, 63, 64, content.length >> 1, content.length - 1]) {
      flipByte(path, at);
      const {saved, warnings} = await load(folder);
      expect(saved, `${name} byte ${at}`).toBeUndefined();
      expect(warnings).toEqual(['the checkpoint cannot be used, so training starts again: it is damaged']);
      writeFileSync(path, content);
    }
  }
  expect((await load(folder)).saved).toBeDefined();
});

test('a checkpoint of another maker is not used', async () => {
  const folder = fresh();
  await openCheckpoints(folder, strict).save(arrays(1), {});
  const {saved, warnings} = await load(folder, 'you');
  expect(saved).toBeUndefined();
  expect(warnings).toEqual([
    'the checkpoint cannot be used, so training starts again: it was made by me, but this is you',
  ]);
});

test('after a crash between the arrays and the head, the previous checkpoint is loaded', async () => {
  const folder = fresh();
  const checkpoints = openCheckpoints(folder, strict);
  await checkpoints.save(arrays(1), {});
  writeFileSync(join(folder, 'draft.arrow'), 'half of a fi');
  writeFileSync(join(folder, `${'0'.repeat(64)}.arrow`), 'whole, but no head names it');
  expect((await load(folder)).saved?.arrays).toEqual(arrays(1));
  await checkpoints.save(arrays(2), {});
  expect(readdirSync(folder)).toHaveLength(2);
});

test('the interval can be set', () => {
  const folder = fresh();
  expect(openCheckpoints(folder, strict).due()).toBe(true);
  expect(openCheckpoints(folder, {...strict, every: 3600}).due()).toBe(false);
});

test('a training that is resumed after a crash gives the same result as an uninterrupted one', async () => {
  const folder = fresh();
  const notes: string[] = [];
  const base = {
    plugins: toyPlugins(),
    signal: new AbortController().signal,
    report: () => undefined,
    note: (message: string) => void notes.push(message),
    checkpointEvery: 0,
  };
  const warn = (message: string) => expect.unreachable(message);
  const room = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  const sources = await writeToys(folder, {train: [9, 9, 9], test: [1, 1, 1]});
  const images = room('images');
  const recipe = {dataset: {type: 'toy'}, version: 1};
  await data.run({
    ...base,
    warn,
    kind: 'data',
    recipe,
    inputs: {},
    sources,
    out: images,
    scratch: room('images-scratch'),
  });

  const train = (name: string, scratch: string, crashes?: number) => {
    const learner = {type: 'mean-colour', epochs: 6, diverges: false, ...(crashes !== undefined && {crashes})};
    const context: StageContext<LearnRecipe> = {
      ...base,
      warn,
      kind: 'learn',
      recipe: {learner, versions: {'learner mean-colour': 1}, augment: [], seed: 3, normal: 'blue'},
      inputs: {images: join(images, 'train.arrow')},
      sources: [],
      out: room(name),
      scratch,
    };
    return learn.run(context);
  };
  const straight = await train('straight', room('straight-scratch'));
  const scratch = room('scratch');
  await expect(train('crashed', scratch, 4)).rejects.toThrow('crash');
  expect(readdirSync(scratch)).toHaveLength(2);
  expect(await train('resumed', scratch, 4)).toEqual(straight);
  for (const name of ['weights.arrow', 'curve.arrow']) {
    const [one, two] = ['straight', 'resumed'].map((run) => readFileSync(join(folder, run, name)));
    expect(one!.equals(two!), name).toBe(true);
  }
  expect(notes).toEqual(['goes on from its checkpoint after epoch 4']);
});

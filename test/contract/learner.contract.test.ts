/**
 * What every learner promises (`core/plugin/contracts.ts`); a new one in `builtin.ts` is held to it at once. On the engine that computes
 * where the user names none; on the others, one that trains and one that does not.
 */
import {fileURLToPath} from 'node:url';
import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {compiledUrl} from '../../src/core/base/compiled.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {ImageSet, Matrix, NamedArrays} from '../../src/core/contracts/data.ts';
import type {PluginRef} from '../../src/core/contracts/definition.ts';
import {
  type Checkpoints,
  type FitContext,
  type FitResult,
  type LearnerDefinition,
  type LearnProgress,
  NotExplainable,
} from '../../src/core/contracts/learner.ts';
import {floatImage} from '../../src/core/images/float-image.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {expectClose, expectNoLeaks, firstEngine, onEachEngine} from '../rig/tensors.ts';

const plugins = new Plugins(builtin, [{url: compiledUrl(new URL('../../src/builtin.ts', import.meta.url).href).href}]);
const definitions = plugins.names('learner').map((name) => plugins.get('learner', name));

/** Options that make a learner small enough to be trained in a moment, where it has them. */
const little: {readonly [option: string]: unknown} = {
  network: {type: 'small', width: 4, head: [6, 5]},
  epochs: 3,
  batch: 4,
  steps_per_epoch: 2,
  optimizer: {learning_rate: 0.01}, // at a higher one, all units of so small a head may die
  path: fileURLToPath(new URL('../fixtures/models/tiny.onnx', import.meta.url)),
};

function refOf({name, options}: LearnerDefinition): PluginRef {
  const known = Object.entries(little).filter(([option]) => option in options.properties);
  const {value, issues} = checkPlugin(plugins, 'learner', {type: name, ...Object.fromEntries(known)});
  expect(issues).toEqual([]);
  return value;
}

/** Whether the options above make it take all that it knows from a file. */
function ofAFile(definition: LearnerDefinition): boolean {
  const {type: _, ...options} = refOf(definition);
  const files = definition.files?.(options as never);
  return files?.ok === true && files.value.length > 0;
}

/** Textured images of one seed: no two alike, none symmetric. */
function imagesOf(count: number, channels: 1 | 3): ImageSet {
  const side = 32;
  const rng = new Rng('images');
  const pixels = Uint8Array.from({length: count * side * side * channels}, (_, i) => {
    const row = Math.floor(i / (side * channels)) % side;
    return Math.floor(rng.uniform(0, 100) + 5 * (row % 30));
  });
  return {shape: {height: side, width: side, channels}, count, pixels};
}

/** Keeps what is saved; `due` at the end of every epoch. */
class MemoryCheckpoints implements Checkpoints {
  saved: {readonly arrays: NamedArrays; readonly meta: {readonly [key: string]: unknown}} | undefined;

  load() {
    return Promise.resolve(this.saved);
  }

  save(arrays: NamedArrays, meta: {readonly [key: string]: unknown}) {
    this.saved = {arrays, meta: JSON.parse(JSON.stringify(meta))};
    return Promise.resolve();
  }

  due() {
    return true;
  }
}

interface Fitting {
  readonly seed?: number;
  readonly images?: ImageSet;
  readonly checkpoints?: Checkpoints;
  readonly until?: number;
  readonly signal?: AbortSignal;
  readonly report?: (progress: LearnProgress) => void;
}

function trained(
  definition: LearnerDefinition,
  {seed = 0, images = imagesOf(9, 1), ...rest}: Fitting = {},
): Promise<FitResult> {
  const augment = definition.augment.map((ref) => checkPlugin(plugins, 'transform', ref).value);
  const context: FitContext = {
    images,
    augment,
    rng: new Rng(seed),
    signal: new AbortController().signal,
    checkpoints: new MemoryCheckpoints(),
    plugins,
    report: () => {},
    warn: () => {},
    ...rest,
  };
  return plugins.create('learner', refOf(definition)).fit(context);
}

onEachEngine((engine) => {
  const held = definitions.filter(({name}) => engine === firstEngine || name === 'rotation' || name === 'untrained');
  describe.for(held.map((definition) => [definition.name, definition] as const))('%s', ([, definition]) => {
    const encoderOf = (weights: NamedArrays) => plugins.create('learner', refOf(definition)).encoder(weights, plugins);
    const numbers = ({weights, curve}: FitResult) => ({weights: new Map(weights), curve: [...curve]});

    /** An undisturbed training, made once for all tests that only look at one. */
    let made: Promise<FitResult & {readonly reports: readonly LearnProgress[]}> | undefined;
    const reference = () => {
      made ??= (async () => {
        const reports: LearnProgress[] = [];
        return {...(await trained(definition, {report: (progress) => reports.push(progress)})), reports};
      })();
      return made;
    };

    test('gives the same weights and curve for the same seed, and others for another seed unless they come from a file', async () => {
      const first = await reference();
      const again = await trained(definition);
      const other = await trained(definition, {seed: 1});
      expect(numbers(again)).toEqual(numbers(first));
      if (ofAFile(definition)) expect(numbers(other)).toEqual(numbers(first));
      else expect(numbers(other)).not.toEqual(numbers(first));
      expect(first.curve.length).toBe(definition.trains ? little['epochs'] : 0);
      expect(first.curve.map(({epoch}) => epoch)).toEqual([...first.curve.keys()]);
    });

    test('embeds with every layer: finite, one row for each image, independent of the batch, the same when restored', async () => {
      const {weights} = await reference();
      const images = imagesOf(5, 3);
      expect(definition.layers.length).toBeGreaterThan(0);
      const encoder = encoderOf(weights);
      const restored = encoderOf(weights);
      for (const layer of definition.layers) {
        const all = await encoder.embed(images, layer);
        expect(all.rows).toBe(5);
        expect(all.data.length).toBe(all.rows * all.columns);
        expect(all.data.every(Number.isFinite)).toBe(true);
        expect(await restored.embed(images, layer)).toEqual(all);
        const size = images.pixels.length / images.count;
        for (let i = 0; i < images.count; i++) {
          const one = {...images, count: 1, pixels: images.pixels.slice(i * size, (i + 1) * size)};
          expectClose((await encoder.embed(one, layer)).data, all.data.slice(i * all.columns, (i + 1) * all.columns));
        }
        expect(all.data.slice(0, all.columns)).not.toEqual(all.data.slice(all.columns, 2 * all.columns));
      }
      const none = {...images, count: 0, pixels: new Uint8Array(0)};
      expect((await encoder.embed(none, definition.layers[0]!)).rows).toBe(0);
      await expect(encoder.embed(images, 'nothing')).rejects.toThrow(/no layer "nothing"; known: /);
      encoder.dispose();
      restored.dispose();
    });

    test('embeds the view of each image, which gets its index', async () => {
      const encoder = encoderOf((await reference()).weights);
      const images = imagesOf(3, 3);
      const size = images.pixels.length / 3;
      const layer = definition.layers[0]!;
      const plain = await encoder.embed(images, layer);
      expect(await encoder.embed(images, layer, (image) => image)).toEqual(plain);
      // Every view is the first image's.
      const first: number[] = [];
      const same = await encoder.embed(images, layer, (image, index) => {
        first.push(index);
        const data = Float32Array.from(images.pixels.subarray(0, size), (value) => value / 255);
        return {...image, data};
      });
      expect(first).toEqual([0, 1, 2]);
      for (let i = 0; i < 3; i++)
        expectClose(same.data.slice(i * same.columns, (i + 1) * same.columns), plain.data.slice(0, plain.columns));
      encoder.dispose();
    });

    test.skipIf(!definition.explains)('GradCAM explains the layers that it names, and no other', async () => {
      const encoder = encoderOf((await reference()).weights);
      for (const layer of definition.layers) {
        const slopes = (features: Matrix): Matrix => features;
        const maps = encoder.explain!(imagesOf(1, 3), {layer, slopes}, {by: 'gradcam'});
        if (definition.ofPooled!.includes(layer)) expect((await maps).count).toBe(1);
        else await expect(maps).rejects.toThrow(NotExplainable);
      }
      encoder.dispose();
    });

    test('treats grey images as three equal channels', async () => {
      const grey = imagesOf(3, 1);
      const pixels = Uint8Array.from({length: 3 * grey.pixels.length}, (_, i) => grey.pixels[Math.floor(i / 3)]!);
      const encoder = encoderOf((await reference()).weights);
      const layer = definition.layers[0]!;
      const colour: ImageSet = {shape: {...grey.shape, channels: 3}, count: 3, pixels};
      expect(await encoder.embed(colour, layer)).toEqual(await encoder.embed(grey, layer));
      encoder.dispose();
    });

    test('leaves no tensor behind', async () => {
      await expectNoLeaks(async () => {
        const {weights} = await trained(definition);
        const encoder = encoderOf(weights);
        for (const layer of definition.layers) await encoder.embed(imagesOf(2, 3), layer);
        encoder.dispose();
      });
    });

    if (!definition.trains) return;

    test('stops on an abort, before it starts and between two steps', async () => {
      const reason = new Error('stopped by the user');
      await expect(trained(definition, {signal: AbortSignal.abort(reason)})).rejects.toBe(reason);
      const controller = new AbortController();
      let reports = 0;
      const report = () => {
        reports++;
        controller.abort(reason);
      };
      await expect(trained(definition, {signal: controller.signal, report})).rejects.toBe(reason);
      expect(reports).toBe(1);
    });

    test('continues from a checkpoint with the result of an uninterrupted training', async () => {
      const whole = await reference();
      const checkpoints = new MemoryCheckpoints();
      for (const epoch of [1, 2]) {
        // Killed in the second epoch, resumed, and killed again in the third.
        const controller = new AbortController();
        const report = (progress: LearnProgress) => progress.epoch === epoch && controller.abort();
        await expect(trained(definition, {checkpoints, signal: controller.signal, report})).rejects.toThrow();
      }
      expect(numbers(await trained(definition, {checkpoints}))).toEqual(numbers(whole));
    });

    test.skipIf(!definition.trains)(
      'ends early on the schedule of the whole, and goes on from there to its result',
      async () => {
        const whole = await reference();
        const checkpoints = new MemoryCheckpoints();
        const early = await trained(definition, {checkpoints, until: 2});
        expect([...early.curve]).toEqual(whole.curve.slice(0, 2));
        expect(numbers(await trained(definition, {checkpoints}))).toEqual(numbers(whole));
      },
    );

    test.skipIf(!definition.trains)('reports the true work of a training', async () => {
      const learner = plugins.create('learner', refOf(definition));
      const work = learner.work!({images: 9, copies: 0, side: 32, plugins})!;
      const last = (await reference()).reports.at(-1)!;
      expect(work.steps).toBe(last.epochs * last.steps);
      // Nine images of which each step takes four.
      const views = learner.views?.(floatImage(imagesOf(1, 3), 0), (image) => image, new Rng('views')).length;
      // A view may be a target alone, which goes through no network.
      expect([4, 4 * views!]).toContain(work.inputs);
      expect(work.macs).toBeGreaterThan(plugins.create('network', little['network'] as PluginRef).macs!(32));
    });

    test('reports its progress', async () => {
      const {reports} = await reference();
      expect(new Set(reports.map(({epoch}) => epoch))).toEqual(new Set([0, 1, 2]));
      for (const {epochs, step, steps, loss, learningRate, imagesPerSecond, secondsLeft} of reports) {
        expect(epochs).toBe(3);
        expect(step).toBeLessThan(steps);
        expect(learningRate).toBeGreaterThan(0);
        expect(imagesPerSecond).toBeGreaterThan(0);
        for (const value of [loss, secondsLeft ?? 0, imagesPerSecond]) expect(Number.isFinite(value)).toBe(true);
      }
      expect(reports.at(-1)!.secondsLeft).toBe(0);
    });
  });
});

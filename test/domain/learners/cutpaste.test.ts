import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage, ImageSet, NamedArrays} from '../../../src/core/contracts/data.ts';
import type {Checkpoints, FitContext, LearnProgress} from '../../../src/core/contracts/learner.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {floatImage} from '../../../src/core/images/float-image.ts';
import {startValues} from '../../../src/core/nn/layers.ts';
import {cutpaste} from '../../../src/domain/learners/cutpaste.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {expectClose, onFirstEngine} from '../../rig/tensors.ts';

const create = (options: {readonly [option: string]: unknown} = {}) =>
  plugins.create('learner', resolved('learner', {type: 'cutpaste', ...options}));

/** Colour images whose rows and columns can be told apart, with a little noise. */
function gradients(count: number, side = 32): ImageSet {
  const rng = new Rng('gradients');
  const pixels = Uint8Array.from({length: count * side * side * 3}, (_, i) => {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % side, Math.floor(i / (3 * side)) % side];
    return 40 + [4 * x, 4 * y, 60][channel]! + rng.integer(20);
  });
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

const same = (image: FloatImage): FloatImage => image;
const differ = (a: FloatImage, b: FloatImage): number =>
  Array.from({length: a.data.length / 3}, (_, i) => i).filter((i) =>
    [0, 1, 2].some((c) => a.data[3 * i + c] !== b.data[3 * i + c]),
  ).length;

test('the defaults are the paper’s: 256 epochs of 256 updates, 32 images of each class, a rate of 0.03 (paper 3.3)', () => {
  const learner = resolved('learner', {type: 'cutpaste'});
  expect(learner).toMatchObject({variant: '3way', epochs: 256, steps_per_epoch: 256, batch: 32});
  expect(learner).toMatchObject({min_area: 0.02, max_area: 0.15, patch_jitter: 0.1});
  expect(learner['optimizer']).toEqual({
    learning_rate: 0.03,
    momentum: 0.9,
    weight_decay: 3e-5,
    schedule: 'cosine-per-step',
  });
});

test('rows of the papers’ tables', () => {
  const row = (variant: string, patch?: number, network: object = {type: 'resnet18', width: 1}) =>
    cutpaste.row({variant, network, ...(patch !== undefined && {patch})} as never, {copies: 0});
  const variants = cutpaste.options.properties.variant as unknown as {anyOf: readonly {const: string}[]};
  expect(variants.anyOf.map(({const: variant}) => `${variant}: ${row(variant)}`)).toMatchInlineSnapshot(`
    [
      "normal: cutpaste",
      "scar: cutpaste-scar",
      "3way: cutpaste-3way",
      "union: cutpaste-union",
      "cutout-grey: cutout",
      "cutout-mean: cutout-mean",
      "cutout-random: cutout-random",
      "cutout-scar: scar",
      "fcdd-confetti: confetti",
    ]
  `);
  expect(row('3way', 64)).toBe('cutpaste-3way-patch');
  expect(row('3way', undefined, {type: 'efficientnet', variant: 'b4'})).toBe('cutpaste-3way-efficientnet-b4');
});

test('views are the augmented image, then one of each class from the same draw', () => {
  const image = floatImage(gradients(1), 0);
  let draws = 0;
  const brighter = (one: FloatImage): FloatImage => {
    draws++;
    return {...one, data: one.data.map((value) => value + 0.001)};
  };
  const views = create({variant: '3way'}).views!(image, brighter, new Rng(0));
  expect([views.length, draws]).toEqual([3, 1]);
  expect(views[0]).toEqual(brighter(image));
  for (const defect of views.slice(1)) {
    expect(differ(defect, views[0]!)).toBeGreaterThan(0);
    expect(differ(defect, views[0]!)).toBeLessThan(0.5 * 1024);
  }
});

test('the crop’s place shifted: a patch without the transform "shift" is a piece of the image, with it a border may be mirrored', () => {
  const images = gradients(1, 64);
  const whole = floatImage(images, 0);
  const learner = create({patch: 24});
  const shift = plugins.create('transform', resolved('transform', {type: 'shift', by: 0.25}));
  const row = (image: FloatImage, y: number, x: number, width: number) =>
    image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x + width)).join();
  /** Whether its first row stands in the image at one place. */
  const isPiece = (patch: FloatImage): boolean =>
    Array.from({length: 41 * 41}, (_, i) => [Math.floor(i / 41), i % 41] as const).some(([top, left]) =>
      Array.from({length: 24}, (_, y) => y).every((y) => row(patch, y, 0, 24) === row(whole, top + y, left, 24)),
    );
  const patches = (augment: (image: FloatImage, rng: Rng) => FloatImage) =>
    Array.from({length: 12}, (_, i) => learner.views!(whole, augment, new Rng(i))[0]!);
  const plain = patches(same);
  expect(plain.map(isPiece)).toEqual(plain.map(() => true));
  expect(new Set(plain.map(({data}) => data.join())).size).toBeGreaterThan(9); // its place is another in every draw
  expect(patches((image, rng) => shift.apply(image, rng)).some((patch) => !isPiece(patch))).toBe(true);
});

test('union is one class of patches and scars, equally often', () => {
  const image = floatImage(gradients(1, 64), 0);
  const learner = create({variant: 'union', patch_jitter: 0});
  const upright = Array.from({length: 200}, (_, seed) => {
    const [normal, defect, ...rest] = learner.views!(image, same, new Rng(seed));
    expect(rest).toEqual([]);
    // Scars have at most 16 × 25 pixels, and are turned; patches of an image of 64 × 64 have 82 to 614.
    return differ(normal!, defect!) > 400;
  });
  const large = upright.filter(Boolean).length / 200;
  expect(large).toBeGreaterThan(0.1); // a patch with probability 1/2, above 400 pixels with (614 − 400) / (614 − 82)
  expect(large).toBeLessThan(0.3);
});

test('a patch is a crop of the image, different in every pass, and pasted pieces come from it', () => {
  const image = floatImage(gradients(1, 64), 0);
  const learner = create({patch: 24, variant: 'normal', patch_jitter: 0});
  const [first, defect] = learner.views!(image, same, new Rng(1));
  expect(first).toMatchObject({height: 24, width: 24});
  expect(learner.views!(image, same, new Rng(2))[0]).not.toEqual(first);
  const colours = ({data}: FloatImage) =>
    Array.from({length: data.length / 3}, (_, i) => data.subarray(3 * i, 3 * i + 3).join());
  const own = new Set(colours(first!));
  expect(colours(defect!).every((colour) => own.has(colour))).toBe(true);
});

onFirstEngine(() => {
  async function learn(
    options: {readonly [option: string]: unknown},
    images = gradients(6),
    changes: Partial<FitContext> = {},
  ) {
    const learner = create({
      network: {type: 'small', width: 8, head: [16, 8]},
      batch: 4,
      epochs: 1,
      steps_per_epoch: 5,
      ...options,
    });
    const {context} = fitContext(images, changes);
    return {learner, ...(await learner.fit(context))};
  }

  test('it learns the classes, in epochs of the given length', async () => {
    const {learner, curve, weights} = await learn({
      variant: 'cutout-random',
      epochs: 8,
      steps_per_epoch: 12,
      optimizer: {learning_rate: 0.05},
    });
    expect(curve.length).toBe(8);
    expect(curve.at(-1)!.loss).toBeLessThan(0.5 * Math.log(2));
    const encoder = learner.encoder(weights, plugins);
    try {
      const classes = await encoder.embed(gradients(6), 'classes');
      expect([classes.rows, classes.columns]).toEqual([6, 2]);
      // Log-probabilities, normal first; these are normal.
      for (let i = 0; i < 6; i++) {
        const [normal, defect] = [classes.data[2 * i]!, classes.data[2 * i + 1]!];
        expectClose(Float32Array.of(Math.exp(normal) + Math.exp(defect)), [1], {absolute: 1e-4});
        expect(normal).toBeGreaterThan(defect);
      }
    } finally {
      encoder.dispose();
    }
  });

  describe('fine-tuning', () => {
    /** Which weights are no longer as they were, but for steps of a rate that is next to nothing. */
    const moved = (from: NamedArrays, to: NamedArrays): readonly string[] =>
      [...to.keys()].filter((name) =>
        to.get(name)!.data.some((value, i) => Math.abs(value - from.get(name)!.data[i]!) > 1e-20),
      );
    const untrained = ({parameters, features, head}: Network): NamedArrays =>
      new Map(
        [...parameters(32), ...headParameters(features, head, 3)].map((spec) => [
          spec.name,
          {shape: spec.shape, data: startValues(spec, new Rng(0).fork('weights'))},
        ]),
      );
    const network = resolved('network', {type: 'small', width: 8, head: [16, 8]});
    const start = untrained(plugins.create('network', network));

    test('first only the head learns, with its batch normalisation; then everything', async () => {
      const head_first = {epochs: 2, learning_rate: 0.02};
      // A second phase without a rate to speak of.
      const {weights, curve} = await learn({head_first, optimizer: {learning_rate: 1e-30}});
      expect(curve.map(({epoch}) => epoch)).toEqual([0, 1, 2]);
      // Half of the cosine in the second of two epochs; the main phase starts from its own rate.
      expect(curve.map(({learningRate}) => learningRate)).toEqual([0.02, 0.01, 1e-30]);
      const head = [...start.keys()].filter((name) => name.startsWith('head/'));
      const statistics = [...start.keys()].filter((name) => /\/(mean|variance)$/.test(name));
      expect(moved(start, weights).toSorted()).toEqual([...new Set([...head, ...statistics])].toSorted());
    });

    test('frozen batch normalisation keeps scale, shift and statistics; everything else learns', async () => {
      const {weights} = await learn({freeze: 'batch-norm'});
      const frozen = /\/(gamma|beta|mean|variance)$/;
      expect(moved(start, weights).toSorted()).toEqual(
        [...start.keys()].filter((name) => !frozen.test(name)).toSorted(),
      );
    });

    test('after a kill at any epoch, it continues with the result of an uninterrupted training', async () => {
      const options = {head_first: {epochs: 2, learning_rate: 0.02}, freeze: 'batch-norm', epochs: 2};
      const whole = await learn(options);
      for (const stop of [1, 2, 3]) {
        let saved: Awaited<ReturnType<Checkpoints['load']>>;
        const checkpoints: Checkpoints = {
          load: async () => saved,
          async save(arrays, meta) {
            saved = {arrays, meta};
          },
          due: () => true,
        };
        const controller = new AbortController();
        const report = ({epoch}: LearnProgress) => epoch === stop && controller.abort();
        await expect(learn(options, gradients(6), {checkpoints, signal: controller.signal, report})).rejects.toThrow();
        const again = await learn(options, gradients(6), {checkpoints});
        expect(again.curve).toEqual(whole.curve);
        expect(moved(whole.weights, again.weights)).toEqual([]);
      }
    });

    test('its speed is measured in the main phase', async () => {
      const {curve} = await learn({head_first: {epochs: 2, learning_rate: 0.02}}, gradients(6), {mainPart: true});
      expect(curve.map(({learningRate}) => learningRate)).toEqual([0.03]);
    });

    test('its work counts all epochs', () => {
      const {work} = create({network, batch: 4, epochs: 3, steps_per_epoch: 5, head_first: {epochs: 2}});
      expect(work!({images: 9, copies: 0, side: 32, plugins})!.steps).toBe(25);
    });

    test('divergence while the head learns names the rate of that phase', async () => {
      await expect(learn({head_first: {epochs: 1, learning_rate: 1e30}})).rejects.toThrow(
        /Try a lower head_first\.learning_rate \(now 1e\+30\)/,
      );
    });
  });

  test('a learner trained on patches accepts whole images', async () => {
    const {learner, weights} = await learn({patch: 16});
    const encoder = learner.encoder(weights, plugins);
    try {
      expect(await encoder.embed(gradients(2), 'pool')).toMatchObject({rows: 2, columns: 64});
    } finally {
      encoder.dispose();
    }
  });

  test('a patch that is larger than the images is refused', async () => {
    await expect(learn({patch: 64})).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: "patch" is 64 pixels a side, but the images have 32. Lower it.]`,
    );
  });
});

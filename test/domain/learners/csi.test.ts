import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage, ImageSet} from '../../../src/core/contracts/data.ts';
import type {PluginRef} from '../../../src/core/contracts/definition.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {floatImage} from '../../../src/core/images/float-image.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {distinguishShifts, shiftHeadParameters} from '../../../src/domain/learners/csi.ts';
import {cropped, fixedCrops} from '../../../src/domain/learners/fixed-crops.ts';
import {ntXent} from '../../../src/domain/learners/training/losses.ts';
import {cropResize, quarterTurn} from '../../../src/domain/transforms/geometry.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {expectClose, numberIn, onFirstEngine, tensor, tidied} from '../../rig/tensors.ts';
import {pattern, patternValues} from '../networks/pattern.ts';

/** What PyTorch computed in float64: `scripts/make-csi-fixtures.py`. */
const fixture = JSON.parse(readFileSync(new URL('../../fixtures/csi.json', import.meta.url), 'utf8')) as {
  readonly contrastive: {
    readonly rows: number;
    readonly columns: number;
    readonly temperature: number;
    readonly loss: number;
    readonly gradients: readonly [readonly number[], readonly number[]];
  };
  readonly whole: {
    readonly features: number;
    readonly outputs: number;
    readonly images: number;
    readonly copies: number;
    readonly temperature: number;
    readonly shift_weight: number;
    readonly loss: number;
    readonly gradients: {readonly [name: string]: readonly number[]};
    readonly pooled: readonly number[];
  };
};

const textured = (count: number, side = 32): ImageSet => {
  const rng = new Rng('textured');
  const pixels = Uint8Array.from({length: count * side * side}, (_, i) =>
    Math.floor(rng.uniform(0, 60) + 6 * (Math.floor(i / side) % side) * (side < 32 ? 1 : 0.9)),
  );
  return {shape: {height: side, width: side, channels: 1}, count, pixels};
};

const little = (options: object = {}): PluginRef =>
  resolved('learner', {type: 'csi', network: {type: 'small', width: 8, head: [16, 8]}, crops: 0, ...options});

test('the defaults are the paper’s: four turns, two layers of head, 512 views a step', () => {
  expect(resolved('learner', {type: 'csi'})).toMatchObject({
    shifts: ['rotate90', 'rotate180', 'rotate270'],
    batch: 128,
    epochs: 1000,
    temperature: 0.5,
    shift_weight: 1,
    crops: 10,
    crop_area: 0.54,
  });
});

test('views: both draws of every copy, each a draw of its own, in the order of the shifts', () => {
  const learner = plugins.create('learner', little({shifts: ['rotate180', 'rotate90']}));
  const image = floatImage(textured(1), 0);
  const marked = (seen: FloatImage, rng: Rng): FloatImage => ({...seen, data: seen.data.map((v) => v + rng.uniform())});
  const plain = learner.views!(image, (seen) => seen, new Rng(0));
  expect(plain.map(({data}) => data)).toEqual([0, 2, 1, 0, 2, 1].map((turns) => quarterTurn(image, turns).data));
  const drawn = learner.views!(image, marked, new Rng(0));
  expect(new Set(drawn.map((view, i) => quarterTurn(view, -[0, 2, 1, 0, 2, 1][i]!).data[0])).size).toBe(6);
});

onFirstEngine(() => {
  test('the contrastive loss and its gradients are PyTorch’s, term by term', async () => {
    const {rows, columns, temperature, loss, gradients} = fixture.contrastive;
    const view = (salt: number) => tf.tensor2d(Float32Array.from(pattern(rows * columns, salt)), [rows, columns]);
    const of = (a: Tensor2D, b: Tensor2D) => ntXent(a, b, temperature).loss;
    expect(await numberIn(of(view(11), view(12)))).toBeCloseTo(loss, 5);
    const ours = tf.grads((a, b) => of(a as Tensor2D, b as Tensor2D))([view(11), view(12)]);
    for (const [i, gradient] of ours.entries()) expectClose(await gradient.data(), gradients[i]!, {absolute: 1e-6});
  });

  test('rows that are all equal: log(2n - 1); zeros do not divide by zero', async () => {
    const same = tf.tile(tensor<Tensor2D>([1, 7]), [16, 1]);
    expect(await numberIn(ntXent(same, same, 0.5).loss)).toBeCloseTo(Math.log(31), 5);
    const gradient = tf.grad((x) => ntXent(x as Tensor2D, same, 0.5).loss)(tf.zeros([16, 7]));
    expect((await gradient.data()).every(Number.isFinite)).toBe(true);
  });

  test('the whole loss and its gradients are PyTorch’s: every turned copy is a negative, and its turn a class', async () => {
    const {features, outputs, images, copies, loss, gradients, pooled, ...options} = fixture.whole;
    const network: Network = {
      features,
      head: [outputs],
      parameters: () => [],
      pool: (_, x) => tf.reshape(x, [-1, features]), // the pixels themselves
    };
    const specs = shiftHeadParameters(network, copies);
    const weights = restoreWeights(
      specs,
      new Map(specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}] as const)),
    );
    const rows = 2 * copies * images;
    await tidied(async () => {
      const x = tf.tensor4d(Float32Array.from(pattern(rows * features, 13)), [rows, 1, features / 3, 3]);
      const of = (at: Tensor4D) => distinguishShifts(network, weights, at, {copies, ...options}).loss;
      const {value, grads} = tf.variableGrads(() => of(x));
      expect((await value.data())[0]).toBeCloseTo(loss, 5);
      expect(Object.keys(gradients)).toEqual(specs.map(({name}) => name));
      for (const [name, gradient] of Object.entries(gradients))
        expectClose(await grads[weights.get(name)!.name]!.data(), gradient, {relative: 1e-3, absolute: 1e-6});
      expectClose(
        await tf
          .grad((at) => of(at as Tensor4D))(x)
          .data(),
        pooled,
        {relative: 1e-3, absolute: 1e-6},
      );
    });
    disposeWeights(weights);
  });

  test('fixed windows are those of cropResize, inside the image, and the same every time', async () => {
    const side = 21;
    const crops = fixedCrops(6, 0.54, side);
    expect(fixedCrops(6, 0.54, side)).toEqual(crops);
    const images = [0, 1].map((i) => floatImage(textured(2, side), i));
    const x = tf.tensor4d(Float32Array.from(images.flatMap(({data}) => [...data])), [2, side, side, 3]);
    const length = Math.round(Math.sqrt(0.54) * side);
    const first = (matrix: Float32Array) => matrix.findIndex((weight) => weight > 0); // of the first row of outputs
    for (const crop of crops) {
      const window = {top: first(crop.rows), left: first(crop.columns), height: length, width: length};
      const wanted = images.flatMap((image) => [...cropResize(image, window, side, side).data]);
      expectClose(await cropped(x, crop).data(), wanted, {absolute: 1e-6});
    }
    expect(new Set(crops.map(({rows}) => first(rows))).size).toBeGreaterThan(1);
  });

  test('layer "csi": projection and logit of each turned copy; with windows, their means', async () => {
    const images = textured(3);
    const {weights} = await plugins.create('learner', little({batch: 3, epochs: 1})).fit(fitContext(images).context);
    const features = async (options: object) => {
      const encoder = plugins.create('learner', little(options)).encoder(weights, plugins);
      const made = await encoder.embed(images, 'csi');
      encoder.dispose();
      return made;
    };
    const [plain, projection] = [await features({}), await embedded(weights, images)];
    expect([plain.rows, plain.columns]).toEqual([3, 4 * 9]);
    for (let turn = 0; turn < 4; turn++)
      for (let row = 0; row < 3; row++)
        expectClose(
          plain.data.subarray(row * 36 + turn * 9, row * 36 + turn * 9 + 8),
          projection[turn]!.subarray(row * 8, row * 8 + 8),
        );
    // One window that is the whole image is the image.
    const [whole, three] = [await features({crops: 1, crop_area: 1}), await features({crops: 3})];
    expectClose(whole.data, plain.data);
    expect(Math.max(...three.data.map((value, i) => Math.abs(value - plain.data[i]!)))).toBeGreaterThan(1e-3);
  });

  async function embedded(
    weights: Awaited<ReturnType<ReturnType<typeof plugins.create<'learner'>>['fit']>>['weights'],
    images: ImageSet,
  ) {
    const encoder = plugins.create('learner', little()).encoder(weights, plugins);
    const of = [];
    for (let turn = 0; turn < 4; turn++)
      of.push((await encoder.embed(images, 'embed', (image) => quarterTurn(image, turn))).data);
    encoder.dispose();
    return of;
  }

  test('it learns to find the other view and to tell turns', async () => {
    const learner = little({batch: 8, epochs: 30, optimizer: {learning_rate: 0.1}});
    const augment = [resolved('transform', {type: 'crop', min_side: 0.9})];
    const {context, warnings} = fitContext(textured(8), {augment});
    const {curve} = await plugins.create('learner', learner).fit(context);
    expect(curve[0]!.loss).toBeGreaterThan(curve.at(-1)!.loss + 1);
    expect(curve.at(-1)!.loss).toBeLessThan(0.7 * (Math.log(63) + Math.log(4)));
    expect(warnings).toEqual([]);
  });
});

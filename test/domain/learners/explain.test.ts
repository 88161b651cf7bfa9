import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage, ImageSet, Matrix, NamedArrays} from '../../../src/core/contracts/data.ts';
import {type Tensor1D, type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {floatImage} from '../../../src/core/images/float-image.ts';
import {
  createWeights,
  disposeWeights,
  globalAveragePool,
  weightsFromArrays,
  weightsToArrays,
} from '../../../src/core/nn/layers.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {kde} from '../../../src/domain/classifiers/kde.ts';
import {ownScoreOfViews} from '../../../src/domain/learners/classify-views.ts';
import {openEncoder, poolAndEmbed} from '../../../src/domain/learners/encoder.ts';
import {partsOf} from '../../../src/domain/learners/explain.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {resnet18} from '../../../src/domain/networks/resnet.ts';
import {small} from '../../../src/domain/networks/small.ts';
import {expectClose, expectNoLeaks, firstEngine, numberIn, onEachEngine, tidied} from '../../rig/tensors.ts';

/** The same on every engine. */
function images(count: number, side: number): ImageSet {
  const rng = new Rng('gradcam');
  const pixels = Uint8Array.from({length: count * side * side * 3}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

const plugins = new Plugins(builtin);
const checked = (options: object) => checkPlugin(plugins, 'classifier', {type: 'kde', ...options}).value as never;
const negated = (slopes: Matrix): Matrix => ({...slopes, data: slopes.data.map((value) => -value)});

const deep = resnet18.create({width: 0.125, head: []});

onEachEngine((engine) => {
  test('by hand: a map of two channels under a linear score', async () => {
    // The map is the first two channels themselves, in 0..1; the score 3 · mean(red) - mean(green).
    const set: ImageSet = {
      shape: {height: 1, width: 2, channels: 3},
      count: 2,
      pixels: Uint8Array.of(255, 0, 9, 0, 255, 9, 51, 204, 9, 51, 51, 9),
    };
    const encoder = openEncoder(
      new Map(),
      {},
      {
        map: (_, x) => tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 2]),
        ofPooled: {pool: (_, pooled) => pooled},
        own: (_, pooled) => tf.sum(tf.mul(pooled, tf.tensor2d([[3, -1]])), 1) as Tensor1D,
      },
    );
    // α = (3, -1) / 2 places: red 1.5, green -0.5 → 0; 0.2 and 0.8 → 0.3 - 0.4 → 0; 0.2 and 0.2 → 0.2.
    const slopes = (features: Matrix): Matrix => ({...features, data: features.data.map((_, i) => [3, -1][i % 2]!)});
    for (const score of ['own', {layer: 'pool', slopes}] as const) {
      const cam = await encoder.explain!(set, score, {by: 'gradcam'});
      expect([cam.count, cam.height, cam.width]).toEqual([2, 1, 2]);
      expectClose(cam.data, [1.5, 0, 0, 0.2]);
    }
    await expect(encoder.explain!(set, {layer: 'embed', slopes}, {by: 'gradcam'})).rejects.toThrow(
      'layer "embed" is not one of pool',
    );
    encoder.dispose();
  });

  describe.each([
    ['small', small.create({width: 4, head: [6, 5]}), 32],
    ['resnet18', deep, 64],
  ] as const)('%s', (_, network, side) => {
    const arrays = async (): Promise<NamedArrays> => {
      const weights = createWeights(
        [...network.parameters(side), ...headParameters(network.features, network.head, 3)],
        new Rng(5),
      );
      try {
        return await weightsToArrays(weights);
      } finally {
        disposeWeights(weights);
      }
    };

    test('the pooled feature is the mean of the map', async () => {
      const weights = createWeights(network.parameters(side), new Rng(5));
      await tidied(async () => {
        const x = tf.randomUniform([2, side, side, 3], 0, 1, 'float32', 3) as Tensor4D;
        const [mean, pooled] = [
          globalAveragePool(network.map!(weights, x)),
          network.pool(weights, x, {training: false}),
        ];
        expect(mean.shape).toEqual(pooled.shape);
        expectClose(await mean.data(), await pooled.data());
      });
      disposeWeights(weights);
    });

    test('the weight of a channel is its effect on the score: finite differences equal the gradient', async () => {
      const saved = await arrays();
      const score = ownScoreOfViews(network);
      const map = network.map!;
      const set = images(1, side);
      const encoder = openEncoder(saved, {}, partsOf(network, {own: score}));
      const cam = await encoder.explain!(set, 'own', {by: 'gradcam'});
      const weights = weightsFromArrays(saved);
      let values = new Float32Array();
      const differences: number[] = [];
      await tidied(async () => {
        const x = tf.tensor4d(
          Float32Array.from(set.pixels, (v) => v / 255),
          [1, side, side, 3],
        );
        const y = map(weights, x);
        const pooled = globalAveragePool(y);
        const step = 1e-2;
        for (let k = 0; k < network.features; k++) {
          const nudge = tf.oneHot(tf.tensor1d([k], 'int32'), network.features).mul(step) as Tensor2D;
          const scoreAt = (at: Tensor2D) => numberIn(score(weights, at));
          const [up, down] = [await scoreAt(tf.add(pooled, nudge)), await scoreAt(tf.sub(pooled, nudge))];
          differences.push((up - down) / (2 * step));
        }
        values = Float32Array.from(await y.data());
      });
      disposeWeights(weights);
      const channels = network.features;
      const places = cam.height * cam.width;
      const expected = Array.from({length: places}, (_, place) => {
        let sum = 0;
        for (let k = 0; k < channels; k++) sum += (differences[k]! / places) * values[place * channels + k]!;
        return Math.max(0, sum);
      });
      const scale = Math.max(...expected, 1e-3);
      expectClose(
        cam.data.map((v) => v / scale),
        expected.map((v) => v / scale),
        {relative: 0.02, absolute: 0.02},
      );
      encoder.dispose();
    });

    test('a map does not depend on its batch, no images have none, and no tensor is left', async () => {
      const saved = await arrays();
      const by = {by: 'gradcam'} as const;
      await expectNoLeaks(async () => {
        const encoder = openEncoder(saved, {}, partsOf(network, {own: ownScoreOfViews(network)}));
        const set = images(70, side);
        const all = await encoder.explain!(set, 'own', by);
        const size = set.pixels.length / 70;
        const one = await encoder.explain!({...set, count: 1, pixels: set.pixels.slice(69 * size)}, 'own', by);
        const area = all.height * all.width;
        expectClose(one.data, all.data.slice(69 * area), {absolute: 1e-4});
        const none = await encoder.explain!({...set, count: 0, pixels: new Uint8Array()}, 'own', by);
        expect(none.data).toHaveLength(0);
        encoder.dispose();
      });
    });

    if (network === deep && engine !== firstEngine) return; // what it is made of is tested on each

    test('slopes of pixels are those of a classifier’s score, and integrated gradients add up to what it has gained', async () => {
      const encoder = openEncoder(await arrays(), poolAndEmbed(network), partsOf(network));
      const [image, start] = [images(1, side), images(2, side)].map((set, at) => ({
        ...set,
        count: 1,
        pixels: set.pixels.slice(-3 * side * side).map((value) => (at === 0 ? value : value >> 2)),
      })) as [ImageSet, ImageSet];
      const rng = new Rng('train');
      const train = {rows: 40, columns: network.features};
      const data = Float32Array.from({length: train.rows * train.columns}, () => rng.uniform());
      const scorer = kde.create(checked({gamma: 0.05, normalise: false})).fit({...train, data}, rng);
      const scoreOf = async (set: ImageSet, view?: (image: FloatImage) => FloatImage) =>
        scorer.score(await encoder.embed(set, 'pool', view))[0]!;
      const score = {layer: 'pool', slopes: (features: Matrix) => scorer.gradient!(features)};
      const slopes = await encoder.explain!(image, score, {by: 'gradient'});
      const top = [...slopes.data.keys()].sort((a, b) => slopes.data[b]! - slopes.data[a]!).slice(0, 3);
      for (const pixel of top) {
        const moved = (by: number) =>
          Promise.all(
            [0, 1, 2].map((colour) =>
              scoreOf(image, (whole) => ({
                ...whole,
                data: whole.data.map((value, at) => (at === 3 * pixel + colour ? value + by : value)),
              })),
            ),
          );
        const [up, down] = [await moved(0.02), await moved(-0.02)];
        const largest = Math.max(...up.map((value, colour) => Math.abs(value - down[colour]!) / 0.04));
        expect(Math.abs(largest / slopes.data[pixel]! - 1)).toBeLessThan(0.1);
      }
      // Without the pixels that lower the score the sum would be too large, so both ways are taken.
      const baseline = floatImage(start, 0);
      const up = await encoder.explain!(image, score, {by: 'integrated-gradients', steps: 64, baseline});
      const falling = {layer: 'pool', slopes: (features: Matrix) => negated(scorer.gradient!(features))};
      const down = await encoder.explain!(image, falling, {by: 'integrated-gradients', steps: 64, baseline});
      const sum = ({data: values}: {readonly data: Float32Array}) => values.reduce((a, b) => a + b, 0);
      const gained = (await scoreOf(image)) - (await scoreOf(start));
      expect(Math.abs(sum(up) - sum(down) - gained) / (sum(up) + sum(down))).toBeLessThan(0.02);
      expect(sum(up)).toBeGreaterThan(0);
      encoder.dispose();
    });
  });
});

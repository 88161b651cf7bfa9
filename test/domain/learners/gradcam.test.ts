import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet, NamedArrays} from '../../../src/core/contracts/data.ts';
import {type Tensor1D, type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {
  createWeights,
  disposeWeights,
  globalAveragePool,
  weightsFromArrays,
  weightsToArrays,
} from '../../../src/core/nn/layers.ts';
import {ownScoreOfViews} from '../../../src/domain/learners/classify-views.ts';
import {openEncoder} from '../../../src/domain/learners/encoder.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {resnet18} from '../../../src/domain/networks/resnet.ts';
import {small} from '../../../src/domain/networks/small.ts';
import {expectClose, expectNoLeaks, numberIn, onEachEngine, tidied} from '../../rig/tensors.ts';

/** The same on every engine. */
function images(count: number, side: number): ImageSet {
  const rng = new Rng('gradcam');
  const pixels = Uint8Array.from({length: count * side * side * 3}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

onEachEngine(() => {
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
        score: (_, pooled) => tf.sum(tf.mul(pooled, tf.tensor2d([[3, -1]])), 1) as Tensor1D,
      },
    );
    // α = (3, -1) / 2 places: red 1.5, green -0.5 → 0; 0.2 and 0.8 → 0.3 - 0.4 → 0; 0.2 and 0.2 → 0.2.
    const cam = await encoder.cam!(set);
    expect([cam.count, cam.height, cam.width]).toEqual([2, 1, 2]);
    expectClose(cam.data, [1.5, 0, 0, 0.2]);
    encoder.dispose();
  });

  describe.each([
    ['small', small.create({width: 4, head: [6, 5]}), 32],
    ['resnet18', resnet18.create({width: 0.125, head: []}), 64],
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
      const {map, score} = ownScoreOfViews(network)!;
      const set = images(1, side);
      const encoder = openEncoder(saved, {}, {map, score});
      const cam = await encoder.cam!(set);
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
      await expectNoLeaks(async () => {
        const encoder = openEncoder(saved, {}, ownScoreOfViews(network)!);
        const set = images(70, side);
        const all = await encoder.cam!(set);
        const size = set.pixels.length / 70;
        const one = await encoder.cam!({...set, count: 1, pixels: set.pixels.slice(69 * size)});
        const area = all.height * all.width;
        expectClose(one.data, all.data.slice(69 * area), {absolute: 1e-4});
        expect((await encoder.cam!({...set, count: 0, pixels: new Uint8Array()})).data).toHaveLength(0);
        encoder.dispose();
      });
    });
  });
});

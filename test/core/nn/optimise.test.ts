import {describe, expect, test} from 'vitest';
import {tf} from '../../../src/core/engine/engine.ts';
import {restoreWeights} from '../../../src/core/nn/layers.ts';
import {learningRate, Sgd} from '../../../src/core/nn/optimise.ts';
import {expectClose, expectNoLeaks, onEachEngine} from '../../rig/tensors.ts';

describe('learning rate', () => {
  const at = (epoch: number, step: number) => ({epoch, epochs: 4, step, steps: 2});

  test('cosine: half a wave from the rate towards 0, held through an epoch', () => {
    const cosine = {rate: 0.01, schedule: 'cosine'} as const;
    const rates = [0, 1, 2, 3].map((epoch) => learningRate(cosine, at(epoch, 0)));
    expectClose(rates, [0.01, 0.0085355339, 0.005, 0.0014644661], {relative: 1e-7, absolute: 0});
    expect(learningRate(cosine, at(1, 1))).toBe(rates[1]);
  });

  test('cosine-per-step moves within an epoch; constant does not move', () => {
    expect(learningRate({rate: 1, schedule: 'cosine-per-step'}, at(1, 1))).toBeCloseTo(
      0.5 * (1 + Math.cos((Math.PI * 1.5) / 4)),
      12,
    );
    expect(learningRate({rate: 1, schedule: 'constant'}, at(3, 1))).toBe(1);
  });
});

onEachEngine(() => {
  const spec = {name: 'w', shape: [2], start: 'zeros', trainable: true} as const;
  const running = {name: 'mean', shape: [1], start: 'zeros', trainable: false} as const;
  const start = new Map([
    ['w', {shape: [2], data: Float32Array.of(1, -2)}],
    ['mean', {shape: [1], data: Float32Array.of(7)}],
  ]);
  const slopes = (sgd: Sgd, a: number, b: number) => ({[sgd.trainable[0]!.name]: tf.tensor1d([a, b])});

  test('steps as PyTorch does: v ← 0.5 v + g + 0.1 w, w ← w − rate · v', async () => {
    const weights = restoreWeights([spec, running], start);
    const sgd = new Sgd(weights, {momentum: 0.5, decay: 0.1});
    sgd.step(slopes(sgd, 1, 2), 0.1); // v = (1.1, 1.8), w = (0.89, −2.18)
    expectClose(await weights.get('w')!.data(), [0.89, -2.18], {relative: 1e-6});
    sgd.step(slopes(sgd, 1, 2), 0.2); // v = (0.55 + 1.089, 0.9 + 1.782), w = (0.5622, −2.7164)
    expectClose(await weights.get('w')!.data(), [0.5622, -2.7164], {relative: 1e-6});
    expectClose((await sgd.arrays()).get('w')!.data, [1.639, 2.682], {relative: 1e-6});
    expectClose(await weights.get('mean')!.data(), [7], {absolute: 0});
  });

  test('vectors and matrices together move as each would alone', async () => {
    const specs = [
      {name: 'a', shape: [2]},
      {name: 'm', shape: [2, 1]},
      {name: 'b', shape: [1]},
      {name: 'c', shape: [3]},
    ].map((one) => ({...one, start: 'zeros', trainable: true}) as const);
    const first = (size: number, salt: number) => Float32Array.from({length: size}, (_, i) => salt + 0.3 * i - 1);
    const at = new Map(specs.map(({name, shape}, i) => [name, {shape, data: first(shape[0]!, i)}]));
    const descend = (names: readonly string[]) => {
      const chosen = specs.filter(({name}) => names.includes(name));
      const weights = restoreWeights(chosen, at);
      const sgd = new Sgd(weights, {momentum: 0.9, decay: 0.01});
      for (const rate of [0.1, 0.05]) {
        const gradients = [...weights].map(([name, {name: id, shape}]) => [
          id,
          tf.tensor(first(shape[0]!, name.codePointAt(0)! / 50), shape),
        ]);
        sgd.step(Object.fromEntries(gradients), rate);
      }
      return {weights, sgd};
    };
    const all = descend(['a', 'm', 'b', 'c']);
    const velocities = await all.sgd.arrays();
    expect([...velocities.keys()].sort()).toEqual(['a', 'b', 'c', 'm']);
    for (const {name, shape} of specs) {
      const alone = descend([name]);
      expect(await all.weights.get(name)!.data()).toEqual(await alone.weights.get(name)!.data());
      expect(velocities.get(name)).toEqual((await alone.sgd.arrays()).get(name));
      expect(velocities.get(name)!.shape).toEqual(shape);
    }
  });

  test('continues from saved velocities as without a stop', async () => {
    const weights = restoreWeights([spec], start);
    const first = new Sgd(weights, {momentum: 0.9, decay: 0});
    first.step(slopes(first, 0.3, 0.7), 0.01);
    const velocities = await first.arrays();
    const copy = restoreWeights(
      [spec],
      new Map([['w', {shape: [2], data: Float32Array.from(await weights.get('w')!.data())}]]),
    );
    const second = new Sgd(copy, {momentum: 0.9, decay: 0}, velocities);
    first.step(slopes(first, 0.1, 0.2), 0.01);
    second.step(slopes(second, 0.1, 0.2), 0.01);
    expect(await copy.get('w')!.data()).toEqual(await weights.get('w')!.data());
    expect(() => new Sgd(copy, {momentum: 0.9, decay: 0}, new Map())).toThrowErrorMatchingInlineSnapshot(
      `[Error: saved momentum has no "w"]`,
    );
  });

  test('leaves nothing behind, and needs a gradient of every weight', async () => {
    await expectNoLeaks(() => {
      const weights = restoreWeights([spec, running], start);
      const sgd = new Sgd(weights, {momentum: 0.9, decay: 1e-4});
      tf.tidy(() => sgd.step(slopes(sgd, 1, 2), 0.1));
      expect(() => sgd.step({}, 0.1)).toThrowErrorMatchingInlineSnapshot(`[Error: the loss does not depend on "w"]`);
      sgd.dispose();
      for (const weight of weights.values()) weight.dispose();
    });
  });
});

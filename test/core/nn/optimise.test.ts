import {describe, expect, test} from 'vitest';
import {tf} from '../../../src/core/engine/engine.ts';
import {Adam} from '../../../src/core/nn/adam.ts';
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

  test('those of the released code: half-cosine, linear, step', () => {
    const rates = (schedule: 'half-cosine' | 'linear' | 'step', more = {}) =>
      [0, 1, 2, 3].map((epoch) => learningRate({rate: 1, schedule, ...more}, at(epoch, 1)));
    expectClose(rates('half-cosine'), [1, 0.9415440652, 0.7730104534, 0.5141027442], {relative: 1e-9, absolute: 0});
    expect(rates('linear')).toEqual([1, 0.75, 0.5, 0.25]);
    expectClose(rates('step'), [1, 0.995, 0.990025, 0.985074875], {relative: 1e-9, absolute: 0});
    expect(rates('step', {decay: {every: 2, factor: 0.1}})).toEqual([1, 1, 0.1, 0.1]);
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

  test('Adam keeps the largest second moment, in doubles by hand; and continues from its state', async () => {
    const decay = 0.1;
    // The second gradients are small, so that the largest moment differs from the last.
    const steps = [
      {slope: [1, -4], rate: 0.1},
      {slope: [0.01, 0.02], rate: 0.05},
      {slope: [-0.5, 0.3], rate: 0.05},
    ] as const;
    const w = [1, -2];
    const [m, v, most] = [
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    for (const [t, {slope, rate}] of steps.entries())
      for (const i of [0, 1]) {
        const g = slope[i]! + decay * w[i]!;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        most[i] = Math.max(most[i]!, v[i]!);
        // As PyTorch writes it: both moments without their bias.
        const unbiased = Math.sqrt(most[i]! / (1 - 0.999 ** (t + 1)));
        w[i]! -= (rate * m[i]!) / (1 - 0.9 ** (t + 1)) / unbiased;
      }
    const weights = restoreWeights([spec, running], start);
    const stepped = (adam: Adam, {slope, rate}: (typeof steps)[number]) =>
      adam.step({[adam.trainable[0]!.name]: tf.tensor1d([...slope])}, rate);
    const adam = new Adam(weights, {momentum: 0.9, decay});
    for (const one of steps.slice(0, 2)) stepped(adam, one);
    const again = new Adam(weights, {momentum: 0.9, decay}, await adam.arrays());
    stepped(again, steps[2]);
    expectClose(await weights.get('w')!.data(), w, {relative: 2e-5});
    expectClose((await again.arrays()).get('most/w')!.data, most, {relative: 1e-4});
    expect(() => new Adam(weights, {momentum: 0.9, decay}, new Map())).toThrow('saved momentum has no "w"');
    for (const one of [adam, again]) one.dispose();
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

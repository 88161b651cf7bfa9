// @module-tag slow
import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import type {NamedArrays} from '../../../src/core/contracts/data.ts';
import {type Tensor, tf} from '../../../src/core/engine/engine.ts';
import {fromTorch} from '../../../src/core/formats/torch/weights.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {efficientnet} from '../../../src/domain/networks/efficientnet.ts';
import {expectNoLeaks, firstEngine, onEachEngine} from '../../rig/tensors.ts';
import {countTrainable, digest, distance, pattern} from './pattern.ts';

/** Of a sum of the pooled features, by PyTorch's names. */
interface Slopes {
  readonly loss: number;
  readonly gradients: {readonly [name: string]: number[]};
}
/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
interface Case {
  readonly variant: string;
  readonly side: number;
  readonly images: number;
  /** Float tensors of the state dict. */
  readonly tensors: readonly (readonly [name: string, shape: number[]])[];
  readonly inference: {readonly [level: string]: number[]};
  /** Batch normalisation by the running statistics, and by the batch's. */
  readonly frozen?: Slopes;
  readonly training?: Slopes;
}
const {cases} = JSON.parse(
  readFileSync(new URL('../../fixtures/networks/efficientnet.json', import.meta.url), 'utf8'),
) as {cases: Case[]};

const make = (variant: string) => efficientnet.create({variant, head: []} as never);

const made = new Map<Case['tensors'], NamedArrays>();

/** The script's state dict, made once for all engines. */
function stateDict({tensors}: Case): NamedArrays {
  const known = made.get(tensors);
  if (known) return known;
  const arrays = new Map(
    tensors.map(([name, shape], at) => {
      const count = shape.reduce((product, side) => product * side, 1);
      const isFilter = shape.length === 4;
      const scale = isFilter ? Math.sqrt((6 * shape[0]!) / count) : 0.25;
      const centre = !isFilter && /(weight|running_var)$/.test(name) ? 1 : 0;
      return [name, {shape, data: Float32Array.from(pattern(count, at + 1), (u) => centre + scale * u)}] as const;
    }),
  );
  made.set(tensors, arrays);
  return arrays;
}

describe('parameters', () => {
  test('are 4.008 M of B0 to 17.549 M of B4, the published ones without 1000 classes', () => {
    const published = {b0: 5_288_548, b1: 7_794_184, b2: 9_109_994, b3: 12_233_232, b4: 19_341_616};
    for (const [variant, all] of Object.entries(published)) {
      const network = make(variant);
      expect(countTrainable(network.parameters(256)), variant).toBe(all - 1000 * (network.features + 1));
    }
    expect([make('b0').features, make('b4').features]).toEqual([1280, 1792]);
  });

  test('multiply-accumulates are 0.386 G of B0 at 224 pixels, 4.394 G of B4 at 380, with 1000 classes, as torchvision tells', () => {
    const giga = (variant: string, side: number) => {
      const network = make(variant);
      return (network.macs!(side) + 1000 * network.features) / 1e9;
    };
    expect(giga('b0', 224)).toBeCloseTo(0.386, 3);
    expect(giga('b4', 380)).toBeCloseTo(4.394, 3);
  });

  test.for(cases)('$variant: every tensor of torchvision’s state dict has its place', ({variant, tensors}) => {
    const network = make(variant);
    const names = network.parameters(256).map(({name}) => network.torchName!(name));
    expect(names.toSorted()).toEqual(tensors.map(([name]) => name).toSorted());
  });
});

onEachEngine((engine) => {
  const opened = (expected: Case) => {
    const network = make(expected.variant);
    const specs = network.parameters(expected.side);
    const weights = restoreWeights(specs, fromTorch(specs, network.torchName!, stateDict(expected)));
    const {images, side} = expected;
    const pixels = Float32Array.from(pattern(images * side * side * 3, 7), (u) => 0.5 + 0.5 * u);
    return {network, specs, weights, x: tf.tensor4d(pixels, [images, side, side, 3])};
  };

  // The larger variant is made of the same operations.
  const tried = cases.filter((one) => one === cases[0] || engine === firstEngine);

  test.for(tried)('$variant, side $side: all levels and the pooled feature are PyTorch’s', async (expected) => {
    const {network, weights, x} = opened(expected);
    const pools = {
      ...Object.fromEntries(Object.entries(network.levels!).map(([name, {pool}]) => [name, () => pool(weights, x)])),
      pool: () => network.pool(weights, x, {training: false}),
    };
    expect(Object.keys(pools)).toEqual(Object.keys(expected.inference));
    for (const [level, pool] of Object.entries(pools)) {
      const compute = () => tf.tidy(pool);
      const made = compute();
      expect(distance(digest(await made.data()), expected.inference[level]!), level).toBeLessThan(1e-5);
      made.dispose();
      if (expected === cases[0] && level === 'pool') await expectNoLeaks(compute); // of one variant: it runs the network twice more
    }
    disposeWeights(weights);
    x.dispose();
  });

  test.for(
    cases.flatMap((expected) =>
      (['frozen', 'training'] as const).flatMap((mode) => {
        const slopes = expected[mode];
        return slopes ? [{...expected, mode, slopes}] : [];
      }),
    ),
  )('$variant, batch normalisation $mode: gradients are PyTorch’s', async ({mode, slopes, ...expected}) => {
    const {network, specs, weights, x} = opened(expected);
    // Frozen, it has no gradient in its own scale and shift.
    const trainable = specs.filter(
      ({name, trainable}) => trainable && (mode === 'training' || !/\/(gamma|beta)$/.test(name)),
    );
    const {value, grads} = tf.tidy(() =>
      tf.variableGrads(
        () => {
          const pooled: Tensor = network.pool(weights, x, {training: mode === 'training'});
          const factors = tf.tensor(Float32Array.from(pattern(pooled.size, 21)), pooled.shape);
          return tf.sum(tf.mul(pooled, factors));
        },
        trainable.map(({name}) => weights.get(name)!),
      ),
    );
    expect((await value.data())[0]).toBeCloseTo(slopes.loss, 2);
    const largest = Math.max(...Object.values(slopes.gradients).map(([norm]) => norm!));
    for (const {name} of trainable) {
      const theirs = slopes.gradients[network.torchName!(name)]!;
      const ours = digest(await grads[weights.get(name)!.name]!.data());
      // Batch statistics take out what is added before them: such a shift has no gradient but for rounding.
      if (theirs[0]! < 1e-9 * largest) expect(ours[0]! / largest, `gradient of ${name}`).toBeLessThan(1e-5);
      else expect(distance(ours, theirs), `gradient of ${name}`).toBeLessThan(5e-3);
    }
    tf.dispose([value, grads]);
    disposeWeights(weights);
    x.dispose();
  });
});

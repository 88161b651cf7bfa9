import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {type Tensor2D, tf} from '../../../src/core/engine/engine.ts';
import {disposeWeights, type ParameterSpec, restoreWeights, weightsToArrays} from '../../../src/core/nn/layers.ts';
import {Sgd} from '../../../src/core/nn/optimise.ts';
import {classification} from '../../../src/domain/learners/training/losses.ts';
import {embed, headMacs, headParameters, logits} from '../../../src/domain/networks/head.ts';
import {resnet10, resnet18, resnet34, resnet50} from '../../../src/domain/networks/resnet.ts';
import {onEachEngine, tidied} from '../../rig/tensors.ts';
import {countTrainable, digest, distance, pattern, patternValues} from './pattern.ts';

const family = {resnet10, resnet18, resnet34, resnet50};

/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
interface Case {
  readonly network: keyof typeof family;
  readonly side: number;
  readonly width: number;
  readonly head: number[];
  readonly images: number;
  readonly classes: number;
  readonly rate: number;
  readonly momentum: number;
  readonly decay: number;
  readonly inference: {readonly pool: number[]; readonly logits: number[]};
  readonly gradients: {readonly [name: string]: number[]};
  readonly losses: number[];
  /** Of the parameters and running statistics, over all steps. */
  readonly moves: {readonly [name: string]: number[]};
}
const cases = ['resnet18.json', 'resnets.json'].flatMap(
  (name) =>
    JSON.parse(readFileSync(new URL(`../../fixtures/networks/${name}`, import.meta.url), 'utf8')).cases as Case[],
);

describe('parameters', () => {
  const make = (width: number) => resnet18.create({width, head: []});

  test('are 11.169 M with the small stem, 11.177 M with the large one (paper 1.1)', () => {
    expect(countTrainable(make(1).parameters(32))).toBe(11_168_832);
    expect(make(1).parameters(64)).toEqual(make(1).parameters(32));
    expect(countTrainable(make(1).parameters(128))).toBe(11_176_512);
    expect(make(1).parameters(256)).toEqual(make(1).parameters(128));
  });

  test("are 13.276 M with rotation's head, 13.340 M with the contrastive one, 11.171 M for RotNet (paper 1.2)", () => {
    const wide = Array.from({length: 8}, () => 512);
    const total = (head: readonly number[], classes: number) =>
      countTrainable([...make(1).parameters(32), ...headParameters(512, head, classes)]);
    expect(total(wide, 4)).toBe(13_275_716);
    expect(total([...wide, 128], 0)).toBe(13_339_712);
    expect(total([], 4)).toBe(11_170_884);
  });

  test('multiply-accumulates are 0.555 G at 32 pixels, 2.222 G at 64, 2.369 G at 256 (paper 9)', () => {
    const giga = (side: number) => make(1).macs!(side) / 1e9;
    expect(giga(32)).toBeCloseTo(0.555, 3);
    expect(giga(64)).toBeCloseTo(2.222, 3);
    expect(giga(256)).toBeCloseTo(2.369, 3);
    expect(giga(128)).toBeCloseTo(giga(256) / 4, 9);
    // A quarter of the width is 1/12.5 of the work: the stem stays.
    expect(make(0.25).macs!(32) / 1e6).toBeCloseTo(44, 0);
    expect(
      headMacs(
        512,
        Array.from({length: 8}, () => 512),
        4,
      ),
    ).toBe(8 * 512 * 512 + 512 * 4);
    expect(headMacs(512, [], 0)).toBe(0);
  });

  test('of the others, with the large stem, are torchvision’s without its 1000 classes', () => {
    const of = (network: keyof typeof family) => {
      const made = family[network].create({width: 1, head: []});
      return [made.features, countTrainable(made.parameters(256))];
    };
    expect(of('resnet34')).toEqual([512, 21_797_672 - 1000 * 513]);
    expect(of('resnet50')).toEqual([2048, 25_557_032 - 1000 * 2049]);
    // One block a stage, each of which but the first projects.
    expect(of('resnet10')).toEqual([
      512,
      11_176_512 - 2 * (64 * 64 * 9 + 128 * 128 * 9 + 256 * 256 * 9 + 512 * 512 * 9) - 4 * (64 + 128 + 256 + 512),
    ]);
  });

  test('multiply-accumulates of the others at 224 pixels’ proportions are the published ones', () => {
    // 3.66 G and 4.09 G at 224 pixels without the last layer; (256 / 224)² times as many.
    const giga = (network: keyof typeof family) => family[network].create({width: 1, head: []}).macs!(256) / 1e9;
    expect(giga('resnet34') * (224 / 256) ** 2).toBeCloseTo(3.663, 2);
    expect(giga('resnet50') * (224 / 256) ** 2).toBeCloseTo(4.087, 2);
  });

  test('the width does not change the stem', () => {
    const shapes = new Map(
      make(0.25)
        .parameters(32)
        .map(({name, shape}) => [name, shape]),
    );
    expect(shapes.get('stem/conv/kernel')).toEqual([3, 3, 3, 64]);
    expect(shapes.get('stage1/block1/conv1/kernel')).toEqual([3, 3, 64, 16]);
    expect(shapes.get('stage4/block2/conv2/kernel')).toEqual([3, 3, 128, 128]);
    expect(make(0.25).features).toBe(128);
  });

  test('are refused for another side', () => {
    expect(() => make(1).parameters(224)).toThrowErrorMatchingInlineSnapshot(
      `[Error: resnet18 takes images of 32, 64, 128, 256 pixels a side, but these have 224. Set the dataset's image size to one of them.]`,
    );
  });
});

onEachEngine(() => {
  test.for(cases)('$network computes and trains as PyTorch does, side $side', async (expected) => {
    const {side, width, head, images, classes, momentum, decay} = expected;
    // Float32 loses digits on the way back through 50 layers: PyTorch's own gradients are up to 1.8 % off, and steps by them much more.
    const deep = expected.network === 'resnet50';
    const network = family[expected.network].create({width, head});
    const specs = [...network.parameters(side), ...headParameters(network.features, head, classes)];
    const start = new Map(
      specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}] as const),
    );
    const weights = restoreWeights(specs, start);
    const pixels = Float32Array.from(pattern(images * side * side * 3, 7), (u) => 0.5 + 0.5 * u);
    const x = tf.tensor4d(pixels, [images, side, side, 3]);
    const run = (training: boolean): {pooled: Tensor2D; logits: Tensor2D} => {
      const pooled = network.pool(weights, x, {training});
      return {pooled, logits: logits(weights, embed(weights, head, pooled, {training}))};
    };

    await tidied(async () => {
      const inferred = run(false);
      expect(distance(digest(await inferred.pooled.data()), expected.inference.pool)).toBeLessThan(1e-5);
      expect(distance(digest(await inferred.logits.data()), expected.inference.logits)).toBeLessThan(1e-5);
    });

    const labels = Int32Array.from({length: images}, (_, i) => i % classes);
    const sgd = new Sgd(weights, {momentum, decay});
    for (const [step, loss] of expected.losses.slice(0, deep ? 1 : 3).entries())
      await tidied(async () => {
        const {value, grads} = tf.variableGrads(
          () => classification(run(true).logits, labels).loss,
          [...sgd.trainable],
        );
        expect((await value.data())[0]).toBeCloseTo(loss, deep ? 3 : step === 0 ? 4 : 3);
        if (step === 0)
          for (const [name, gradient] of Object.entries(expected.gradients)) {
            const ours = digest(await grads[weights.get(name)!.name]!.data());
            expect(distance(ours, gradient), `gradient of ${name}`).toBeLessThan(deep ? 0.1 : 5e-3);
          }
        sgd.step(grads, expected.rate);
      });
    for (const [name, {data}] of await weightsToArrays(weights)) {
      if (deep) continue;
      const moved = data.map((value, i) => value - start.get(name)!.data[i]!);
      expect(distance(digest(moved), expected.moves[name]!), `move of ${name}`).toBeLessThan(1e-2);
    }
    expect(Object.keys(expected.moves)).toEqual(specs.map(({name}: ParameterSpec) => name));
    sgd.dispose();
    disposeWeights(weights);
    x.dispose();
  });
});

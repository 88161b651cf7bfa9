import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {type Tensor2D, tf} from '../../../src/core/engine/engine.ts';
import {disposeWeights, type ParameterSpec, restoreWeights, weightsToArrays} from '../../../src/core/nn/layers.ts';
import {Sgd} from '../../../src/core/nn/optimise.ts';
import {classification} from '../../../src/domain/learners/training/losses.ts';
import {embed, headMacs, headParameters, logits} from '../../../src/domain/networks/head.ts';
import {resnet18} from '../../../src/domain/networks/resnet.ts';
import {onEachEngine, tidied} from '../../rig/tensors.ts';
import {countTrainable, digest, distance, pattern, patternValues} from './pattern.ts';

/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
interface Case {
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
const {cases} = JSON.parse(readFileSync(new URL('../../fixtures/networks/resnet18.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

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
  test.for(cases)('computes and trains as PyTorch does, side $side', async (expected) => {
    const {side, width, head, images, classes, momentum, decay} = expected;
    const network = resnet18.create({width, head});
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
    for (const [step, loss] of expected.losses.entries())
      await tidied(async () => {
        const {value, grads} = tf.variableGrads(
          () => classification(run(true).logits, labels).loss,
          [...sgd.trainable],
        );
        expect((await value.data())[0]).toBeCloseTo(loss, step === 0 ? 4 : 3);
        if (step === 0)
          for (const [name, gradient] of Object.entries(expected.gradients)) {
            const ours = digest(await grads[weights.get(name)!.name]!.data());
            expect(distance(ours, gradient), `gradient of ${name}`).toBeLessThan(5e-3);
          }
        sgd.step(grads, expected.rate);
      });
    for (const [name, {data}] of await weightsToArrays(weights)) {
      const moved = data.map((value, i) => value - start.get(name)!.data[i]!);
      expect(distance(digest(moved), expected.moves[name]!), `move of ${name}`).toBeLessThan(1e-2);
    }
    expect(Object.keys(expected.moves)).toEqual(specs.map(({name}: ParameterSpec) => name));
    sgd.dispose();
    disposeWeights(weights);
    x.dispose();
  });
});

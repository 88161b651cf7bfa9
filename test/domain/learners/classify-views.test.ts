import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import type {Network} from '../../../src/core/contracts/network.ts';
import {tf} from '../../../src/core/engine/engine.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {classifyViews} from '../../../src/domain/learners/classify-views.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {onEachEngine, tidied} from '../../rig/tensors.ts';
import {digest, distance, pattern, patternValues} from '../networks/pattern.ts';

/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
const {cases} = JSON.parse(
  readFileSync(new URL('../../fixtures/networks/classify-views.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly {
    readonly features: number;
    readonly head: readonly number[];
    readonly images: number;
    readonly views: number;
    readonly loss: number;
    readonly gradients: {readonly [name: string]: number[]};
  }[];
};

onEachEngine(() => {
  test.for(cases)('classification of $views views: loss and gradients are PyTorch’s', async (fixture) => {
    const {features, head, images, views, loss, gradients} = fixture;
    const network: Network = {
      features,
      head,
      parameters: () => [],
      pool: (_, x) => tf.reshape(x, [-1, features]), // the pixels themselves
    };
    const specs = headParameters(features, head, views);
    const start = specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}] as const);
    const weights = restoreWeights(specs, new Map(start));
    await tidied(async () => {
      const pixels = Float32Array.from(pattern(views * images * features, 13));
      const x = tf.tensor4d(pixels, [views * images, 1, features / 3, 3]);
      const {value, grads} = tf.variableGrads(() => classifyViews(network, weights, x, views).loss);
      expect((await value.data())[0]).toBeCloseTo(loss, 5);
      expect(Object.keys(gradients)).toEqual(specs.filter(({trainable}) => trainable).map(({name}) => name));
      for (const [name, gradient] of Object.entries(gradients)) {
        const ours = digest(await grads[weights.get(name)!.name]!.data());
        expect(distance(ours, gradient), `gradient of ${name}`).toBeLessThan(1e-4);
      }
    });
    disposeWeights(weights);
  });
});

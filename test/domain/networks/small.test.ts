import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {tf} from '../../../src/core/engine/engine.ts';
import {createWeights, disposeWeights} from '../../../src/core/nn/layers.ts';
import {small} from '../../../src/domain/networks/small.ts';
import {onEachEngine, tensor} from '../../rig/tensors.ts';
import {countTrainable} from './pattern.ts';

test('has fewer than 100 000 parameters, and needs 8 pixels a side', () => {
  const network = small.create({width: 16, head: []});
  expect(countTrainable(network.parameters(32))).toBe(
    9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 128) + 2 * (16 + 32 + 64 + 128),
  );
  expect(network.parameters(28)).toEqual(network.parameters(32));
  expect(() => network.parameters(4)).toThrowErrorMatchingInlineSnapshot(
    `[Error: small needs images of at least 8 pixels a side, but these have 4.]`,
  );
});

onEachEngine(() => {
  test.for([8, 28, 32])('pools images of side %i', async (side) => {
    const network = small.create({width: 4, head: []});
    const weights = createWeights(network.parameters(side), new Rng(0));
    const pooled = tf.tidy(() => network.pool(weights, tensor([3, side, side, 3]), {training: true}));
    expect(pooled.shape).toEqual([3, network.features]);
    expect(Math.min(...(await pooled.data()))).toBeGreaterThanOrEqual(0); // post-ReLU
    pooled.dispose();
    disposeWeights(weights);
  });
});

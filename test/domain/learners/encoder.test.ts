// @module-tag slow
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {createWeights, disposeWeights, weightsToArrays} from '../../../src/core/nn/layers.ts';
import {openEncoder, poolAndEmbed} from '../../../src/domain/learners/encoder.ts';
import {partsOf} from '../../../src/domain/learners/explain.ts';
import {pixelsAtOnce} from '../../../src/domain/learners/layer.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {resnet18} from '../../../src/domain/networks/resnet.ts';
import {small} from '../../../src/domain/networks/small.ts';
import {expectNoLeaks, onEachEngine} from '../../rig/tensors.ts';

function noise(count: number, side: number): ImageSet {
  const rng = new Rng(7);
  const pixels = Uint8Array.from({length: count * side * side * 3}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

/** An encoder of first weights. */
async function untaught(network: Network, side: number) {
  const weights = createWeights(
    [...network.parameters(side), ...headParameters(network.features, network.head, 0)],
    new Rng(0),
  );
  const arrays = await weightsToArrays(weights);
  disposeWeights(weights);
  return openEncoder(arrays, poolAndEmbed(network), partsOf(network));
}

onEachEngine((engine) => {
  const cases = [
    {name: 'small', network: small.create({width: 1, head: [16]}), side: 32, layer: 'pool'},
    {name: 'small', network: small.create({width: 1, head: [16]}), side: 32, layer: 'embed'},
    ...(engine === 'tensorflow'
      ? [32, 256].map((side) => ({
          name: 'resnet18',
          network: resnet18.create({width: 0.25, head: []}),
          side,
          layer: 'pool',
        }))
      : []),
  ];

  test.each(cases)('$name of $side pixels, $layer: a row has the same bits after any number of rows', async (one) => {
    const batch = pixelsAtOnce / one.side ** 2;
    const images = noise(27 * batch + Math.min(batch - 1, 3), one.side); // enough for a graph, and a rest
    const encoder = await untaught(one.network, one.side);
    const all = await encoder.embed(images, one.layer);
    encoder.dispose();

    const size = one.side ** 2 * 3;
    const other = await untaught(one.network, one.side);
    for (const first of [0, 25 * batch, 27 * batch]) {
      const count = Math.min(batch, images.count - first);
      if (count === 0) continue;
      const pixels = images.pixels.subarray(first * size, (first + count) * size);
      const alone = await other.embed({...images, count, pixels}, one.layer);
      expect(all.data.subarray(first * all.columns, (first + count) * all.columns)).toEqual(alone.data);
    }
    other.dispose();
  });

  test('maps of an image have the same bits after any number of images, and each choice of maps is its own', async () => {
    const side = 256; // a batch is one image
    const images = noise(27, side);
    const encoder = await untaught(cases[0]!.network, side);
    const [two, one] = [await encoder.maps!(images, ['conv4', 'conv2']), await encoder.maps!(images, ['conv2'])];
    expect(one).toEqual([two[1]]);
    encoder.dispose();

    const other = await untaught(cases[0]!.network, side);
    const size = side ** 2 * 3;
    for (const first of [0, 26]) {
      const pixels = images.pixels.subarray(first * size, (first + 1) * size);
      const alone = await other.maps!({...images, count: 1, pixels}, ['conv4', 'conv2']);
      for (const [i, {data}] of alone.entries())
        expect(two[i]!.data.subarray(first * data.length, (first + 1) * data.length)).toEqual(data);
    }
    other.dispose();
  });

  test('leaves nothing behind', async () => {
    const images = noise(26 * 64, 32);
    await expectNoLeaks(async () => {
      const encoder = await untaught(cases[0]!.network, 32);
      await encoder.embed(images, 'pool');
      await encoder.maps!(images, ['conv3']);
      await expect(encoder.maps!(images, ['conv9'])).rejects.toThrow('known: conv1, conv2, conv3, conv4');
      encoder.dispose();
    });
  });
});

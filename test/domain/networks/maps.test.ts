/** The maps that networks offer: the last is that whose mean is the pooled feature, and the others come before it. */
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import {type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {createWeights, disposeWeights} from '../../../src/core/nn/layers.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {expectClose, expectNoLeaks, onEachEngine} from '../../rig/tensors.ts';

const plugins = new Plugins(builtin);
const stages = ['stage1', 'stage2', 'stage3', 'stage4'];
const levels = [1, 2, 3, 4, 5, 6, 7].map((level) => `level-${level}`);
const cases = [
  {ref: {type: 'small', width: 4}, side: 32, names: ['conv1', 'conv2', 'conv3', 'conv4'], sides: [16, 8, 4, 2]},
  {ref: {type: 'resnet10', width: 0.125}, side: 128, names: stages, sides: [32, 16, 8, 4]},
  {ref: {type: 'resnet50', width: 0.125}, side: 32, names: stages, sides: [32, 16, 8, 4]},
  {ref: {type: 'efficientnet', variant: 'b0'}, side: 32, names: levels, sides: [16, 8, 4, 2, 2, 1, 1]},
];

onEachEngine(() => {
  test.for(cases)('$ref.type', async ({ref, side, names, sides}) => {
    const {value, issues} = checkPlugin(plugins, 'network', ref);
    expect(issues).toEqual([]);
    const network = plugins.create('network', value);
    const weights = createWeights(network.parameters(side), new Rng(0));
    await expectNoLeaks(async () => {
      const x: Tensor4D = tf.randomUniform([2, side, side, 3], 0, 1, 'float32', 1);
      const maps = tf.tidy(() => ({...network.maps!(weights, x)}));
      expect(Object.keys(maps)).toEqual(names);
      expect(Object.values(maps).map(({shape}) => [shape[0], shape[1], shape[2]])).toEqual(sides.map((s) => [2, s, s]));
      expect(network.mapChannels).toEqual(
        Object.fromEntries(Object.entries(maps).map(([n, {shape}]) => [n, shape[3]])),
      );
      const last = maps[names.at(-1)!]!;
      if (ref.type === 'efficientnet')
        expectClose(
          tf.tidy(() => tf.mean(last, [1, 2]).dataSync<'float32'>()),
          tf.tidy(() => network.levels!['level-7']!.pool(weights, x).dataSync<'float32'>()),
        );
      else
        expectClose(
          last.dataSync(),
          tf.tidy(() => network.map!(weights, x).dataSync<'float32'>()),
        );
      for (const map of Object.values(maps)) map.dispose();
      x.dispose();
    });
    disposeWeights(weights);
  });
});

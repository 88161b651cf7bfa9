import type {Network} from '../../core/contracts/network.ts';
import {defineNetwork} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {Value} from '../../core/formats/onnx/builder.ts';
import {
  batchNorm,
  batchNormParameters,
  conv,
  convMacs,
  convParameters,
  globalAveragePool,
  type Weights,
} from '../../core/nn/layers.ts';
import {batchNormGraph, convGraph, globalAveragePoolGraph, reluGraph} from '../../core/nn/layers-graph.ts';
import {Type} from '../../core/plugin/type.ts';
import {headOption} from './head.ts';

export const small = defineNetwork({
  name: 'small',
  version: 1,
  summary:
    'Four convolutions for quick experiments on a CPU: thousands of 32-pixel images a second. Not in the papers.',
  options: Type.Object(
    {
      width: Type.Integer({
        minimum: 1,
        maximum: 512,
        default: 16,
        description:
          'Channels of the first convolution; each of the next three doubles them. Each convolution halves the side.',
      }),
      head: headOption,
    },
    {additionalProperties: false},
  ),
  create: ({width, head}): Network => {
    const channels = [3, width, 2 * width, 4 * width, 8 * width];
    const layers = [1, 2, 3, 4];
    const convolved = (weights: Weights, i: number, x: Tensor4D, options: {readonly training: boolean}): Tensor4D =>
      tf.relu(batchNorm(weights, `bn${i}`, conv(weights, `conv${i}`, x, 2), options));
    const map = (weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor4D =>
      layers.reduce((y, i) => convolved(weights, i, y, options), x);
    const mapsGraph: NonNullable<Network['mapsGraph']> = (builder, weights, x) => {
      const maps: {[name: string]: Value} = {};
      layers.reduce((y, i) => {
        const convolved = convGraph(builder, weights, `conv${i}`, y, 2);
        const made = reluGraph(builder, batchNormGraph(builder, weights, `bn${i}`, convolved));
        maps[`conv${i}`] = made;
        return made;
      }, x);
      return maps;
    };
    return {
      features: channels.at(-1)!,
      head,
      parameters: (side) => {
        if (side < 8) throw new Error(`small needs images of at least 8 pixels a side, but these have ${side}.`);
        return layers.flatMap((i) => [
          ...convParameters(`conv${i}`, 3, channels[i - 1]!, channels[i]!),
          ...batchNormParameters(`bn${i}`, channels[i]!),
        ]);
      },
      macs: (side) => {
        let at = side;
        return layers.reduce((sum, i) => {
          at = Math.ceil(at / 2);
          return sum + convMacs(3, channels[i - 1]!, channels[i]!, at);
        }, 0);
      },
      map: (weights, x) => map(weights, x, {training: false}),
      maps(weights, x) {
        const maps: {[name: string]: Tensor4D} = {};
        layers.reduce((y, i) => (maps[`conv${i}`] = convolved(weights, i, y, {training: false})), x);
        return maps;
      },
      mapChannels: Object.fromEntries(layers.map((i) => [`conv${i}`, channels[i]!])),
      pool: (weights, x, options) => globalAveragePool(map(weights, x, options)),
      mapGraph: (builder, weights, x) => mapsGraph(builder, weights, x)['conv4']!,
      graph: (builder, weights, x) => globalAveragePoolGraph(builder, mapsGraph(builder, weights, x)['conv4']!),
      mapsGraph,
    };
  },
});

import {defineLearner} from '../../core/plugin/define.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {createWeights, disposeWeights, weightsToArrays} from '../../core/tensor/layers.ts';
import {openEncoder, sideOf} from './encoder.ts';
import {plainLayer} from './encoder-graph.ts';

export const untrained = defineLearner({
  name: 'untrained',
  version: 1,
  summary: 'Features of a network with random weights: what training is measured against.',
  paper: 'Sohn et al. 2021, rows "ResNet-18 (random)"',
  layers: ['pool'],
  trains: false,
  augment: [],
  row: () => 'untrained',
  options: Type.Object(
    {network: pluginOption('network', {type: 'resnet18', width: 1, head: []}, 'The encoder.')},
    {additionalProperties: false},
  ),
  create: ({network: ref}) => ({
    async fit({images, rng, plugins}) {
      const network = plugins.create('network', ref);
      // Running statistics stay at mean 0 and variance 1, as in the released code.
      const weights = createWeights(network.parameters(sideOf(images)), rng.fork('weights'));
      try {
        return {weights: await weightsToArrays(weights), curve: []};
      } finally {
        disposeWeights(weights);
      }
    },
    encoder(weights, plugins) {
      const network = plugins.create('network', ref);
      return openEncoder(weights, {pool: (w, x) => network.pool(w, x, {training: false})});
    },
    graph: (builder, images, layer, weights, plugins) =>
      plainLayer(builder, images, layer, plugins.create('network', ref), weights),
  }),
});

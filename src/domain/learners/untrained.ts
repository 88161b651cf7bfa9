import {defineLearner} from '../../core/contracts/learner.ts';
import {createWeights, disposeWeights, weightsToArrays} from '../../core/nn/layers.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {openEncoder, ownLayers, sideOf} from './encoder.ts';
import {plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';
import {imagenet, startFiles, startOption, startWeights} from './training/start.ts';

export const untrained = defineLearner({
  name: 'untrained',
  version: 1,
  summary:
    'Features of a network that is not trained, with random weights or those of a file: the control for every training.',
  paper: 'Sohn et al. 2021, rows "ResNet-18 (random)"; Li et al. 2021 (CutPaste), table 3, "pretrained"',
  layers: ['pool'],
  trains: false,
  explains: true,
  ofPooled: ['pool'],
  augment: [],
  row: ({start, network: {type, variant}}) => (start === undefined ? 'untrained' : `imagenet-${type}-${variant}`),
  files: startFiles,
  paperOptions: ({network: {type}, start = imagenet}) =>
    type === 'efficientnet' ? {start, network: {type, variant: 'b4', head: []}} : {},
  options: Type.Object(
    {
      network: pluginOption('network', {type: 'resnet18', width: 1, head: []}, 'The encoder.'),
      start: startOption,
    },
    {additionalProperties: false},
  ),
  create: ({network: ref, start}) => ({
    async fit({images, rng, plugins}) {
      const network = plugins.create('network', ref);
      const parameters = network.parameters(sideOf(images));
      if (start !== undefined) return {weights: startWeights(start, network, parameters), curve: []};
      // Running statistics stay at mean 0 and variance 1, as in the released code.
      const weights = createWeights(parameters, rng.fork('weights'));
      try {
        return {weights: await weightsToArrays(weights), curve: []};
      } finally {
        disposeWeights(weights);
      }
    },
    encoder(weights, plugins) {
      const network = plugins.create('network', ref);
      return openEncoder(weights, ownLayers(network), partsOf(network));
    },
    graph: (builder, images, layer, weights, plugins) =>
      plainLayer(builder, images, layer, plugins.create('network', ref), weights),
  }),
});

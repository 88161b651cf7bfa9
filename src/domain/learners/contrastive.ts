import {defineLearner} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {embed, headParameters} from '../networks/head.ts';
import {cropPatch, patchOption, trainingSide} from './crop-patch.ts';
import {openEncoder, poolAndEmbed} from './encoder.ts';
import {plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';
import {paperAugmentation} from './training/augmentation.ts';
import {TrainingError} from './training/collapse.ts';
import {instancesOf} from './training/feed.ts';
import {infoNce} from './training/losses.ts';
import {optimizerOption} from './training/optimizer.ts';
import type {StepResult} from './training/phases.ts';
import {measurePretext} from './training/pretext.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';

export const contrastive = defineLearner({
  name: 'contrastive',
  version: 3,
  summary:
    'Learns which image of a batch is another view of the same image; with distribution augmentation, of the same copy.',
  paper: 'Sohn et al. 2021',
  layers: ['pool', 'embed'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed'],
  augment: paperAugmentation,
  distributionAugmentation: [[{type: 'rotate90'}], [{type: 'rotate180'}], [{type: 'rotate270'}]],
  row: ({patch}, {copies}) =>
    `${copies === 0 ? 'contrastive' : 'contrastive-da'}${patch === undefined ? '' : '-patch'}`,
  options: Type.Object(
    {
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head: [512, 512, 512, 512, 512, 512, 512, 512, 128]},
        'The encoder and the widths of its projection head, whose last layer is linear without a bias.',
      ),
      patch: patchOption,
      epochs: Type.Integer({
        minimum: 1,
        default: 2048,
        description: 'Passes over the training images and their copies by distribution augmentation.',
      }),
      batch: Type.Integer({
        minimum: 2,
        default: 32,
        description: 'Images in each step; the network sees two views of each. The other images are negatives.',
      }),
      temperature: Type.Number({
        exclusiveMinimum: 0,
        default: 0.2,
        description: 'The cosines are divided by it. A lower value gives the nearest negatives more weight.',
      }),
      optimizer: optimizerOption({learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4}),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    work: ({plugins, ...input}) => workOf(plugins.create('network', options.network), 0, 2, options, input),

    async fit(context) {
      const {images, distributionAugmentation = []} = context;
      if (instancesOf(images, distributionAugmentation) < 2)
        throw new TrainingError('contrastive learning needs at least two training images. Use more images.');
      const network = context.plugins.create('network', options.network);
      return train({
        context,
        learner: {type: 'contrastive', ...options},
        parameters: [
          ...network.parameters(trainingSide(images, options.patch)),
          ...headParameters(network.features, network.head, 0),
        ],
        ...options,
        chance: Math.log,
        loss: (weights, x) => contrast(network, weights, x, options.temperature),
      });
    },

    pretext(context) {
      const network = context.plugins.create('network', options.network);
      return measurePretext({
        context,
        learner: {type: 'contrastive', ...options},
        batch: options.batch,
        loss: (weights, x) => contrast(network, weights, x, options.temperature, {training: false}),
      });
    },

    encoder(saved, plugins) {
      const network = plugins.create('network', options.network);
      return openEncoder(saved, poolAndEmbed(network), partsOf(network));
    },

    graph: (builder, images, layer, weights, plugins) =>
      plainLayer(builder, images, layer, plugins.create('network', options.network), weights),

    /** Two separate draws of A, on one patch if patches are learnt. */
    views(image, augment, rng) {
      const seen = cropPatch(image, options.patch, rng);
      return [augment(seen, rng), augment(seen, rng)];
    },
  }),
});

/** x (2n, h, w, 3): the first views, then the second; both go through the network in one batch, as its statistics see. */
export function contrast(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  temperature: number,
  mode: {readonly training: boolean} = {training: true},
): StepResult {
  const n = x.shape[0] / 2;
  const pooled = network.pool(weights, x, mode);
  const embedded = embed(weights, network.head, pooled, mode);
  const view = (start: number) => tf.slice(embedded, [start, 0], [n, -1]);
  return {...infoNce(view(0), view(n), temperature), pooled};
}

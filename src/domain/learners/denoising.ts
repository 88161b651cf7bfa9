import type {Rng} from '../../core/base/random.ts';
import type {FloatImage, ImageSet} from '../../core/contracts/data.ts';
import {defineLearner} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import {floatImage} from '../../core/images/float-image.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {decode, decoderMacs, decoderParameters} from '../networks/decoder.ts';
import {embed, headParameters} from '../networks/head.ts';
import {compose} from '../transforms/compose.ts';
import {openEncoder, poolAndEmbed, sideOf} from './encoder.ts';
import {plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';
import {paperAugmentation} from './training/augmentation.ts';
import {optimizerOption} from './training/optimizer.ts';
import type {StepResult} from './training/phases.ts';
import {measurePretext} from './training/pretext.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';

export const denoising = defineLearner({
  name: 'denoising',
  version: 3,
  summary: 'Reconstructs an image from a noisy copy of it: the denoising autoencoder of the tables.',
  paper: 'Vincent et al. 2008; Sohn et al. 2021, rows "Denoising", which do not give architecture and noise',
  layers: ['pool', 'embed'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed'],
  augment: paperAugmentation,
  row: () => 'denoising',
  options: Type.Object(
    {
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head: []},
        'The encoder. Its pooled feature is the code, or, with a head, the head’s linear last layer. The paper does not ' +
          'say; ours is the network of the other learners, with its mirror image as decoder (nearest-neighbour up-convolutions).',
      ),
      noise: Type.Union([Type.Literal('mask'), Type.Literal('gaussian')], {
        default: 'mask',
        description:
          'mask: pixels become black; gaussian: numbers are added, without clipping. The paper does not say; ours is that of ' +
          'its published reproduction.',
      }),
      level: Type.Number({
        exclusiveMinimum: 0,
        exclusiveMaximum: 1,
        default: 0.25,
        description:
          'mask: share of the pixels; gaussian: standard deviation, images being in [0, 1]. The paper does not say; ours ' +
          'is the reproduction’s 25 % of the pixels.',
      }),
      epochs: Type.Integer({
        minimum: 1,
        default: 2048,
        description: 'Passes over the training images. The paper does not say; ours is that of its other learners.',
      }),
      batch: Type.Integer({
        minimum: 1,
        default: 64,
        description: 'Images in each step. The paper does not say; ours is that of rotation prediction.',
      }),
      optimizer: optimizerOption({learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4}),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    work({plugins, ...input}) {
      const network = plugins.create('network', options.network);
      const work = workOf(network, 0, 1, options, input); // the clean image does not go through the network
      return work && {...work, macs: work.macs + decoderMacs(columnsOf(network), input.side)};
    },

    fit(context) {
      const {images, augment, plugins, rng} = context;
      const network = plugins.create('network', options.network);
      const side = sideOf(images);
      const guessing = lossOfMean(images, compose(augment, plugins), rng.fork('guessing'));
      return train({
        context,
        learner: {type: 'denoising', ...options},
        parameters: [
          ...network.parameters(side),
          ...headParameters(network.features, network.head, 0),
          ...decoderParameters(columnsOf(network), side),
        ],
        ...options,
        chance: () => guessing,
        loss: (weights, x) => denoise(network, weights, x),
      });
    },

    pretext(context) {
      const network = context.plugins.create('network', options.network);
      return measurePretext({
        context,
        learner: {type: 'denoising', ...options},
        batch: options.batch,
        loss: (weights, x) => denoise(network, weights, x, {training: false}),
      });
    },

    encoder(saved, plugins) {
      const network = plugins.create('network', options.network);
      return openEncoder(saved, poolAndEmbed(network), partsOf(network));
    },

    graph: (builder, images, layer, weights, plugins) =>
      plainLayer(builder, images, layer, plugins.create('network', options.network), weights),

    /** The noisy image and the clean image, which is the target: both from one draw of the augmentation. */
    views(image, augment, rng) {
      const clean = augment(image, rng);
      return [options.noise === 'mask' ? masked(clean, options.level, rng) : noisy(clean, options.level, rng), clean];
    },
  }),
});

/** Of the code. */
const columnsOf = ({features, head}: Network): number => head.at(-1) ?? features;

/** x (2n, s, s, 3): the noisy images, then the clean ones. Mean squared error over all numbers of the clean ones. */
export function denoise(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  mode: {readonly training: boolean} = {training: true},
): StepResult {
  const n = x.shape[0] / 2;
  const part = (start: number): Tensor4D => tf.slice(x, [start, 0, 0, 0], [n, -1, -1, -1]);
  const pooled = network.pool(weights, part(0), mode);
  const code = embed(weights, network.head, pooled, mode);
  const made = decode(weights, code, x.shape[1], mode);
  return {loss: tf.mean(tf.square(tf.sub(made, part(n)))), pooled};
}

/** Each pixel black, in all its channels, with this probability. */
function masked(image: FloatImage, share: number, rng: Rng): FloatImage {
  const data = image.data.slice();
  for (let at = 0; at < data.length; at += image.channels)
    if (rng.uniform() < share) data.fill(0, at, at + image.channels);
  return {...image, data};
}

function noisy(image: FloatImage, deviation: number, rng: Rng): FloatImage {
  return {...image, data: image.data.map((value) => value + deviation * rng.normal())};
}

/** Number of draws from which the loss of guessing is computed. */
const draws = 256;

/**
 * Mean squared error of always answering with the mean image, the best answer without looking at the input. Infinite if all images
 * are equal, so that no loss counts as guessing.
 */
function lossOfMean(images: ImageSet, draw: (image: FloatImage, rng: Rng) => FloatImage, rng: Rng): number {
  const size = images.shape.height * images.shape.width * 3;
  const sum = new Float64Array(size);
  let squares = 0;
  for (let i = 0; i < draws; i++) {
    const {data} = draw(floatImage(images, i % images.count), rng);
    for (let at = 0; at < size; at++) {
      sum[at]! += data[at]!;
      squares += data[at]! ** 2;
    }
  }
  const ofMean = sum.reduce((total, value) => total + (value / draws) ** 2, 0);
  const variance = (squares / draws - ofMean) / size;
  return variance > 1e-9 ? variance : Number.POSITIVE_INFINITY;
}

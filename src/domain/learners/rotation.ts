import {defineLearner} from '../../core/contracts/learner.ts';
import {tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {headParameters, logits} from '../networks/head.ts';
import {quarterTurn} from '../transforms/geometry.ts';
import {classifyViews, inference, ownScoreOfViews} from './classify-views.ts';
import {cropPatch, patchOption, trainingSide} from './crop-patch.ts';
import {openEncoder, poolAndEmbed} from './encoder.ts';
import {EncoderGraph, plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';
import {paperAugmentation} from './training/augmentation.ts';
import {optimizerOption} from './training/optimizer.ts';
import {measurePretext} from './training/pretext.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';
import {turned, turnedGraph} from './turns.ts';

const turns = 4;

export const rotation = defineLearner({
  name: 'rotation',
  version: 3,
  summary: 'Predicts which of four quarter turns was applied to an image.',
  paper: 'Gidaris et al. 2018; Golan & El-Yaniv 2018; Sohn et al. 2021 with an MLP head',
  layers: ['pool', 'embed', 'rotation'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed'],
  ownScore: true,
  pretextTransforms: () => ['rotate90', 'rotate180', 'rotate270'],
  augment: paperAugmentation,
  row: ({network, patch}) =>
    `${(network['head'] as readonly number[]).length === 0 ? 'rotnet' : 'rotation'}${patch === undefined ? '' : '-patch'}`,
  options: Type.Object(
    {
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head: [512, 512, 512, 512, 512, 512, 512, 512]},
        'The encoder and the widths of its projection head.',
      ),
      patch: patchOption,
      epochs: Type.Integer({
        minimum: 1,
        default: 2048,
        description: 'Passes over the training images, or of `steps_per_epoch` updates each.',
      }),
      steps_per_epoch: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            'Updates in an epoch, for any number of images, as in CutPaste. Default: one pass over the images.',
        }),
      ),
      batch: Type.Integer({
        minimum: 1,
        default: 64,
        description: 'Images in each step; the network sees each image in all four turns.',
      }),
      optimizer: optimizerOption({learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4}),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    work: ({plugins, ...input}) => workOf(plugins.create('network', options.network), turns, turns, options, input),

    fit(context) {
      const network = context.plugins.create('network', options.network);
      return train({
        context,
        learner: {type: 'rotation', ...options},
        parameters: [
          ...network.parameters(trainingSide(context.images, options.patch)),
          ...headParameters(network.features, network.head, turns),
        ],
        ...options,
        ...(options.steps_per_epoch !== undefined && {stepsPerEpoch: options.steps_per_epoch}),
        chance: () => Math.log(turns),
        loss: (weights, x) => classifyViews(network, weights, x, turns),
      });
    },

    pretext(context) {
      const network = context.plugins.create('network', options.network);
      return measurePretext({
        context,
        learner: {type: 'rotation', ...options},
        batch: options.batch,
        loss: (weights, x) => classifyViews(network, weights, x, turns, inference),
      });
    },

    encoder(saved, plugins) {
      const network = plugins.create('network', options.network);
      const layers = poolAndEmbed(network);
      return openEncoder(
        saved,
        {
          ...layers,
          /** (n, 4): log-probability of the right turn for each of the four turned copies (paper 4.5). */
          rotation: (weights, x) =>
            tf.concat(
              Array.from({length: turns}, (_, turn) => {
                const embedded = layers.embed(weights, turned(x, turn));
                return tf.slice(tf.logSoftmax(logits(weights, embedded)), [0, turn], [-1, 1]);
              }),
              1,
            ),
        },
        partsOf(network, {own: ownScoreOfViews(network)}),
      );
    },

    graph(builder, images, layer, weights, plugins) {
      const network = plugins.create('network', options.network);
      if (layer !== 'rotation') return plainLayer(builder, images, layer, network, weights);
      const encoder = EncoderGraph.of(builder, network, weights);
      return encoder && rightTurns(builder, images, encoder);
    },

    ownScoreGraph: (builder, images, weights, plugins) =>
      EncoderGraph.of(builder, plugins.create('network', options.network), weights)?.ownScoreOfViews(images),

    /** Each of the four turns has a separate draw; the turn comes last (paper 2.3). */
    views(image, augment, rng) {
      const seen = cropPatch(image, options.patch, rng);
      return Array.from({length: turns}, (_, turn) => quarterTurn(augment(seen, rng), turn));
    },
  }),
});

/** The layer `rotation` as ONNX nodes: all turned copies go through the network in one batch, (turns · n, h, w, 3). */
function rightTurns(builder: GraphBuilder, images: Value, encoder: EncoderGraph): Value {
  const each = Array.from({length: turns}, (_, turn) => turn);
  const copies = builder.node(
    'Concat',
    each.map((turn) => turnedGraph(builder, images, turn)),
    {axis: 0},
  );
  const all = builder.node('Reshape', [encoder.classes(copies), builder.integers(turns, -1, turns)]);
  const right = each.map((turn) => {
    const ofCopy = builder.node('Gather', [all, builder.integers(turn)], {axis: 0});
    return builder.node('Gather', [ofCopy, builder.integers(turn)], {axis: 2});
  });
  return builder.node('Squeeze', [builder.node('Concat', right, {axis: 2}), builder.integers(0)]);
}

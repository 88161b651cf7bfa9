import type {NamedArrays} from '../../core/contracts/data.ts';
import {defineLearner} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor2D, type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {dense, denseParameters, type ParameterSpec, type Weights} from '../../core/nn/layers.ts';
import {denseGraph} from '../../core/nn/layers-graph.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {embed, embedGraph, headParameters} from '../networks/head.ts';
import {quarterTurn} from '../transforms/geometry.ts';
import {cropPatch, patchOption, trainingSide} from './crop-patch.ts';
import {openEncoder, poolAndEmbed} from './encoder.ts';
import {EncoderGraph, plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';
import {cropped, fixedCrops} from './fixed-crops.ts';
import {csiAugmentation} from './training/augmentation.ts';
import {classification, ntXent} from './training/losses.ts';
import {optimizerOption} from './training/optimizer.ts';
import type {StepResult} from './training/phases.ts';
import {measurePretext} from './training/pretext.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';
import {turned, turnedGraph} from './turns.ts';

/** Name of a shift → its quarter turns. */
const turnsOf = {rotate90: 1, rotate180: 2, rotate270: 3} as const;

type Shift = keyof typeof turnsOf;

/** Quarter turns of all copies of an image; the image itself is the first. */
const allTurns = (shifts: readonly Shift[]): readonly number[] => [0, ...shifts.map((shift) => turnsOf[shift])];

/** The auxiliary classifier of shifts, on the pooled feature. */
const shiftLayer = 'head/shift';

export const csi = defineLearner({
  name: 'csi',
  version: 1,
  summary:
    'Learns which image of a batch is another view of the same copy of an image, turned copies being negatives, and how it was turned.',
  paper: 'Tack et al. 2020 (CSI)',
  layers: ['pool', 'embed', 'csi'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed'],
  pretextTransforms: ({shifts}) => shifts,
  augment: csiAugmentation,
  options: Type.Object(
    {
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head: [512, 128]},
        'The encoder and the widths of its projection head. The paper’s head has no batch normalisation, ours has.',
      ),
      shifts: Type.Array(Type.Union((Object.keys(turnsOf) as Shift[]).map((shift) => Type.Literal(shift))), {
        default: ['rotate90', 'rotate180', 'rotate270'],
        minItems: 1,
        uniqueItems: true,
        description:
          'The copies of an image that it is distinguished from, and that are recognised; the image itself is one more.',
      }),
      patch: patchOption,
      epochs: Type.Integer({minimum: 1, default: 1000, description: 'Passes over the training images.'}),
      batch: Type.Integer({
        minimum: 1,
        default: 128,
        description:
          'Images in each step; the network sees two views of each copy of each of them. The paper’s 512 are 128 images in four turns.',
      }),
      temperature: Type.Number({
        exclusiveMinimum: 0,
        default: 0.5,
        description: 'The cosines are divided by it. A lower value gives the nearest negatives more weight.',
      }),
      shift_weight: Type.Number({
        minimum: 0,
        default: 1,
        description:
          'Factor on the loss of recognising shifts, λ of the paper. 0: they are only negatives, and the score of the classifier csi says little.',
      }),
      crops: Type.Integer({
        minimum: 0,
        maximum: 64,
        default: 10,
        description:
          'The features of layer "csi" are means over so many windows of each image, the same of every image. 0: of the whole image. The time of ' +
          'embedding is proportional to it.',
      }),
      crop_area: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.54,
        description: 'Part of the image that such a window covers. The paper’s released code has 0.54.',
      }),
      optimizer: optimizerOption({learning_rate: 0.1, momentum: 0.9, weight_decay: 1e-6}),
    },
    {additionalProperties: false},
  ),
  create(options) {
    const turns = allTurns(options.shifts);
    const loss =
      (network: Network, mode?: {readonly training: boolean}) =>
      (weights: Weights, x: Tensor4D): StepResult =>
        distinguishShifts(network, weights, x, {...options, copies: turns.length}, mode);
    return {
      work: ({plugins, ...input}) =>
        workOf(plugins.create('network', options.network), 0, 2 * turns.length, options, input),

      fit(context) {
        const network = context.plugins.create('network', options.network);
        return train({
          ...options,
          context,
          learner: {type: 'csi', ...options},
          parameters: [
            ...network.parameters(trainingSide(context.images, options.patch)),
            ...shiftHeadParameters(network, turns.length),
          ],
          chance: (batch) => Math.log(2 * turns.length * batch - 1) + options.shift_weight * Math.log(turns.length),
          loss: loss(network),
        });
      },

      pretext(context) {
        const network = context.plugins.create('network', options.network);
        return measurePretext({
          context,
          learner: {type: 'csi', ...options},
          batch: options.batch,
          loss: loss(network, {training: false}),
        });
      },

      encoder(saved, plugins) {
        const network = plugins.create('network', options.network);
        return openEncoder(
          saved,
          {...poolAndEmbed(network), csi: (weights, x) => shiftFeatures(network, weights, x, turns, options)},
          partsOf(network),
        );
      },

      graph(builder, images, layer, weights, plugins) {
        const network = plugins.create('network', options.network);
        if (layer !== 'csi') return plainLayer(builder, images, layer, network, weights);
        if (options.crops > 0) return undefined; // the graph does not know the side of images
        const encoder = EncoderGraph.of(builder, network, weights);
        return encoder && shiftFeaturesGraph(builder, images, encoder, network, weights, turns);
      },

      /** Two draws of A for each copy; its turn comes last, which makes no difference to what is drawn. */
      views(image, augment, rng) {
        const seen = cropPatch(image, options.patch, rng);
        return [0, 1].flatMap(() => turns.map((turn) => quarterTurn(augment(seen, rng), turn)));
      },
    };
  },
});

/** Those of the projection head, and of the classifier of so many copies. */
export const shiftHeadParameters = (
  {features, head}: Pick<Network, 'features' | 'head'>,
  copies: number,
): readonly ParameterSpec[] => [
  ...headParameters(features, head, 0),
  ...denseParameters(shiftLayer, features, copies, {bias: true}),
];

/**
 * L_CSI (equations 3 to 5): x (2 · copies · n, h, w, 3), the first views of all images in the first turn, in the second …, then the second
 * views. A view must find its partner, of the same image in the same turn, among all others; and the pooled feature tells the turn.
 * `accuracy`: the share of views that find theirs.
 */
export function distinguishShifts(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  options: {readonly copies: number; readonly temperature: number; readonly shift_weight: number},
  mode: {readonly training: boolean} = {training: true},
): StepResult {
  const {copies, temperature, shift_weight} = options;
  const half = x.shape[0] / 2;
  const count = half / copies;
  const pooled = network.pool(weights, x, mode);
  const embedded = embed(weights, network.head, pooled, mode);
  const view = (start: number) => tf.slice(embedded, [start, 0], [half, -1]);
  const {loss, accuracy} = ntXent(view(0), view(half), temperature);
  const labels = Int32Array.from({length: 2 * half}, (_, i) => Math.floor(i / count) % copies);
  const shifts = classification(dense(weights, shiftLayer, pooled), labels);
  return {loss: tf.add(loss, tf.mul(shifts.loss, shift_weight)), accuracy, pooled};
}

/**
 * Layer `csi`, (n, copies · (d + 1)): for each copy of an image, its projection z (d columns), and the logit of its own shift, W_S f(S(x)).
 * With windows, the means over them, as in the released code.
 */
function shiftFeatures(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  turns: readonly number[],
  {crops, crop_area}: {readonly crops: number; readonly crop_area: number},
): Tensor2D {
  const windows =
    crops === 0 ? [() => x] : fixedCrops(crops, crop_area, x.shape[1]).map((crop) => () => cropped(x, crop));
  // Activations are freed after each pass: there are as many as copies · windows.
  const pass = (window: () => Tensor4D, copy: number): Tensor2D =>
    tf.tidy(() => {
      const pooled = network.pool(weights, turned(window(), turns[copy]!), {training: false});
      const logit = tf.slice(dense(weights, shiftLayer, pooled), [0, copy], [-1, 1]);
      return tf.concat([embed(weights, network.head, pooled, {training: false}), logit], 1);
    });
  const sums = turns.map((_, copy) => windows.map((window) => pass(window, copy)).reduce((a, b) => tf.add(a, b)));
  return tf.div(tf.concat(sums, 1), windows.length);
}

/** `shiftFeatures` without windows as ONNX nodes: all copies go through the network in one batch, (copies · n, h, w, 3). */
function shiftFeaturesGraph(
  builder: GraphBuilder,
  images: Value,
  encoder: EncoderGraph,
  {features, head}: Network,
  weights: NamedArrays,
  turns: readonly number[],
): Value {
  const [copies, columns] = [turns.length, head.at(-1) ?? features];
  const turnedImages = builder.node(
    'Concat',
    turns.map((turn) => turnedGraph(builder, images, turn)),
    {axis: 0},
  );
  const pooled = encoder.pool(turnedImages);
  const logits = denseGraph(builder, weights, shiftLayer, pooled);
  const both = builder.node('Concat', [embedGraph(builder, weights, head, pooled), logits], {axis: 1});
  const perCopy = builder.node('Reshape', [both, builder.integers(copies, -1, columns + copies)]);
  const wanted = turns.map((_, copy) => {
    const ofCopy = builder.node('Gather', [perCopy, builder.integers(copy)], {axis: 0});
    const own = [...Array(columns).keys(), columns + copy];
    return builder.node('Gather', [ofCopy, builder.integers(...own)], {axis: 2});
  });
  return builder.node('Squeeze', [builder.node('Concat', wanted, {axis: 2}), builder.integers(0)]);
}

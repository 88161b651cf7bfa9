import {defineLearner, type FitContext} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor1D, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {floatImage} from '../../core/images/float-image.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {embed, headParameters, logits} from '../networks/head.ts';
import {blendForeignPatches, type ForeignPatchOptions, hasObject} from '../transforms/foreign-patches.ts';
import {encoderWithClasses, graphWithClasses} from './classes-layer.ts';
import {cropPatch, patchOption, trainingSide} from './crop-patch.ts';
import {EncoderGraph} from './encoder-graph.ts';
import {optimizerOption} from './training/optimizer.ts';
import type {StepResult} from './training/phases.ts';
import {measurePretext} from './training/pretext.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';

/** Of an intensity of 1. */
const greyLevels = 255;

/** Normal, and anomalous. */
const kinds = 2;

export const nsa = defineLearner({
  name: 'nsa',
  version: 1,
  summary:
    'Learns how anomalous an image is into which patches of another normal image were blended, by how much they changed it.',
  paper:
    'Schlüter et al. 2022 (NSA), with one label for an image instead of one for each pixel, which needs no decoder and gives features for ' +
    'stage two, and by SGD instead of Adam',
  layers: ['pool', 'embed', 'classes'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed', 'classes'],
  ownScore: true,
  augment: [],
  options: Type.Object(
    {
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head: [512, 128]},
        'The encoder and the widths of its head. The paper’s network has a decoder instead.',
      ),
      blend: Type.Union([Type.Literal('normal'), Type.Literal('mixed')], {
        default: 'normal',
        description:
          'Gradients inside a patch: normal: its own; mixed: at each place the steeper of the patch and the image below it.',
      }),
      patches: Type.Integer({
        minimum: 1,
        maximum: 16,
        default: 3,
        description:
          'The most patches in an image: one, and each further one with probability ½. The paper has 3 or 4.',
      }),
      max_half: Type.Number({
        exclusiveMinimum: 0,
        maximum: 0.5,
        default: 0.4,
        description: 'Largest half side of a patch, as a fraction of the image’s side.',
      }),
      background: Type.Optional(
        Type.Object(
          {
            intensity: Type.Number({
              minimum: 0,
              maximum: 1,
              description: 'Mean over the channels of a background pixel.',
            }),
            tolerance: Type.Number({
              minimum: 0,
              maximum: 1,
              description: 'A pixel whose mean is farther from it is of the object.',
            }),
            min_object: Type.Number({
              minimum: 0,
              exclusiveMaximum: 1,
              default: 0.7,
              description: 'More than this share of a patch must be object. The released code has 0.25 to 0.7.',
            }),
          },
          {
            additionalProperties: false,
            description:
              'Of images of an object: so much of a patch must be object, and a quarter of that must lie on the object of the other image. ' +
              'Default: patches lie anywhere.',
          },
        ),
      ),
      label_middle: Type.Number({
        exclusiveMinimum: 0,
        maximum: greyLevels,
        default: 24,
        description:
          'Mean change of the changed pixels, in grey levels of 255, for which the label is ½. The released code has 24 for bottle, cable and hazelnut, and 3 to 15 for the other categories.',
      }),
      label_width: Type.Number({
        exclusiveMinimum: 0,
        maximum: greyLevels,
        default: 12,
        description:
          'So many more grey levels multiply the odds of the label, a logistic function of the change, by e. The released code has 12 where the middle is 24, and 1 to 6 elsewhere.',
      }),
      patch: patchOption,
      epochs: Type.Integer({
        minimum: 1,
        default: 320,
        description: 'Passes over the training images, or of `steps_per_epoch` updates each.',
      }),
      steps_per_epoch: Type.Optional(
        Type.Integer({
          minimum: 1,
          description: 'Updates in an epoch, for any number of images. Default: one pass over the images.',
        }),
      ),
      batch: Type.Integer({
        minimum: 1,
        default: 64,
        description: 'Images in each step; the network sees each as it is, and with patches.',
      }),
      optimizer: optimizerOption({learning_rate: 0.01, momentum: 0.9, weight_decay: 1e-5}),
    },
    {additionalProperties: false},
  ),
  create(options) {
    const label = {middle: options.label_middle / greyLevels, width: options.label_width / greyLevels};
    const loss =
      (network: Network, mode?: {readonly training: boolean}) =>
      (weights: Weights, x: Tensor4D): StepResult =>
        gradeChanges(network, weights, x, label, mode);
    return {
      work: ({plugins, ...input}) => workOf(plugins.create('network', options.network), kinds, 2, options, input),

      fit(context) {
        const network = context.plugins.create('network', options.network);
        warnOfPatches(context, options);
        return train({
          ...options,
          context,
          learner: {type: 'nsa', ...options},
          parameters: [
            ...network.parameters(trainingSide(context.images, options.patch)),
            ...headParameters(network.features, network.head, kinds),
          ],
          ...(options.steps_per_epoch !== undefined && {stepsPerEpoch: options.steps_per_epoch}),
          chance: () => Math.log(2), // of answering ½ to everything
          loss: loss(network),
        });
      },

      pretext(context) {
        const network = context.plugins.create('network', options.network);
        return measurePretext({
          context,
          learner: {type: 'nsa', ...options},
          batch: options.batch,
          loss: loss(network, {training: false}),
        });
      },

      encoder: (saved, plugins) => encoderWithClasses(saved, plugins.create('network', options.network)),

      graph: (builder, images, layer, weights, plugins) =>
        graphWithClasses(builder, images, layer, plugins.create('network', options.network), weights),

      ownScoreGraph: (builder, images, weights, plugins) =>
        EncoderGraph.of(builder, plugins.create('network', options.network), weights)?.ownScoreOfViews(images),

      /** One draw of the augmentation, unchanged and with patches; the image that they are of has a draw of its own. */
      views(image, augment, rng, another = () => image) {
        const base = augment(cropPatch(image, options.patch, rng), rng);
        const source = augment(cropPatch(another(rng), options.patch, rng), rng);
        return [base, blendForeignPatches(base, source, options, rng)];
      },
    };
  },
});

/** Where there can be no patches, or only an image's own, the task is not the paper's. */
function warnOfPatches({images, warn}: FitContext, {background}: Pick<ForeignPatchOptions, 'background'>): void {
  if (images.count === 1)
    warn('there is only one training image, so that its patches are its own: learner "nsa" takes them from another');
  if (!background) return;
  let empty = 0;
  for (let i = 0; i < images.count; i++) if (!hasObject(floatImage(images, i), background)) empty++;
  if (empty === 0) return;
  const {intensity, tolerance} = background;
  warn(
    `${empty === images.count ? 'no pixel of any training image' : `no pixel of ${empty} of the ${images.count} training images`} ` +
      `is of the object, because none is farther than ${tolerance} from the intensity ${intensity} of the background: ` +
      `${empty === images.count ? 'nothing is learnt without patches' : 'these get no patches'}. Correct "background", or leave it out`,
  );
}

/** A change of a pixel, as the mean over its channels, that is smaller does not count: one grey level. */
const visible = 1 / greyLevels;

/**
 * Labels (n) of images x (n, h, w, 3) by what they were before: 1 / (1 + exp((middle - change) / width)) of the mean change of the pixels
 * that changed (section 3.2, there for each pixel), all in intensities from 0 to 1; 0 where none did.
 */
export function changeLabels(
  before: Tensor4D,
  x: Tensor4D,
  {middle, width}: {readonly middle: number; readonly width: number},
): Tensor1D {
  const change = tf.mean(tf.abs(tf.sub(x, before)), 3);
  const changed = tf.cast(tf.greater(change, visible), 'float32');
  const pixels = tf.sum(changed, [1, 2]);
  const mean = tf.div(tf.sum(tf.mul(change, changed), [1, 2]), tf.maximum(pixels, 1));
  return tf.mul(tf.sigmoid(tf.div(tf.sub(mean, middle), width)), tf.minimum(pixels, 1)) as Tensor1D;
}

/** x (2n, h, w, 3): normal images, then the same with patches. Cross-entropy with labels 0 and those of `changeLabels`. */
export function gradeChanges(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  label: {readonly middle: number; readonly width: number},
  mode: {readonly training: boolean} = {training: true},
): StepResult {
  const n = x.shape[0] / 2;
  const part = (start: number): Tensor4D => tf.slice(x, [start, 0, 0, 0], [n, -1, -1, -1]);
  const anomalous = tf.concat([tf.zeros([n]), changeLabels(part(0), part(n), label)]);
  const pooled = network.pool(weights, x, mode);
  const answers = tf.logSoftmax(logits(weights, embed(weights, network.head, pooled, mode)));
  const targets = tf.stack([tf.sub(1, anomalous), anomalous], 1);
  return {loss: tf.div(tf.sum(tf.mul(answers, targets)), -2 * n), pooled};
}

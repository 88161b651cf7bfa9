import type {PluginRef} from '../../core/contracts/definition.ts';
import {defineLearner} from '../../core/contracts/learner.ts';
import type {Tensor4D} from '../../core/engine/engine.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {pluginOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {headParameters} from '../networks/head.ts';
import {confettiNoise} from '../transforms/confetti.ts';
import {
  cutoutGrey,
  cutoutMean,
  cutoutRandom,
  cutPaste,
  cutPasteScar,
  type Defect,
  scar,
} from '../transforms/defects.ts';
import {encoderWithClasses, graphWithClasses} from './classes-layer.ts';
import {classifyViews, inference, type Normalising} from './classify-views.ts';
import {cropPatch, patchOption, trainingSide} from './crop-patch.ts';
import {EncoderGraph} from './encoder-graph.ts';
import {cutPasteAugmentation} from './training/augmentation.ts';
import {optimizerOption} from './training/optimizer.ts';
import {measurePretext} from './training/pretext.ts';
import {imagenet, startFiles, startOption, startWeights} from './training/start.ts';
import {train} from './training/train.ts';
import {workOf} from './training/work.ts';

/**
 * Name → its row in the papers' tables, and the defects that are distinguished from normal images: one for each class, or several
 * that share a class.
 */
const variants = {
  normal: {row: 'cutpaste', classes: [[cutPaste]]},
  scar: {row: 'cutpaste-scar', classes: [[cutPasteScar]]},
  '3way': {row: 'cutpaste-3way', classes: [[cutPaste], [cutPasteScar]]},
  union: {row: 'cutpaste-union', classes: [[cutPaste, cutPasteScar]]},
  'cutout-grey': {row: 'cutout', classes: [[cutoutGrey]]},
  'cutout-mean': {row: 'cutout-mean', classes: [[cutoutMean]]},
  'cutout-random': {row: 'cutout-random', classes: [[cutoutRandom]]},
  'cutout-scar': {row: 'scar', classes: [[scar]]},
  'fcdd-confetti': {row: 'confetti', classes: [[confettiNoise]]},
} as const satisfies {
  readonly [name: string]: {readonly row: string; readonly classes: readonly (readonly Defect[])[]};
};

type Variant = keyof typeof variants;

/** The paper does not give the head: the ICLR paper's contrastive one is a guess. */
const head = [512, 512, 512, 512, 512, 512, 512, 512, 128];

/**
 * What differs in table 3, which fine-tunes pretrained weights (docs/paper-notes.md 3.4). The network sees 24 views of `batch`
 * images.
 */
const fineTuning = {
  network: {type: 'efficientnet', variant: 'b4', head},
  head_first: {epochs: 10, learning_rate: 0.03},
  freeze: 'batch-norm',
  epochs: 64,
  batch: 8,
  optimizer: {learning_rate: 1e-4},
} as const;

export const cutpaste = defineLearner({
  name: 'cutpaste',
  version: 3,
  summary: 'Learns to distinguish normal images from ones in which a patch was cut out and pasted somewhere else.',
  paper: 'Li et al. 2021 (CutPaste)',
  layers: ['pool', 'embed', 'classes'],
  trains: true,
  explains: true,
  ofPooled: ['pool', 'embed', 'classes'],
  ownScore: true,
  pretextTransforms: ({variant}) => (variant === 'fcdd-confetti' ? ['confetti'] : ['cutpaste', 'cutpaste-scar']),
  augment: cutPasteAugmentation,
  row: ({variant, patch, network}) =>
    variants[variant as Variant].row + (patch === undefined ? '' : '-patch') + transferred(network),
  files: startFiles,
  paperOptions: ({network, start = imagenet}) =>
    network.type === fineTuning.network.type ? {...fineTuning, start} : {},
  options: Type.Object(
    {
      variant: Type.Union(
        (Object.keys(variants) as Variant[]).map((name) => Type.Literal(name)),
        {
          default: '3way',
          description:
            'Which images the network distinguishes from normal ones. normal: CutPaste; scar: CutPaste-Scar; 3way: a class for each of the two; union: one ' +
            'class of both. The ablations: cutout with grey (0.5), with the mean or a random colour, scars of a random colour, confetti noise as FCDD has it.',
        },
      ),
      network: pluginOption(
        'network',
        {type: 'resnet18', width: 1, head},
        "The encoder and the widths of its projection head. The paper does not give the head: the ICLR paper's contrastive one is a guess.",
      ),
      start: startOption,
      head_first: Type.Optional(
        Type.Object(
          {
            epochs: Type.Integer({minimum: 1, default: 10, description: 'Number of these epochs.'}),
            learning_rate: Type.Number({
              exclusiveMinimum: 0,
              default: 0.03,
              description: 'Learning rate of the first of these epochs.',
            }),
          },
          {
            additionalProperties: false,
            description:
              'First epochs, in which only the head is trained and the encoder does not change. The rate falls along ' +
              'the schedule in them and starts again after them; the paper does not say whether its rate does so.',
          },
        ),
      ),
      freeze: Type.Optional(
        Type.Literal('batch-norm', {
          description:
            'batch-norm: the scale, shift and statistics of every batch normalisation keep their first values, or those after ' +
            '`head_first`.',
        }),
      ),
      patch: patchOption,
      epochs: Type.Integer({
        minimum: 1,
        default: 256,
        description: 'Number of epochs of `steps_per_epoch` updates each.',
      }),
      steps_per_epoch: Type.Integer({
        minimum: 1,
        default: 256,
        description:
          'Updates in an epoch, for any number of images: a pass over the images may continue in the next epoch.',
      }),
      batch: Type.Integer({
        minimum: 1,
        default: 32,
        description:
          'Images in each step; the network sees each image once for each class (64 inputs for two classes, 96 for three).',
      }),
      min_area: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.02,
        description: 'Smallest part of the image that a patch covers.',
      }),
      max_area: Type.Number({exclusiveMinimum: 0, maximum: 1, default: 0.15, description: 'Largest.'}),
      aspect: Type.Union([Type.Literal('log-uniform'), Type.Literal('two-uniforms'), Type.Literal('uniform')], {
        default: 'log-uniform',
        description:
          'Ratio of height to width of a patch, 0.3 to 3.3: log-uniform, or U(0.3, 1) and U(1, 3.3) with equal probability, or uniform. The ' +
          'paper gives the two intervals, not the distribution; it follows RandomErasing, which drew uniformly from 0.3 to 3.3.',
      }),
      patch_jitter: Type.Number({
        minimum: 0,
        maximum: 0.5,
        default: 0.1,
        description: 'Strength of the brightness, contrast, saturation and hue jitter of the pasted patch.',
      }),
      scar_scale: Type.Number({
        exclusiveMinimum: 0,
        default: 1,
        description:
          'Factor on the sides of a scar (2 to 16 by 10 to 25 pixels). The paper does not say whether they shrink with 64-pixel patches.',
      }),
      optimizer: optimizerOption({
        learning_rate: 0.03,
        momentum: 0.9,
        weight_decay: 3e-5,
        schedule: 'cosine-per-step',
      }),
    },
    {additionalProperties: false},
  ),
  create(options) {
    const {classes} = variants[options.variant as Variant];
    const kinds = classes.length + 1;
    return {
      /** As if the encoder were also trained in the epochs of `head_first`. */
      work: ({plugins, ...input}) =>
        workOf(
          plugins.create('network', options.network),
          kinds,
          kinds,
          {...options, epochs: options.epochs + (options.head_first?.epochs ?? 0)},
          input,
        ),

      async fit(context) {
        const network = context.plugins.create('network', options.network);
        const {start, head_first, freeze, ...rest} = options;
        const encoder = network.parameters(trainingSide(context.images, options.patch));
        const loss = (batchStatistics: Normalising) => (weights: Weights, x: Tensor4D) =>
          classifyViews(network, weights, x, kinds, batchStatistics);
        const moving = freeze === undefined;
        return train({
          ...rest,
          context,
          learner: {type: 'cutpaste', ...options},
          parameters: [...encoder, ...headParameters(network.features, network.head, kinds)],
          ...(start !== undefined && {start: startWeights(start, network, encoder)}),
          ...(head_first && {
            headFirst: {
              epochs: head_first.epochs,
              learningRate: head_first.learning_rate,
              moves: (name) => name.startsWith('head/'),
              loss: loss({encoder: false, head: true}),
            },
          }),
          ...(freeze && {moves: (name) => !/\/(gamma|beta)$/.test(name)}),
          stepsPerEpoch: options.steps_per_epoch,
          chance: () => Math.log(kinds),
          loss: loss({encoder: moving, head: moving}),
        });
      },

      pretext(context) {
        const network = context.plugins.create('network', options.network);
        return measurePretext({
          context,
          learner: {type: 'cutpaste', ...options},
          batch: options.batch,
          loss: (weights, x) => classifyViews(network, weights, x, kinds, inference),
        });
      },

      encoder: (saved, plugins) => encoderWithClasses(saved, plugins.create('network', options.network)),

      graph: (builder, images, layer, weights, plugins) =>
        graphWithClasses(builder, images, layer, plugins.create('network', options.network), weights),

      ownScoreGraph: (builder, images, weights, plugins) =>
        EncoderGraph.of(builder, plugins.create('network', options.network), weights)?.ownScoreOfViews(images),

      /** One draw of the augmentation, unchanged and with each class's defect (eq. 1: the whole image is augmented first). */
      views(image, augment, rng) {
        const base = augment(cropPatch(image, options.patch, rng), rng);
        return [base, ...classes.map((defects) => defects[rng.integer(defects.length)]!(base, options, rng))];
      },
    };
  },
});

/** Rows of networks with pretrained weights name the network. */
const transferred = ({type, ...options}: PluginRef): string =>
  type === fineTuning.network.type ? `-${type}-${options['variant']}` : '';

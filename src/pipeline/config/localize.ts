/** The key `localize` of a spec: its shape, and what it asks of dataset, learner and metrics. */

import {choice, clippedList} from '../../core/base/text.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {LearnerDefinition} from '../../core/contracts/learner.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {layersOf, type Plugins} from '../../core/plugin/registry.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {placesIssues} from './places.ts';
import {type Explanation, type Localize, scoresParts} from './spec.ts';

export const localizeShape = Type.Object(
  {
    type: Type.Union(
      [
        Type.Literal('patches'),
        Type.Literal('places'),
        Type.Literal('gradcam'),
        Type.Literal('gradient'),
        Type.Literal('integrated-gradients'),
      ],
      {
        default: 'patches',
        description:
          'patches: score all windows of an image; an image’s score is the largest of them. places: score all places of the network’s maps. ' +
          'The others explain scores of whole images. ' +
          'gradcam: by the last map of the network. gradient: by the slope of the score in each pixel. integrated-gradients: by what each pixel ' +
          'adds on the way from the mean training image.',
      },
    ),
    score: Type.Union([Type.Literal('classifier'), Type.Literal('learner')], {
      default: 'classifier',
      description:
        'The score that is explained, not of patches. classifier: that of each classifier, through the network (CutPaste, figure 1). ' +
        'learner: the learner’s own, -log p(normal).',
    }),
    steps: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 32,
      description: 'Steps of integrated-gradients from the mean training image to the image.',
    }),
    patch: Type.Integer({
      minimum: 8,
      default: 32,
      description: 'Side of the windows whose features are scored, in pixels; 32 in the CutPaste paper (A.5).',
    }),
    stride: Type.Integer({minimum: 1, default: 4, description: 'Pixels from one window to the next.'}),
    layers: Type.Optional(
      Type.Array(Type.String({minLength: 1}), {
        minItems: 1,
        uniqueItems: true,
        description:
          'Of places: the maps whose channels are joined, brought to the size of the largest (bilinear). Of `pretrained`: names of tensors in its file, ' +
          'maps or tokens of a vision transformer. Of a network here: `stage1` to `stage4` of a ResNet, `level-1` to `level-7` of an ' +
          'EfficientNet, `conv1` to `conv4` of `small`.',
      }),
    ),
    neighbourhood: Type.Integer({
      minimum: 1,
      maximum: 15,
      default: 1,
      description:
        'Of places: side, in places, of the square over which each channel is averaged first, in each layer; odd. 3 in PatchCore; 1 = no average.',
    }),
    channels: Type.Optional(
      Type.Union(
        [
          Type.Array(Type.Integer({minimum: 0}), {minItems: 1, uniqueItems: true}),
          Type.Object({random: Type.Integer({minimum: 1})}, {additionalProperties: false}),
        ],
        {
          description:
            'Of places: the channels to keep, by their number among those of all layers, from 0; or how many random ones, by the task’s seed ' +
            '(PaDiM: 100 of ResNet-18, 550 of Wide ResNet-50). Default: all.',
        },
      ),
    ),
    turns: Type.Integer({
      minimum: 1,
      maximum: 360,
      default: 1,
      description:
        'Of places: how many times each training image is used, turned by equal angles. 8 in AnomalyDINO, for a few training images.',
    }),
    foreground: Type.Optional(
      Type.Number({
        minimum: 0,
        description:
          'Of places: leave out places of the background, where the first principal component of an image’s features is at most this; they score 0. ' +
          'A component has no sign: it is that with which its largest entry is positive, or the other one if so hardly any of the middle of the ' +
          'image would be left. Where no place of an image is left, all its places count, and the run warns of it. ' +
          '10 in AnomalyDINO with DINOv2’s tokens. For one object in the middle. Default: all places count.',
      }),
    ),
    similar: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'Of places: compare an image’s places only with those of so many training images, the nearest ones by their features as a whole (the ' +
          'classifier’s layer); its score is the mean of its squared distances to them. 50 in SPADE; all, if there are fewer. With knn. Default: with those of all.',
      }),
    ),
    image: Type.Union(
      [
        Type.Literal('largest'),
        Type.Object({top: Type.Number({exclusiveMinimum: 0, maximum: 1})}, {additionalProperties: false}),
      ],
      {
        default: 'largest',
        description:
          'Of places: the score of an image. largest: that of its highest place. {top: 0.01}: the mean of its highest hundredth, as in AnomalyDINO.',
      },
    ),
    density: Type.Union([Type.Literal('auto'), Type.Literal('shared'), Type.Literal('per-location')], {
      default: 'auto',
      description:
        'shared: classifiers are fitted on the windows of all places together; per-location: one at each place; auto: ' +
        'per-location where the dataset’s objects are aligned (eight categories of MVTec) and no option compares places with each other (turns, foreground, ' +
        'similar, image, reweight of knn), shared elsewhere.',
    }),
    sigma: Type.Union([Type.Literal('auto'), Type.Number({exclusiveMinimum: 0})], {
      default: 'auto',
      description:
        'Width in pixels of the Gaussian by which a window’s score is spread over its pixels, or by which slopes of pixels are smoothed. The ' +
        'paper does not give it; auto is FCDD’s rule for windows, 10 for windows of 32 pixels and more; 4 for places, as in PatchCore; and a 32nd of ' +
        'the side for slopes.',
    }),
    blend: Type.Union([Type.Literal('mean'), Type.Literal('sum')], {
      default: 'mean',
      description:
        'How the windows over a pixel are combined: their weighted mean, or their plain sum as by the transposed convolution ' +
        'of the paper, which makes pixels near the edge, under fewer windows, score nearer 0; for scores that are never negative (gde, knn).',
    }),
    windows: Type.Optional(
      Type.Literal('all', {
        description:
          'all: one classifier for all places is fitted on all windows of the training images, which it reads in parts (gde), and its ' +
          '"train_limit" does not count, as nothing in the CutPaste paper says that windows are thinned out. Absent: on a random part of ' +
          'them where they are more than that limit or than 512 MiB.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Make heat maps of the test images, for metrics of pixels. Patches go with a learner that has learnt from patches (its option "patch").',
    examples: [
      {patch: 32, stride: 4},
      {type: 'places', layers: ['layer2', 'layer3'], neighbourhood: 3},
    ],
  },
);

type Checked = Static<typeof localizeShape>;

/** The options of each type. */
const optionsOf = {
  patches: ['type', 'patch', 'stride', 'density', 'sigma', 'blend', 'windows'],
  places: [
    'type',
    'layers',
    'neighbourhood',
    'channels',
    'turns',
    'foreground',
    'similar',
    'image',
    'density',
    'sigma',
  ],
  gradcam: ['type', 'score'],
  gradient: ['type', 'score', 'sigma'],
  'integrated-gradients': ['type', 'score', 'sigma', 'steps'],
} as const satisfies {readonly [type in Checked['type']]: readonly (keyof Checked)[]};

/** Defaults are filled for every type; only the options of this type are kept. */
export const localizeOf = (checked: Checked): Localize =>
  Object.fromEntries(
    optionsOf[checked.type].flatMap((option) => (checked[option] === undefined ? [] : [[option, checked[option]]])),
  ) as unknown as Localize;

interface Asked {
  readonly dataset: PluginRef;
  readonly learner: PluginRef | undefined;
  readonly classifiers: readonly PluginRef[];
  readonly metrics: readonly PluginRef[];
  readonly localize: Localize | undefined;
  /** As written, without defaults. */
  readonly written: unknown;
}

/** Metrics of pixels need maps and masks; maps need windows that fit into the images, or a learner with its own score. */
export function localizeIssues(
  plugins: Plugins,
  {dataset, learner, classifiers, metrics, localize, written}: Asked,
): readonly Issue[] {
  const {shape, masks = false} = plugins.create('dataset', dataset);
  const issues: Issue[] = [];
  for (const [i, {type}] of metrics.entries()) {
    if (plugins.find('metric', type)?.of !== 'pixels') continue; // an unknown one is reported elsewhere
    if (!localize)
      issues.push({
        path: ['metrics', i],
        at: 'value',
        message: `metric "${type}" needs scores of pixels, but the spec has no "localize"`,
        hint: 'Add "localize: {patch: 32, stride: 4}".',
      });
    if (!masks)
      issues.push({
        path: ['metrics', i],
        at: 'value',
        message: `metric "${type}" needs masks, but dataset "${dataset.type}" has none with these options`,
        hint: 'The datasets of mvtec and visa have masks; image-folder with "masks: true", synthetic with "defects: true".',
      });
  }
  issues.push(...weightIssues(plugins, classifiers, localize));
  if (!localize) return issues;
  issues.push(...foreignOptions(localize.type, written));
  if (localize.type === 'places')
    return [...issues, ...placesIssues(plugins, {learner, classifiers, places: localize})];
  if (localize.type !== 'patches')
    return [...issues, ...explanationIssues(plugins, {learner, classifiers, how: localize})];
  const side = Math.min(shape.height, shape.width);
  if (localize.patch > side)
    issues.push({
      path: ['localize', 'patch'],
      at: 'value',
      message: `windows of ${localize.patch} pixels do not fit into images of ${shape.width} × ${shape.height}`,
      hint: `"patch" may be at most ${side}.`,
    });
  if (localize.windows === 'all' && localize.density === 'per-location')
    issues.push({
      path: ['localize', 'windows'],
      at: 'value',
      message: '"all" is about one classifier for all places, but "density: per-location" fits one at each place',
      hint: 'Use "density: shared", or leave "windows" out.',
    });
  for (const {type} of classifiers)
    if (localize.windows === 'all' && !plugins.find('classifier', type)?.inParts)
      issues.push({
        path: ['localize', 'windows'],
        at: 'value',
        message: `"all" goes with classifiers that read windows in parts, and "${type}" needs them all at once`,
        hint: `Classifiers that do: ${clippedList(plugins.names('classifier').filter((name) => plugins.get('classifier', name).inParts))}. Or leave "windows" out.`,
      });
  for (const {type, ...options} of classifiers)
    if (localize.blend === 'sum' && !plugins.find('classifier', type)?.nonNegative?.(options as never))
      issues.push({
        path: ['localize', 'blend'],
        at: 'value',
        message: `"sum" adds up scores of windows, and those of classifier "${type}" may be negative: pixels near the edge, under fewer windows, would score highest`,
        hint: 'Use "blend: mean", or a classifier whose scores are never negative (gde, knn).',
      });
  return issues;
}

/** Weights of images are factors on the score of the highest place, where one classifier is for all places. */
function weightIssues(
  plugins: Plugins,
  classifiers: readonly PluginRef[],
  localize: Localize | undefined,
): readonly Issue[] {
  const reason = !scoresParts(localize)
    ? {why: 'the spec does not score places of images', hint: 'Add "localize" of type "places" or "patches"'}
    : localize.density === 'per-location'
      ? {why: '"density: per-location" fits another classifier at each place', hint: 'Use "density: shared"'}
      : localize.type === 'places' && localize.image !== 'largest'
        ? {why: '"localize.image" makes it of several places', hint: 'Use "image: largest"'}
        : undefined;
  if (!reason) return [];
  return classifiers.flatMap(({type, ...options}, i): Issue[] =>
    plugins.find('classifier', type)?.weighsImages?.(options as never)
      ? [
          {
            path: ['classifiers', i],
            at: 'value',
            message: `"reweight" of classifier "${type}" changes the score of an image's highest place, but ${reason.why}`,
            hint: `${reason.hint}, or leave "reweight" out.`,
          },
        ]
      : [],
  );
}

function foreignOptions(type: Localize['type'], written: unknown): readonly Issue[] {
  const own: readonly string[] = optionsOf[type];
  return Object.keys(written as object)
    .filter((key) => key in localizeShape.properties && !own.includes(key))
    .map((key) => {
      const owners = Object.entries(optionsOf).filter(([, options]) => (options as readonly string[]).includes(key));
      return {
        path: ['localize', key],
        at: 'key',
        message: `"localize" of type "${type}" has no option "${key}"`,
        hint: `It belongs to ${choice(owners.map(([owner]) => `"${owner}"`))}. Remove it.`,
      };
    });
}

interface AskedOfExplanation extends Pick<Asked, 'learner' | 'classifiers'> {
  readonly how: Explanation;
}

/** Slopes need a network of ours; the learner's own score, a learner that has one; GradCAM, a layer behind the last map. */
function explanationIssues(
  plugins: Plugins,
  {learner, classifiers, how: {type, score}}: AskedOfExplanation,
): readonly Issue[] {
  const definition = learner && plugins.find('learner', learner.type);
  if (!definition) return [];
  const able = (can: (one: LearnerDefinition) => boolean | undefined): string =>
    clippedList(plugins.names('learner').filter((name) => can(plugins.get('learner', name))));
  if (!definition.explains)
    return [
      {
        path: ['localize', 'type'],
        at: 'value',
        message: `"${type}" goes through the network of the learner, and learner "${learner.type}" does not open its own`,
        hint: `Learners that do: ${able((one) => one.explains)}. Or use type "patches".`,
      },
    ];
  if (score === 'learner')
    return definition.ownScore
      ? []
      : [
          {
            path: ['localize', 'score'],
            at: 'value',
            message: `learner "${learner.type}" has no anomaly score of its own`,
            hint: `Use "score: classifier". Learners that have one: ${able((one) => one.ownScore)}.`,
          },
        ];
  const {ofPooled} = definition;
  if (type !== 'gradcam' || !ofPooled) return [];
  const layers = layersOf(plugins, learner);
  return classifiers.flatMap((ref): Issue[] => {
    const layer = plugins.find('classifier', ref.type)?.layer ?? ref['layer'];
    // A layer that the learner does not have is reported elsewhere.
    if (typeof layer !== 'string' || !layers.includes(layer) || ofPooled.includes(layer)) return [];
    return [
      {
        path: ['localize', 'type'],
        at: 'value',
        message: `"gradcam" explains scores of features that come from the network's last map alone, and classifier "${ref.type}" reads the layer "${layer}"`,
        hint: `Use "gradient" or "integrated-gradients", which explain every layer, or classifiers that read ${choice(ofPooled.map((one) => `"${one}"`))}.`,
      },
    ];
  });
}

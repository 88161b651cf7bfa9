/** The key `localize` of a spec: its shape, and what it asks of dataset, learner and metrics. */

import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import type {Localize, Patches} from './spec.ts';

export const localizeShape = Type.Object(
  {
    type: Type.Union([Type.Literal('patches'), Type.Literal('gradcam')], {
      default: 'patches',
      description:
        'patches: score all windows of an image; an image’s score is the largest of them. gradcam: explain the learner’s own score ' +
        'of whole images (-log p(normal); the paper does not say which it takes) by the last map of its network. It has no other option.',
    }),
    patch: Type.Integer({
      minimum: 8,
      default: 32,
      description: 'Side of the windows whose features are scored, in pixels; 32 in the CutPaste paper (A.5).',
    }),
    stride: Type.Integer({minimum: 1, default: 4, description: 'Pixels from one window to the next.'}),
    density: Type.Union([Type.Literal('auto'), Type.Literal('shared'), Type.Literal('per-location')], {
      default: 'auto',
      description:
        'shared: classifiers are fitted on the windows of all places together; per-location: one at each place; auto: ' +
        'per-location where the dataset’s objects are aligned (eight categories of MVTec), shared elsewhere.',
    }),
    sigma: Type.Union([Type.Literal('auto'), Type.Number({exclusiveMinimum: 0})], {
      default: 'auto',
      description:
        'Width in pixels of the Gaussian by which a window’s score is spread over its pixels. The paper does not give it; ' +
        'auto is FCDD’s rule, 10 for windows of 32 pixels and more.',
    }),
    blend: Type.Union([Type.Literal('mean'), Type.Literal('sum')], {
      default: 'mean',
      description:
        'How the windows over a pixel are combined: their weighted mean, or their plain sum as by the transposed convolution ' +
        'of the paper, which makes pixels near the edge, under fewer windows, score nearer 0; for scores that are never negative (gde, knn).',
    }),
  },
  {
    additionalProperties: false,
    description:
      'Make heat maps of the test images, for metrics of pixels. Patches go with a learner that has learnt from patches (its option "patch").',
    examples: [{patch: 32, stride: 4}],
  },
);

/** Defaults are filled for every type; only the options of this type are kept. */
export const localizeOf = (checked: Patches | (Omit<Patches, 'type'> & {readonly type: 'gradcam'})): Localize =>
  checked.type === 'gradcam' ? {type: 'gradcam'} : checked;

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
        hint: 'mvtec and mvtec-synthetic have masks; image-folder with "masks: true", synthetic with "defects: true".',
      });
  }
  if (localize?.type === 'gradcam') return [...issues, ...gradcamIssues(plugins, learner, written)];
  const side = Math.min(shape.height, shape.width);
  if (localize && localize.patch > side)
    issues.push({
      path: ['localize', 'patch'],
      at: 'value',
      message: `windows of ${localize.patch} pixels do not fit into images of ${shape.width} × ${shape.height}`,
      hint: `"patch" may be at most ${side}.`,
    });
  for (const {type, ...options} of classifiers)
    if (localize?.blend === 'sum' && !plugins.find('classifier', type)?.nonNegative?.(options as never))
      issues.push({
        path: ['localize', 'blend'],
        at: 'value',
        message: `"sum" adds up scores of windows, and those of classifier "${type}" may be negative: pixels near the edge, under fewer windows, would score highest`,
        hint: 'Use "blend: mean", or a classifier whose scores are never negative (gde, knn).',
      });
  return issues;
}

function gradcamIssues(plugins: Plugins, learner: PluginRef | undefined, written: unknown): readonly Issue[] {
  const foreign = Object.keys(written as object).filter((key) => key !== 'type');
  const issues: Issue[] = foreign.map((key) => ({
    path: ['localize', key],
    at: 'key',
    message: `"localize" of type "gradcam" has no option "${key}"`,
    hint: 'It belongs to type "patches". Remove it.',
  }));
  if (!learner || plugins.find('learner', learner.type)?.gradcam) return issues;
  const able = plugins.definitions().filter((one) => one.kind === 'learner' && one.gradcam);
  return [
    ...issues,
    {
      path: ['localize', 'type'],
      at: 'value',
      message: `learner "${learner.type}" has no anomaly score that GradCAM could explain`,
      hint:
        able.length > 0 ? `Learners that have one: ${able.map(({name}) => name).join(', ')}.` : 'Use type "patches".',
    },
  ];
}

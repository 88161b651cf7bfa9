/** The key `contaminate` of a dataset: its shape, where the anomalies come from, and what does not go with it. */
import type {Dataset} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import type {Ensemble, Validation} from './spec.ts';

export const contaminateOption = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: 0.5,
    description:
      'Share of the training images that are anomalies, as in unlabelled data: each takes the place of a normal image, under the name ' +
      'of the normal class. They come from the training images of other classes; where these are all normal (MVTec), from the test images, ' +
      'which then do not have them any more. Each seed draws others. Default: none.',
    examples: [0.1],
  }),
);

/** Whether other classes have training images: as every class does that is normal in some problem of the same images. */
export const trainsOtherClasses = ({inliers, perInlier, normalClass}: Dataset): boolean =>
  !perInlier && new Set(inliers.map((inlier) => normalClass(inlier))).size > 1;

/** The split whose anomalies go into the training images. */
export const anomaliesComeFrom = (dataset: Dataset): 'train' | 'test' =>
  trainsOtherClasses(dataset) ? 'train' : 'test';

interface Asked {
  readonly dataset: PluginRef;
  readonly metrics: readonly PluginRef[];
  readonly validation: Validation | undefined;
  readonly ensemble?: Ensemble;
}

/** Keys that do not go with training images that each seed mixes anew. */
export function contaminationIssues(
  plugins: Plugins,
  {dataset, metrics, validation, ensemble}: Asked,
): readonly Issue[] {
  const agreeing = metrics.findIndex(({type}) => plugins.find('metric', type)?.of === 'agreement');
  return [
    ...(validation?.type === 'held-out'
      ? [
          {
            path: ['dataset', 'validation'],
            at: 'value',
            message:
              'validation of type "held-out" needs labels of anomalies, but "contaminate" makes training images without labels',
            hint: 'Use "validation: synthetic", or remove "contaminate".',
          } as const,
        ]
      : []),
    ...(agreeing >= 0
      ? [
          {
            path: ['metrics', agreeing],
            at: 'value',
            message: `metric "${metrics[agreeing]!.type}" compares seeds on the same images, but with "contaminate" each seed has others`,
            hint: 'Remove the metric, or "contaminate".',
          } as const,
        ]
      : []),
    ...(ensemble && anomaliesComeFrom(plugins.create('dataset', dataset)) === 'test'
      ? [
          {
            path: ['ensemble'],
            at: 'key',
            message: `"ensemble" combines the seeds' scores of the same test images, but "contaminate" takes anomalies of dataset "${dataset.type}" from the test images, for each seed others`,
            hint: 'Remove "ensemble", or "contaminate".',
          } as const,
        ]
      : []),
  ];
}

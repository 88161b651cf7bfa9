/** The key `refine` of a spec: its shape, its defaults, and what it does not go with. */
import {plural} from '../../core/base/text.ts';
import type {SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import {type Checked, checkPlugin, type Issue} from '../../core/plugin/check.ts';
import {fallbackKeyword, type Plugins, pluginKeyword} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {misfitOf} from './misfits.ts';
import {type Localize, type Refinement, scoresParts, type Validation} from './spec.ts';
import {heldOutOf} from './validation.ts';

export const refineShape = Type.Object(
  {
    ratio: Type.Number({
      minimum: 0,
      exclusiveMaximum: 0.5,
      description:
        'Share of the training images that each classifier of the ensemble calls anomalous: one to two times the share that you ' +
        'believe to be. What any of them calls anomalous is removed, so more than this share may be. 0: nothing is.',
    }),
    parts: Type.Integer({
      minimum: 2,
      maximum: 100,
      default: 5,
      description:
        'Parts into which the training images are divided. A classifier is fitted on each, and judges all images.',
    }),
    classifier: Type.Optional(
      Type.Unsafe<unknown>({
        [pluginKeyword]: 'classifier',
        [fallbackKeyword]: {type: 'gde'},
        description: 'The classifiers of the ensemble. Those of the spec are then fitted on what is left.',
      }),
    ),
    epochs: Type.Optional(
      Type.Union([Type.Literal('paper'), Type.Array(Type.Integer({minimum: 1}), {minItems: 1, uniqueItems: true})], {
        'x-expected': '"paper" or a list of epochs',
        description:
          'Refine while the learner trains as well: after so many epochs its features judge all images, and it goes on with those that ' +
          'are left, until the next time. `paper`: after 1, 2, 5, 10, 20, 50, 100 and 500 epochs, then every 500. Default: only before ' +
          'the classifiers are fitted.',
        examples: [[1, 2, 5, 10]],
      }),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Remove training images that are probably anomalies, before the classifiers are fitted (Yoon et al. 2021, SRR). Default: none is removed.',
    examples: [{ratio: 0.1}],
  },
);

interface Asked {
  /** Checked by `refineShape`. */
  readonly written: Omit<Refinement, 'classifier'> & {readonly classifier?: unknown};
  readonly learner: PluginRef | undefined;
  readonly localize: Localize | undefined;
}

/** Undefined if nothing is to be removed. */
export function checkRefine(plugins: Plugins, {written, learner, localize}: Asked): Checked<Refinement | undefined> {
  const path = ['refine', 'classifier'];
  const {value: classifier, issues} = checkPlugin(plugins, 'classifier', written.classifier ?? 'gde', path);
  const found: Issue[] = [...issues];
  const misfit = learner && misfitOf(plugins, classifier, learner);
  if (misfit) found.push({...misfit, path});
  if (scoresParts(localize) && written.ratio > 0)
    found.push({
      path: ['refine'],
      at: 'key',
      message: `"refine" removes whole images, but "localize" of type "${localize.type}" fits its classifiers on ${localize.type === 'patches' ? 'windows' : 'places'}`,
      hint: 'Remove "refine", or explain the scores of whole images ("localize: {type: gradient}").',
    });
  const trained = learner?.['epochs'];
  const first = written.epochs === 'paper' ? 1 : Math.min(...(written.epochs ?? []));
  if (written.epochs !== undefined && typeof trained === 'number' && first >= trained)
    found.push({
      path: ['refine', 'epochs'],
      at: 'value',
      message: `nothing would be refined while the learner trains: the first time is after ${plural(first, 'epoch')}, and it trains for ${trained}`,
      hint: 'Give a smaller number, or leave "epochs" out.',
    });
  return {value: written.ratio === 0 ? undefined : {...written, classifier}, issues: found};
}

/** Rows that each part needs, so that a classifier can be fitted on it. */
export const leastRows = 2;

interface Sizes {
  readonly dataset: PluginRef;
  readonly normalClasses: readonly string[];
  /** Training images of each class, at most. */
  readonly limit: number | undefined;
  readonly validation: Validation | undefined;
}

/** More parts than the training images can fill, as far as their number is known before they are located. */
export function partsIssues(plugins: Plugins, refinement: Refinement, sizes: Sizes): readonly Issue[] {
  for (const inlier of sizes.normalClasses) {
    const problem = partsProblem(plugins, refinement, {...sizes, inlier});
    if (problem) return [{path: ['refine', 'parts'], at: 'value', ...problem}];
  }
  return [];
}

/** The same of one class; `files`: those of the dataset, where they are located. */
export function partsProblem(
  plugins: Plugins,
  {parts}: Refinement,
  {
    dataset,
    inlier,
    limit,
    validation,
    files,
  }: Omit<Sizes, 'normalClasses'> & {readonly inlier: string; readonly files?: readonly SourceFile[]},
): {readonly message: string; readonly hint: string} | undefined {
  const {trainImages} = plugins.create('dataset', dataset);
  const all = Math.min(limit ?? Number.POSITIVE_INFINITY, trainImages?.(inlier, files) ?? Number.POSITIVE_INFINITY);
  const images = validation ? all - heldOutOf(all, validation.fraction) : all;
  if (!(images < leastRows * parts)) return undefined; // also where nothing is known
  const most = Math.floor(images / leastRows);
  return {
    message: `"refine" divides ${plural(images, 'training image')} of class "${inlier}" into ${parts} parts, but each needs at least two`,
    hint: `Use more images ("limit.train")${most < 2 ? '' : `, or at most ${most} parts`}.`,
  };
}

/** Metrics of refinement need both keys; their value may be 0, as at one point of a matrix. */
export function refinementIssues(
  plugins: Plugins,
  metrics: readonly PluginRef[],
  keys: {readonly contaminate: unknown; readonly refine: unknown},
): readonly Issue[] {
  const [lacking] = [
    ...(keys.refine === undefined ? ['"refine"'] : []),
    ...(keys.contaminate === undefined ? ['"dataset.contaminate"'] : []),
  ];
  if (lacking === undefined) return [];
  return metrics.flatMap(({type}, i): Issue[] =>
    plugins.find('metric', type)?.of === 'refinement'
      ? [
          {
            path: ['metrics', i],
            at: 'value',
            message: `metric "${type}" compares what "refine" removes with what "contaminate" has put there, but the spec has no ${lacking}`,
            hint: 'Add it, or remove the metric.',
          },
        ]
      : [],
  );
}

/** The key `validation` of a dataset: its shape, its default transforms, and what it asks of dataset and metrics. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {suggest} from '../../core/base/text.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {type Checked, checkPlugin, checkValue, type Issue, type Path} from '../../core/plugin/check.ts';
import {type Schema, show} from '../../core/plugin/describe.ts';
import {called, type Plugins, pluginKeyword} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {trainsOtherClasses} from './contaminate.ts';
import {checkCopies} from './lists.ts';
import type {Task, Validation} from './spec.ts';

const validationTypes: readonly Validation['type'][] = ['held-out', 'synthetic'];

const types = Type.Union(
  validationTypes.map((type) => Type.Literal(type)),
  {
    description:
      'held-out: as many training images of other classes are the anomalies; it uses their labels. synthetic: anomalies are made ' +
      'from the held-out images by transforms; it uses no label of an anomaly.',
  },
);

export const validationShape = Type.Object(
  {
    type: types,
    fraction: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.1,
      description: 'Share of the normal training images that is held out, at least one image.',
    }),
    seed: Type.Integer({
      minimum: 0,
      maximum: 4294967295,
      default: 0,
      description: 'Chooses the images, the same for all seeds of training, so that configurations can be compared.',
    }),
    transforms: Type.Optional(
      Type.Array(
        Type.Unsafe<unknown>({
          anyOf: [{[pluginKeyword]: 'transform'}, {type: 'array', items: {[pluginKeyword]: 'transform'}, minItems: 1}],
        }),
        {
          minItems: 1,
          'x-expected': 'a list of at least one transform, or list of transforms',
          description:
            'synthetic: each item makes one anomaly of every held-out image: a transform, or a list of transforms to apply one after ' +
            'the other. Default, the first that is not the learner’s own task: quarter turns where classes are told apart, ' +
            'cutpaste and cutpaste-scar where defects are, and confetti.',
          examples: [['cutpaste', 'cutpaste-scar']],
        },
      ),
    ),
  },
  {additionalProperties: false},
);

/** As a spec may write it: also its type alone. */
export const validationOption = Type.Optional(
  Type.Unsafe<unknown>({
    anyOf: [types, validationShape],
    'x-expected': '"held-out", "synthetic" or a mapping with "type"',
    description:
      'Hold out some of the normal training images, and evaluate on them beside the test images: `held-out` or `synthetic`, or a ' +
      'mapping of the options below. Default: none.',
    examples: ['synthetic'],
  }),
);

/** Number of images that are held out of `count`: at least one. */
export const heldOutOf = (count: number, fraction: number): number => Math.max(1, Math.round(fraction * count));

interface Asked {
  /** As written. */
  readonly written: unknown;
  readonly dataset: PluginRef | undefined;
  readonly learner: PluginRef | undefined;
  /** Absent: the learner's own. */
  readonly augment: readonly PluginRef[] | undefined;
  readonly copies: readonly CopyRef[];
  readonly metrics: readonly PluginRef[];
}

const path: Path = ['dataset', 'validation'];

/** Undefined if the spec has none. */
export function checkValidation(plugins: Plugins, asked: Asked): Checked<Validation | undefined> {
  const {written, dataset, learner, metrics} = asked;
  if (written === undefined) return {value: undefined, issues: metricIssues(plugins, metrics)};
  if (typeof written !== 'object' && !validationTypes.includes(written as Validation['type']))
    return {
      value: undefined,
      issues: [
        {
          path,
          at: 'value',
          message: `expected "validation" to be "held-out", "synthetic" or a mapping with "type", but got ${show(written)}`,
          hint: suggest(String(written), validationTypes, 'Its types'),
        },
      ],
    };
  const {value, issues: wrong} = checkValue<Validation & {readonly transforms?: readonly unknown[]}>(
    validationShape as unknown as Schema,
    typeof written === 'string' ? {type: written} : written,
    {path, noun: 'option', subject: '"validation"'},
  );
  if (wrong.length > 0) return {value: undefined, issues: wrong};
  const {type, fraction, seed, transforms: given} = value;
  if (type === 'held-out') {
    const issues = [...(given ? [foreignTransforms] : []), ...(dataset ? anomalyIssues(plugins, dataset) : [])];
    return {value: {type, fraction, seed}, issues};
  }
  if (given) {
    const {value: transforms, issues} = checkCopies(
      plugins,
      given,
      [...path, 'transforms'],
      'the same anomalies are made twice',
    );
    return {value: {type, fraction, seed, transforms}, issues};
  }
  const transforms = dataset && learner ? defaultTransforms(plugins, {...asked, dataset, learner}) : [];
  return {value: {type, fraction, seed, transforms}, issues: []};
}

const foreignTransforms: Issue = {
  path: [...path, 'transforms'],
  at: 'key',
  message: '"validation" of type "held-out" has no option "transforms"',
  hint: 'It belongs to type "synthetic". Remove it.',
};

const hasClasses = (plugins: Plugins, ref: PluginRef): boolean => trainsOtherClasses(plugins.create('dataset', ref));

const anomalyIssues = (plugins: Plugins, dataset: PluginRef): readonly Issue[] =>
  hasClasses(plugins, dataset)
    ? []
    : [
        {
          path,
          at: 'value',
          message: `"held-out" takes its anomalies from the training images, but those of dataset "${dataset.type}" are all normal`,
          hint: 'Use "validation: synthetic", which makes anomalies from normal images.',
        },
      ];

function metricIssues(plugins: Plugins, metrics: readonly PluginRef[]): readonly Issue[] {
  return metrics.flatMap(({type}, i): Issue[] => {
    const of = plugins.find('metric', type)?.of;
    if (of !== 'learner' && of !== 'agreement') return [];
    return [
      {
        path: ['metrics', i],
        at: 'value',
        message: `metric "${type}" is computed on held-out images, but the dataset has no "validation"`,
        hint: 'Add "validation: synthetic" to the dataset.',
      },
    ];
  });
}

const quarterTurns = ['rotate90', 'rotate180', 'rotate270'];
const pasted = ['cutpaste', 'cutpaste-scar'];
const noise = ['confetti'];

type Own = Omit<Asked, 'written' | 'dataset' | 'metrics'> & {readonly learner: PluginRef};

/**
 * The first family that has none of the transforms that the learner itself uses: a learner is the better at such anomalies the
 * better it is at its own task, whatever it learns about others. If it uses some of every family, the last one.
 */
function defaultTransforms(
  plugins: Plugins,
  {dataset, ...asked}: Own & {readonly dataset: PluginRef},
): readonly CopyRef[] {
  const own = ownTransforms(plugins, asked);
  const {perInlier, masks = false} = plugins.create('dataset', dataset);
  const free = (names: readonly string[]): boolean => !names.some((name) => own.has(name));
  const families = hasClasses(plugins, dataset)
    ? [quarterTurns, pasted, noise]
    : perInlier || masks
      ? [pasted, noise]
      : [[...quarterTurns, ...pasted].filter((name) => free([name])), noise];
  const names = families.find((family) => family.length > 0 && free(family)) ?? families.at(-1)!;
  return names.map((type) => [checkPlugin(plugins, 'transform', type).value]);
}

/** Names of the transforms of the learner's task and augmentation. */
function ownTransforms(plugins: Plugins, {learner, augment, copies}: Own): ReadonlySet<string> {
  const {type, ...options} = learner;
  const definition = plugins.get('learner', type);
  const task = called(definition, () => definition.pretextTransforms?.(options as never) ?? []);
  return new Set([...task, ...[...(augment ?? definition.augment), ...copies.flat()].map((ref) => ref.type)]);
}

/** Validation that a learner is prepared for: allowed, but it says little. */
export function validationWarnings(
  plugins: Plugins,
  {validation, learner, augment, distributionAugmentation: copies}: Task,
): readonly Issue[] {
  if (validation?.type !== 'synthetic') return [];
  const own = ownTransforms(plugins, {learner, augment, copies});
  const shared = [...new Set(validation.transforms.flat().map(({type}) => type))].filter((type) => own.has(type));
  if (shared.length === 0) return [];
  const message =
    `learner "${learner.type}" itself uses ${shared.join(', ')}: on validation images made by it, the learner is judged by its own task. ` +
    'Choose other "transforms"';
  return [{path, at: 'value', message}];
}

/** Whether tasks would be compared on validation images that were made in different ways. */
export const differentDefaults = (tasks: readonly Task[]): boolean =>
  new Set(tasks.map(({validation}) => canonicalJson((validation ?? null) as unknown as Json))).size > 1;

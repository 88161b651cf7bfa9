import {suggest} from '../../core/base/text.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {Kind, PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import type {Precision} from '../../core/engine/contract.ts';
import type {Checked, Issue} from '../../core/plugin/check.ts';
import {checkPlugin, checkValue} from '../../core/plugin/check.ts';
import type {Schema} from '../../core/plugin/describe.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {contaminationIssues} from './contaminate.ts';
import {checkCopies, checkList, repeated, repeatedMetrics} from './lists.ts';
import {localizeIssues, localizeOf} from './localize.ts';
import {misfitOf} from './misfits.ts';
import {tableIssues} from './papers.ts';
import {checkRefine, partsIssues, refinementIssues} from './refine.ts';
import {datasetKeyNames, datasetShape, fileShape, specShape} from './schema.ts';
import {type Ensemble, type Refinement, type Spec, scoresParts} from './spec.ts';
import {checkValidation} from './validation.ts';

export interface ValidatedSpec {
  /** Absent when there are issues. */
  readonly spec?: Spec & {readonly name: string};
  /** `all` as names. */
  readonly normalClasses: readonly string[];
  readonly issues: readonly Issue[];
  /** Classifiers that read a layer which this learner does not have: allowed if another learner of the matrix fits. */
  readonly misfits: readonly {readonly classifier: number; readonly issue: Issue}[];
  /** Keys that this learner has no use for: allowed if another learner of the matrix has. */
  readonly unused: readonly Unused[];
}

interface Unused {
  readonly key: 'distribution_augmentation' | 'refine.epochs';
  readonly issue: Issue;
}

interface Outer {
  readonly name?: string;
  readonly description?: string;
  readonly dataset: unknown;
  readonly learner: unknown;
  readonly augment?: readonly unknown[];
  readonly distribution_augmentation?: readonly unknown[];
  readonly map_copies?: readonly unknown[];
  readonly classifiers: readonly unknown[];
  readonly metrics: readonly unknown[];
  readonly seeds: number | readonly number[];
  readonly ensemble?: Ensemble;
  readonly precision?: Precision;
  readonly localize?: Parameters<typeof localizeOf>[0];
  readonly refine?: Parameters<typeof checkRefine>[1]['written'];
  readonly compare: {readonly table?: string; readonly row?: string};
}

/**
 * `defaultName` serves a spec without a name. All problems are reported together: a broken part does not hide problems of other
 * parts.
 */
export function validateSpec(value: unknown, plugins: Plugins, defaultName: string): ValidatedSpec {
  const outer = checkValue<Partial<Outer>>(specShape as unknown as Schema, value, {
    path: [],
    noun: 'key',
    whole: wholeSpec,
  });
  const issues: Issue[] = [...outer.issues];
  const broken = new Set(
    outer.issues.filter(({at, path}) => at === 'value' && path.length > 0).map(({path}) => path[0]),
  );
  const part = outer.value;

  const one = (kind: Kind, key: 'dataset' | 'learner', given: unknown): PluginRef | undefined => {
    if (given === undefined) return undefined;
    const checked = checkPlugin(plugins, kind, given, [key], key === 'dataset' ? datasetKeysSchema : undefined);
    issues.push(...checked.issues);
    return checked.issues.length === 0 ? checked.value : undefined;
  };
  const many = (kind: Kind, key: ListKey): Checked<readonly PluginRef[]> => {
    const list = part[key];
    if (!Array.isArray(list) || broken.has(key)) return {value: [], issues: []};
    const checked = checkList(plugins, kind, list, [key]);
    issues.push(...checked.issues);
    if (checked.issues.length === 0 && kind === 'classifier') issues.push(...repeated(checked.value, key));
    if (checked.issues.length === 0 && kind === 'metric') issues.push(...repeatedMetrics(checked.value));
    return checked;
  };

  const beside = datasetKeys(part.dataset);
  issues.push(...beside.issues);
  const dataset = one('dataset', 'dataset', beside.options);
  const learner = one('learner', 'learner', part.learner);
  const augment = many('transform', 'augment').value;
  const listOfCopies = (key: CopiesKey, because: string): readonly CopyRef[] => {
    if (broken.has(key)) return [];
    const checked = checkCopies(plugins, part[key] ?? [], [key], because);
    issues.push(...checked.issues);
    return checked.value;
  };
  const copies = listOfCopies('distribution_augmentation', 'training teaches that equal images differ');
  const mapCopies = listOfCopies('map_copies', 'their marks lie on each other');
  const classifiers = many('classifier', 'classifiers').value;
  const metrics = many('metric', 'metrics').value;
  if (part.compare && !broken.has('compare')) issues.push(...tableIssues(part.compare));

  const {normalClasses, limit} = beside.value;
  const normal = dataset
    ? knownClasses(plugins, dataset, normalClasses, beside.word)
    : {value: [], issues: likelyClassIssues(plugins, beside.options, normalClasses, beside.word)};
  issues.push(...normal.issues);
  const localize = part.localize && !broken.has('localize') ? localizeOf(part.localize) : undefined;
  if (scoresParts(localize) && mapCopies.length > 0) issues.push(noWholeImages);
  if (dataset && !broken.has('localize')) {
    const {localize: written} = value as {readonly localize?: unknown};
    issues.push(...localizeIssues(plugins, {dataset, learner, classifiers, metrics, localize, written}));
  }
  const validation = checkValidation(plugins, {
    written: beside.validation,
    dataset,
    learner,
    augment: part.augment && augment,
    copies,
    metrics,
  });
  issues.push(...validation.issues);
  const {contaminate} = beside.value;
  if (dataset && contaminate)
    issues.push(
      ...contaminationIssues(plugins, {
        dataset,
        metrics,
        validation: validation.value,
        ...(part.ensemble && {ensemble: part.ensemble}),
      }),
    );
  const refine =
    part.refine && !broken.has('refine') ? checkRefine(plugins, {written: part.refine, learner, localize}) : undefined;
  issues.push(...(refine?.issues ?? []), ...refinementIssues(plugins, metrics, {contaminate, refine: part.refine}));
  if (dataset && refine?.value)
    issues.push(
      ...partsIssues(plugins, refine.value, {
        dataset,
        normalClasses: normal.value,
        limit: limit?.train,
        validation: validation.value,
      }),
    );
  const misfits = learner ? misfitsOf(plugins, learner, classifiers) : [];
  const takesCopies = !learner || plugins.get('learner', learner.type).distributionAugmentation !== undefined;
  const trains = !learner || plugins.get('learner', learner.type).trains;
  const unused: Unused[] = [];
  if (learner && copies.length > 0 && !takesCopies)
    unused.push({key: 'distribution_augmentation', issue: noDistribution(plugins, learner)});
  if (learner && refine?.value?.epochs && !trains) unused.push({key: 'refine.epochs', issue: noTraining(learner)});

  if (issues.length > 0 || !dataset || !learner) return {normalClasses: [], issues, misfits, unused};
  const seeds = part.seeds ?? 1;
  const spec = {
    name: part.name ?? defaultName,
    ...(part.description !== undefined && {description: part.description}),
    dataset: {
      ...dataset,
      normal_classes: normalClasses,
      limit,
      ...(validation.value && {validation: validation.value}),
      ...(contaminate && {contaminate}),
    },
    learner,
    ...(part.augment && {augment}),
    ...(part.distribution_augmentation && takesCopies && {distribution_augmentation: copies}),
    ...(mapCopies.length > 0 && {map_copies: mapCopies}),
    classifiers,
    metrics,
    seeds: typeof seeds === 'number' ? Array.from({length: seeds}, (_, seed) => seed) : seeds,
    ...(part.ensemble && {ensemble: part.ensemble}),
    ...(part.precision && part.precision !== 'float32' && {precision: part.precision}),
    ...(localize && {localize}),
    ...(refine?.value && {refine: trains ? refine.value : withoutEpochs(refine.value)}),
    compare: part.compare ?? {},
  };
  return {spec, normalClasses: normal.value, issues, misfits, unused};
}

const datasetKeysSchema = datasetShape as unknown as Schema;
/** With the keys that are taken out before, for suggestions. */
const wholeSpec: Schema = {
  properties: {...specShape.properties, ...fileShape.properties} as unknown as {[name: string]: Schema},
};

type CopiesKey = 'distribution_augmentation' | 'map_copies';
type ListKey = 'augment' | 'classifiers' | 'metrics';

interface DatasetKeys {
  readonly normalClasses: 'all' | readonly string[];
  readonly limit: {readonly train?: number; readonly test?: number};
  readonly contaminate?: number;
}

const besideOptions = new Set(datasetKeyNames);

interface BesideOptions extends Checked<DatasetKeys> {
  readonly options: unknown;
  readonly word: string;
  readonly validation: unknown;
}

/**
 * Takes `normal_classes` (or `inliers`, its older name: `word`), `limit`, `contaminate` and `validation`, which is checked elsewhere,
 * from beside the dataset's own options.
 */
function datasetKeys(dataset: unknown): BesideOptions {
  const mapping = typeof dataset === 'object' && dataset !== null && !Array.isArray(dataset) ? dataset : {};
  const beside: {[key: string]: unknown} = {};
  const options: {[key: string]: unknown} = {};
  for (const [key, value] of Object.entries(mapping)) (besideOptions.has(key) ? beside : options)[key] = value;
  const {validation, ...others} = beside;
  const checked = checkValue<
    Omit<DatasetKeys, 'normalClasses'> & {inliers: string | number | readonly (string | number)[]}
  >(datasetKeysSchema, others, {path: ['dataset'], noun: 'key', subject: 'the dataset'});
  const {inliers, limit, contaminate} = checked.value;
  const names = inliers === 'all' || inliers === undefined ? 'all' : [inliers].flat().map(String);
  return {
    value: {normalClasses: names, limit, ...(contaminate !== undefined && {contaminate})},
    issues: checked.issues,
    options: mapping === dataset ? options : dataset,
    word: Object.hasOwn(beside, 'inliers') ? 'inliers' : 'normal_classes',
    validation,
  };
}

/** `word`: how the spec calls the option. */
function knownClasses(
  plugins: Plugins,
  ref: PluginRef,
  wanted: 'all' | readonly string[],
  word: string,
): Checked<readonly string[]> {
  const at = {path: ['dataset'], at: 'value'} as const;
  let known: readonly string[];
  try {
    known = plugins.create('dataset', ref).inliers;
  } catch (error) {
    return {value: [], issues: [{...at, message: `dataset "${ref.type}": ${messageOf(error)}`}]};
  }
  if (wanted === 'all') return {value: known, issues: []};
  const issues = wanted.flatMap((name, i): Issue[] => {
    if (known.includes(name)) return [];
    const message = `dataset "${ref.type}" has no class "${name}"`;
    return [{path: ['dataset', word, i], at: 'value', message, hint: suggest(name, known, 'Its classes')}];
  });
  return {value: wanted, issues};
}

/** What is wrong with the classes of a dataset with wrong options, as far as it can list them all the same. */
function likelyClassIssues(
  plugins: Plugins,
  options: unknown,
  wanted: 'all' | readonly string[],
  word: string,
): readonly Issue[] {
  const {value: ref} = checkPlugin(plugins, 'dataset', options, ['dataset']);
  if (!plugins.find('dataset', ref.type)) return [];
  try {
    return plugins.create('dataset', ref).inliers.length > 0 ? knownClasses(plugins, ref, wanted, word).issues : [];
  } catch {
    return []; // its options must be mended first
  }
}

/** Each must be able to read what the learner gives. */
function misfitsOf(plugins: Plugins, learner: PluginRef, classifiers: readonly PluginRef[]): ValidatedSpec['misfits'] {
  return classifiers.flatMap((ref, classifier) => {
    const issue = misfitOf(plugins, ref, learner);
    return issue ? [{classifier, issue: {...issue, path: ['classifiers', classifier, ...issue.path]}}] : [];
  });
}

function noDistribution(plugins: Plugins, learner: PluginRef): Issue {
  const able = plugins.definitions().filter((one) => one.kind === 'learner' && one.distributionAugmentation);
  return {
    path: ['distribution_augmentation'],
    at: 'key',
    message: `learner "${learner.type}" does not take distribution augmentation`,
    hint: able.length > 0 ? `Learners that do: ${able.map(({name}) => name).join(', ')}.` : 'Remove it.',
  };
}

const noWholeImages: Issue = {
  path: ['map_copies'],
  at: 'key',
  message: '"map_copies" is for features of whole images, and "localize" scores parts of them',
  hint: 'Remove one of the two.',
};

const noTraining = ({type}: PluginRef): Issue => ({
  path: ['refine', 'epochs'],
  at: 'key',
  message: `"refine.epochs" refines while the learner trains, and learner "${type}" does not train`,
  hint: 'Leave it out: what is left out before the classifiers are fitted stays the same.',
});

const withoutEpochs = ({epochs: _, ...refine}: Refinement): Refinement => refine;

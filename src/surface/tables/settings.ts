/** How a result's settings differ from the paper's, in words: why its number is not comparable. */
import type {Json} from '../../core/base/canonical.ts';
import {differences} from '../../core/base/diff.ts';
import {flowText} from '../../core/base/json.ts';
import {count, percent} from '../../core/base/text.ts';
import type {Kind, PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {checkPlugin} from '../../core/plugin/check.ts';
import {schemaOf} from '../../core/plugin/describe.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {wordOf} from '../../core/plugin/words.ts';
import type {Localize, Patches, Refinement, Validation} from '../../pipeline/config/spec.ts';
import {specWords} from '../../pipeline/config/spec-words.ts';
import {recordedPath} from '../../pipeline/config/words.ts';
import {paperSeeds} from '../../pipeline/store/results/baselines.ts';
import type {ComparisonRow} from '../../pipeline/store/results/results.ts';

/** How a row of a comparison differs from the paper: `epochs 12 (paper: 2048)`. */
export type Departures = (row: ComparisonRow) => readonly string[];

/** Of a task's options: in what its networks are computed, where it isn't float32. */
export const precisionNote = ({precision}: ComparisonRow['options']): readonly string[] =>
  precision === undefined ? [] : [`networks computed in ${precision}`];

type Options = {readonly [key: string]: Json};

/**
 * A plug-in's defaults are the paper's settings, but for a learner's `paperOptions`; without a plug-in of that name nothing is
 * known.
 */
export function departuresFrom(plugins: Plugins): Departures {
  const defaults = new Map<string, Options | undefined>();
  const pathWords = specWords(plugins);
  const defaultsOf = (kind: Kind, type: string) => {
    const key = `${kind} ${type}`;
    if (!defaults.has(key)) {
      const {value, issues} = plugins.find(kind, type)
        ? checkPlugin(plugins, kind, {type})
        : {value: undefined, issues: []};
      defaults.set(key, issues.length === 0 ? (value as Options | undefined) : undefined);
    }
    return defaults.get(key);
  };

  /** `skip`: paths that make the method what it is. */
  const changed = (
    kind: Kind,
    ref: PluginRef,
    skip: (path: string, value: Json | undefined) => boolean,
    own: Options = {},
  ) => {
    const defaults = defaultsOf(kind, ref.type);
    if (!defaults) return [];
    const {properties = {}} = schemaOf(plugins.get(kind, ref.type));
    const inWords = (path: string) => {
      const [option, ...below] = path.split('.') as [string, ...string[]];
      return words([wordOf(option, properties[option]), ...below].join('.'));
    };
    const paper = overlaid(defaults, own);
    const found = differences(ref as Json, paper).filter(({path, left}) => !skip(path, left));
    // Another network has other options, so only its type is shown.
    const replaced = found.filter(({path}) => path.endsWith('.type')).map(({path}) => path.slice(0, -'type'.length));
    return found
      .filter(({path}) => path.endsWith('.type') || !replaced.some((prefix) => path.startsWith(prefix)))
      .map(({path, left, right}) => `${inWords(path)} ${show(left)} (paper: ${show(right)})`);
  };

  return (row) => {
    const {
      dataset,
      limit,
      learner,
      augment,
      distribution_augmentation: copies = [],
      localize,
      validation,
      contaminate,
      refine,
    } = row.options as unknown as {
      readonly dataset: PluginRef;
      readonly limit: {readonly train?: number; readonly test?: number};
      readonly learner: PluginRef;
      readonly augment: readonly PluginRef[];
      readonly distribution_augmentation?: readonly CopyRef[];
      readonly localize?: Localize;
      readonly validation?: Validation;
      readonly contaminate?: number;
      readonly refine?: Refinement;
    };
    const definition = plugins.find('learner', learner.type);
    const makesTheRow = (path: string, value: Json | undefined) => {
      const paper = defaultsOf('learner', learner.type);
      if (!definition || !paper) return false;
      const spec = {copies: copies.length};
      return definition.row(withPath(paper, path, value) as never, spec) !== definition.row(paper as never, spec);
    };
    const classifier = row.classifierOptions as unknown as PluginRef | null;
    // Options that vary together with the row of the paper's table are the subject of that row.
    const swept = 'compare.row' in row.point ? Object.keys(row.point).map((path) => recordedPath(pathWords, path)) : [];
    const isSwept = (kind: 'dataset' | 'learner' | 'classifiers', path: string) =>
      swept.some((option) => `${kind}.${path}.`.startsWith(`${option.replace(/^classifiers\.\d+/, 'classifiers')}.`));
    // The kernel of an OC-SVM is part of its name in the tables.
    const ofTheRow = (path: string) => path === 'kernel' || isSwept('classifiers', path);
    const {type: _, ...chosen} = learner;
    const paperOptions = definition?.paperOptions?.(chosen as never) as Options | undefined;
    return [
      ...changed('dataset', dataset, (path) => isSwept('dataset', path)),
      ...(limit.train === undefined || isSwept('dataset', 'limit.train')
        ? []
        : [`${count(limit.train)} training images a class`]),
      ...(validation ? [`${100 * validation.fraction} % of the training images held out`] : []),
      ...(contaminate === undefined ? [] : [`${percent(contaminate)} of the training images are anomalies`]),
      ...(limit.test === undefined ? [] : [`${count(limit.test)} test images`]),
      ...changed(
        'learner',
        learner,
        (path, value) => isSwept('learner', path) || makesTheRow(path, value),
        paperOptions,
      ),
      ...(definition?.trains ? augmentation(plugins, augment, definition.augment) : []),
      ...distribution(copies, definition?.distributionAugmentation ?? []),
      ...(localize?.type === 'patches' ? windows(localize) : []),
      ...(refine ? [refined(refine)] : []),
      ...precisionNote(row.options),
      ...(row.ensemble === null || row.ensemble === paperSeeds || row.paper === null
        ? []
        : [`ensemble of ${row.ensemble} seeds (paper: ${paperSeeds})`]),
      ...(classifier ? changed('classifier', classifier, ofTheRow).map((it) => `${row.classifier}: ${it}`) : []),
    ];
  };
}

/** Those of CutPaste's localisation (docs/paper-notes.md 3.5). */
const paperWindows = {patch: 32, stride: 4, blend: 'sum'};

function windows({patch, stride, blend}: Patches): readonly string[] {
  const cut = patch === paperWindows.patch && stride === paperWindows.stride;
  return [
    ...(cut
      ? []
      : [`windows of ${patch} pixels every ${stride} (paper: ${paperWindows.patch} every ${paperWindows.stride})`]),
    ...(blend === paperWindows.blend ? [] : [`blend ${blend} (paper: ${paperWindows.blend})`]),
  ];
}

const refined = ({parts, ratio, epochs}: Refinement): string =>
  `what any of ${parts} classifiers calls the most anomalous ${percent(ratio)} is removed${epochs ? ', also in training' : ''}`;

/** No copies is another method, with a separate row. */
function distribution(ours: readonly CopyRef[], paper: readonly CopyRef[]): readonly string[] {
  const names = (copies: readonly CopyRef[]) => copies.map((copy) => copy.map(({type}) => type).join(' + ')).join(', ');
  return ours.length === 0 || names(ours) === names(paper)
    ? []
    : [`distribution augmentation ${names(ours)} (paper: ${names(paper)})`];
}

function augmentation(plugins: Plugins, ours: readonly PluginRef[], paper: readonly PluginRef[]): readonly string[] {
  const resolve = (refs: readonly PluginRef[]) =>
    refs.map((ref) => checkPlugin(plugins, 'transform', ref).value as Json);
  if (differences(resolve(ours), resolve(paper)).length === 0) return [];
  const names = (refs: readonly PluginRef[]) => refs.map((ref) => ref.type).join(', ') || 'none';
  return names(ours) === names(paper)
    ? [`augmentation ${names(ours)} with other options than the paper's`]
    : [`augmentation ${names(ours)} (paper: ${names(paper)})`];
}

function withPath(value: Options, path: string, leaf: Json | undefined): Options {
  const [key, ...rest] = path.split('.') as [string, ...string[]];
  if (rest.length === 0) return {...value, [key]: leaf} as Options;
  return {...value, [key]: withPath((value[key] ?? {}) as Options, rest.join('.'), leaf)};
}

/** `changes` laid over `options`, at any depth; a plug-in, which has a `type`, takes the place of the other. */
function overlaid(options: Options, changes: Options): Options {
  const isMapping = (value: Json | undefined): value is Options =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const merged = Object.entries(changes).map(([key, value]) => {
    const old = options[key];
    return [key, isMapping(old) && isMapping(value) && !('type' in value) ? overlaid(old, value) : value] as const;
  });
  return {...options, ...Object.fromEntries(merged)};
}

/** `network.type` → `network`, `optimizer.learning_rate` → `learning rate`. */
const words = (path: string): string =>
  path
    .replace(/\.type$/, '')
    .replace(/^optimizer\./, '')
    .replaceAll('.', ' ')
    .replaceAll('_', ' ');

const show = (value: Json | undefined): string => {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) {
    const same = value.length > 2 && value.every((item) => item === value[0]);
    return value.length === 0 ? 'none' : same ? `${value.length} × ${value[0]}` : value.join(', ');
  }
  return typeof value === 'string' ? value : flowText(value);
};

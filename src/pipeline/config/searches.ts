/** A spec with the key `search`: its options, the configurations to check beforehand, and the tasks of a trial. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Result} from '../../core/base/result.ts';
import type {Issue, Path} from '../../core/plugin/check.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Problem} from '../failures.ts';
import {classifierNames} from '../plan/names.ts';
import {isChoice, levels, valueAt} from '../search/domain.ts';
import {readSearch, type Search} from '../search/read.ts';
import {decode, exists, type Parameter, type Point, type Space, valueInside} from '../search/space.ts';
import {lay, type Overlay} from './overlay.ts';
import type {Setting} from './overrides.ts';
import type {Axis, Combination} from './points.ts';
import {scoresParts, type Task, type TrialRef} from './spec.ts';
import {validateSpec} from './validate.ts';
import {recordedPath, type SpecWords} from './words.ts';

/** What the tasks of a trial have besides their configuration. */
export interface TrialTasks {
  readonly trial: Pick<TrialRef, 'number' | 'setting'>;
  readonly until?: number;
}

export interface PlannedSearch {
  readonly options: Search;
  /** The tasks of one configuration: normal classes × seeds. */
  tasksOf(point: Point, trial: TrialTasks): Result<readonly Task[], Problem>;
}

/** `trial=3.1`, `until=16`. */
export const trialLabels = ({trial: {number, setting}, until}: TrialTasks): readonly string[] => [
  `trial=${number}.${setting}`,
  ...(until === undefined ? [] : [`until=${until}`]),
];

interface About {
  readonly plugins: Plugins;
  readonly words: SpecWords;
  /** The spec's name if it has none. */
  readonly stem: string;
  readonly isInSuite: boolean;
}

interface ReadSearch {
  readonly search?: Search;
  readonly issues: readonly Issue[];
  /** Settings that concern the search. */
  readonly used: readonly Setting[];
  readonly laid: Overlay['laid'];
}

/** A setting at a path that would vary fixes it. */
export function readSearchOf(
  file: {readonly [key: string]: unknown},
  settings: readonly Setting[],
  {plugins, words, stem, isInSuite}: About,
): ReadSearch {
  const issues: Issue[] = [];
  const at = {path: ['search'], at: 'key'} as const;
  if (isInSuite)
    issues.push({...at, message: 'a spec with a search cannot be one of several', hint: 'Run it by itself.'});
  if ('matrix' in file)
    issues.push({
      path: ['matrix'],
      at: 'key',
      message: 'a spec has either "matrix" or "search"',
      hint: 'Put the values of the matrix into the space: a list of values is a choice.',
    });
  let overlay: Overlay = {value: {search: file['search']}, laid: []};
  const used: Setting[] = [];
  let base: Overlay = {value: withoutSearch(file), laid: []};
  for (const setting of settings) {
    const {path, value, option} = setting;
    if (path[0] === 'search') {
      const result = lay(overlay, path, value, {option}, words);
      if (result.ok) overlay = result.overlay;
      else issues.push({...at, message: `${option}: ${result.message}`});
      used.push(setting);
    } else {
      const result = lay(base, path, value, {option}, words);
      if (result.ok) base = result.overlay;
    }
  }
  const written = withoutFixed((overlay.value as {search: unknown}).search, settings, words);
  const {spec} = validateSpec(base.value, plugins, stem);
  const constant = (path: string): Json | undefined =>
    valueInside((spec ?? base.value) as Json, recordedPath(words, path).split('.')) ??
    valueInside(base.value as Json, path.split('.'));
  const metrics = spec?.metrics ?? listed(base.value, 'metrics', ['auc']);
  const read = readSearch(written, {
    words,
    constant,
    metrics: metrics.map(({type: name}) => ({name, better: betterOf(plugins, name)})),
    classifiers: spec ? classifierNames(plugins, spec.classifiers) : [],
    hasValidation: constant('dataset.validation') !== undefined,
    isOfImages: (metric) => !scoresParts(spec?.localize) && plugins.find('metric', metric)?.of !== 'pixels',
  });
  return {...read, issues: [...issues, ...read.issues], used, laid: overlay.laid};
}

const withoutSearch = ({search: _, plugins: __, matrix: ___, ...rest}: {readonly [key: string]: unknown}) => rest;

const listed = (value: unknown, key: string, otherwise: readonly string[]): readonly {readonly type: string}[] => {
  const list = (value as {readonly [key: string]: unknown})[key] ?? otherwise;
  return (Array.isArray(list) ? list : []).flatMap((one) => {
    const type = typeof one === 'string' ? one : (one as {type?: unknown} | null)?.type;
    return typeof type === 'string' ? [{type}] : [];
  });
};

const betterOf = (plugins: Plugins, metric: string): 'higher' | 'lower' => {
  const definition = plugins.find('metric', metric);
  return definition && 'better' in definition ? definition.better : 'higher';
};

const spaceIn = (written: unknown): {readonly [name: string]: unknown} => {
  const {space} = (typeof written === 'object' && written !== null ? written : {}) as {readonly space?: unknown};
  return typeof space === 'object' && space !== null && !Array.isArray(space)
    ? (space as {[name: string]: unknown})
    : {};
};

/** Without the parameters that settings replace. */
function withoutFixed(written: unknown, settings: readonly Setting[], words: SpecWords): unknown {
  const set = settings.map(({path}) => recordedPath(words, path.join('.')));
  const isSet = (path: string) => set.some((one) => `${recordedPath(words, path)}.`.startsWith(`${one}.`));
  const space = spaceIn(written);
  const left = Object.entries(space).filter(([name]) => !name.split(',').every((path) => isSet(path.trim())));
  return left.length === Object.keys(space).length || left.length === 0
    ? written
    : {...(written as object), space: Object.fromEntries(left)};
}

/** A configuration as axes of one value each. `written`: the space as the file has it. */
export function draftOf(space: Space, point: Point, written: {readonly [name: string]: unknown} = {}): Draft {
  const axes = space.parameters
    .filter(({paths}) => paths.every((path) => Object.hasOwn(point, path)))
    .map((parameter): Axis => {
      const {name, paths} = parameter;
      const values = paths.map((path) => point[path]!);
      const value = paths.length === 1 ? values[0]! : values;
      return {name, paths, values: [value], places: [placeOf(parameter, value, written[name])]};
    });
  return {axes, combination: axes.map(() => 0)};
}

interface Draft {
  readonly axes: readonly Axis[];
  readonly combination: Combination;
}

/** Where a value is written: an item of a choice, a bound of a range, or, for a value between them, the parameter's. */
function placeOf({name, domain}: Parameter, value: Json, written: unknown): Path {
  const place = ['search', 'space', name];
  if (isChoice(domain)) {
    const index = domain.values.findIndex((one) => canonicalJson(one) === canonicalJson(value));
    return [...place, ...(Array.isArray(written) ? [] : ['choice']), index];
  }
  const key = ['uniform', 'integer', 'log'].find((form) =>
    Array.isArray((written as {readonly [key: string]: unknown} | undefined)?.[form]),
  );
  const bounds = key === undefined ? [] : ((written as {readonly [key: string]: unknown})[key] as readonly unknown[]);
  const bound = bounds.indexOf(value);
  // The last key is not in the file, so that the place of a value is the parameter's.
  return bound < 0 ? [...place, ''] : [...place, key!, bound];
}

/**
 * Configurations that show what can be wrong with the space: one in its middle, and each value of each choice and each bound of each
 * range, the others in the middle. `file` tells where a value is written.
 */
export function probesOf(space: Space, file: {readonly [key: string]: unknown}): readonly Draft[] {
  const written = spaceIn(file['search']);
  const middle = decode(space, new Float64Array(space.parameters.length).fill(0.5));
  const points = space.parameters
    .filter((parameter) => exists(parameter, middle))
    .flatMap((parameter) =>
      extremes(parameter).map((value) => withConditions(space, {...middle, ...pointOf(parameter, value)})),
    );
  return [middle, ...points].map((point) => draftOf(space, point, written));
}

/** Without the parameters whose conditions another parameter's new value breaks. */
function withConditions({parameters}: Space, point: Point): Point {
  const kept: {[path: string]: Json} = {};
  for (const parameter of parameters)
    if (exists(parameter, kept))
      for (const path of parameter.paths) if (Object.hasOwn(point, path)) kept[path] = point[path]!;
  return kept;
}

const pointOf = ({paths}: Parameter, value: Json): Point =>
  paths.length === 1
    ? {[paths[0]!]: value}
    : Object.fromEntries(paths.map((path, k) => [path, (value as readonly Json[])[k]!]));

/** The values at the ends of a range, or all of a choice. */
function extremes({domain}: Parameter): readonly Json[] {
  if (isChoice(domain)) return domain.values;
  const count = levels(domain);
  return count === undefined ? [domain.low, domain.high] : [valueAt(domain, 0), valueAt(domain, count - 1)];
}

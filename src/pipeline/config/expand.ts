/** A pipeline file → the plan of its tasks: seeds × normal classes × matrix, of one spec or of a suite. */
import {existsSync} from 'node:fs';
import {dirname, resolve} from 'node:path';
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Result} from '../../core/base/result.ts';
import {fail, succeed} from '../../core/base/result.ts';
import {plural} from '../../core/base/text.ts';
import type {Kind, PluginRef} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {called, type Plugins, pathOptions} from '../../core/plugin/registry.ts';
import type {Problem} from '../failures.ts';
import {classifierNames} from '../plan/names.ts';
import {distinct} from './distinct.ts';
import {checkList, copyWarnings} from './lists.ts';
import {loadModules} from './modules.ts';
import {type Overlay, originOf} from './overlay.ts';
import {type Overrides, readOverrides, type Setting} from './overrides.ts';
import {rowIssues} from './papers.ts';
import {type Axis, type Combination, labelPoint, layPoint, readPoints, settingsOf} from './points.ts';
import {draftOf, type PlannedSearch, probesOf, readSearchOf, type TrialTasks, trialLabels} from './searches.ts';
import type {Plan, Spec, Task} from './spec.ts';
import {specWords} from './spec-words.ts';
import {openFile, type SpecFile, stem, toProblem} from './suite.ts';
import {type ValidatedSpec, validateSpec} from './validate.ts';
import {differentDefaults, validationWarnings} from './validation.ts';
import type {SpecWords} from './words.ts';

export interface ReadPlan {
  readonly plan: Plan;
  /** The plan's tasks are then made one trial after the other; `plan` has those of one configuration. */
  readonly search?: PlannedSearch;
  /** Built-in plug-ins and the spec's own. */
  readonly plugins: Plugins;
  readonly warnings: readonly string[];
}

export interface ReadPlanOptions {
  readonly builtin: Plugins;
  readonly overrides?: Overrides;
}

/** Reads, validates and expands a spec or suite; all problems of all files at once. */
export async function readPlan(
  file: string,
  {builtin, overrides = {}}: ReadPlanOptions,
): Promise<Result<ReadPlan, Problem>> {
  const read = readOverrides(overrides);
  const settings = read.ok ? read.value : [];
  const opened = await openFile(file);
  const {specs, name, description, text} = opened;
  const {plugins, problems} = await loadModules(specs, builtin);
  const before = [...(read.ok ? [] : read.failures), ...opened.problems, ...problems];
  // Without its own plug-ins a spec is full of unknown names.
  if (problems.length > 0) return fail(...distinct(before));

  const uses = new SettingUses(settings);
  const expanded = specs.map((spec) => expandSpec(spec, plugins, settings, uses, specs.length > 1));
  const found = [...before, ...expanded.flatMap((one) => one.problems), ...uses.problems(), ...sameNames(specs)];
  if (found.length > 0) return fail(...distinct(found));
  const warnings = [...opened.warnings, ...expanded.flatMap((one) => one.warnings)];
  const tasks = merge(
    expanded.flatMap((one) => one.tasks),
    warnings,
  );
  const pluginUrls = plugins.modules.filter((module) => !builtin.modules.includes(module)).map(({url}) => url);
  const plan: Plan = {name, ...(description !== undefined && {description}), source: text, tasks, pluginUrls};
  const search = expanded.find((one) => one.search)?.search;
  return succeed({plan, plugins, warnings, ...(search && {search})});
}

interface Expanded {
  readonly search?: PlannedSearch;
  readonly tasks: readonly Task[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** One configuration of a spec: a value of each axis. */
interface Draft {
  readonly axes: readonly Axis[];
  readonly combination: Combination;
  /** Of a search: what its tasks have besides the configuration, and the classifier that counts; undefined: the first one. */
  readonly trial?: TrialTasks & {readonly classifier: string | undefined};
}

interface Point extends Draft {
  readonly overlay: Overlay;
  readonly checked: ValidatedSpec;
}

function expandSpec(
  file: SpecFile,
  plugins: Plugins,
  settings: readonly Setting[],
  uses: SettingUses,
  isInSuite: boolean,
): Expanded {
  const words = specWords(plugins);
  const isOff = settings.findLast(({path}) => path.join() === 'search')?.value === null;
  if (isOff) for (const setting of settings) if (setting.path[0] === 'search') uses.accept(setting);
  if (!isOff && 'search' in file.value) return expandSearch(file, plugins, settings, uses, words, isInSuite);
  const laid = isOff ? settings.filter(({path}) => path[0] !== 'search') : settings;
  const {axes, combinations, issues} = readPoints(file.value, laid, words);
  const drafts = combinations.map((combination) => ({axes, combination}));
  const expanded = expandDrafts(file, plugins, drafts, laid, uses, words);
  return {...expanded, problems: [...issues.map((issue) => toProblem(file.source, issue)), ...expanded.problems]};
}

/** A spec with a search: the tasks of one configuration, after all that can be wrong with any has been looked for. */
function expandSearch(
  file: SpecFile,
  plugins: Plugins,
  settings: readonly Setting[],
  uses: SettingUses,
  words: SpecWords,
  isInSuite: boolean,
): Expanded {
  const read = readSearchOf(file.value, settings, {plugins, words, stem: stem(file.source.file), isInSuite});
  for (const setting of read.used) uses.accept(setting);
  const issues = read.issues.map((issue) => place(file, {value: file.value, laid: read.laid}, issue));
  const rest = settings.filter(({path}) => path[0] !== 'search');
  const {search} = read;
  const probes = search ? probesOf(search.space, file.value) : [{axes: [], combination: []}];
  const expanded = expandDrafts(file, plugins, probes, rest, uses, words);
  const problems = [...issues, ...expanded.problems];
  if (!search || problems.length > 0) return {tasks: [], problems, warnings: expanded.warnings};
  const tasksOf: PlannedSearch['tasksOf'] = (point, trial) => {
    const {classifier} = search.objective;
    const draft = {...draftOf(search.space, point), trial: {...trial, classifier}};
    const made = expandDrafts(file, plugins, [draft], rest, new SettingUses(rest), words);
    return made.problems.length > 0 ? fail(...made.problems) : succeed(made.tasks);
  };
  return {...expanded, tasks: expanded.first, search: {options: search, tasksOf}};
}

function expandDrafts(
  file: SpecFile,
  plugins: Plugins,
  drafts: readonly Draft[],
  settings: readonly Setting[],
  uses: SettingUses,
  words: SpecWords,
): Expanded & {readonly first: readonly Task[]} {
  const problems: Problem[] = [];
  const points: Point[] = [];
  for (const draft of drafts) {
    const point = validatePoint(file, plugins, draft, settings, uses, words);
    problems.push(...point.problems);
    points.push(point);
  }
  const fits = (classifier: number) =>
    points.some(({checked}) => !checked.misfits.some((misfit) => misfit.classifier === classifier));
  const used = {
    distribution_augmentation: points.some(({checked}) => checked.spec?.distribution_augmentation !== undefined),
    'refine.epochs': points.some(({checked}) => checked.spec?.refine?.epochs !== undefined),
  };
  const warnings = new Set<string>();
  const tasks: Task[] = [];
  let first: readonly Task[] = [];
  for (const point of points) {
    const {checked, overlay} = point;
    for (const {classifier, issue} of checked.misfits)
      if (fits(classifier)) warnings.add(`${issue.message}; it is not used there`);
      else problems.push(place(file, overlay, issue));
    for (const {key, issue} of checked.unused) if (!used[key]) problems.push(place(file, overlay, issue));
    if (!checked.spec) continue;
    // There is no warning for a control that does not train: it takes no augmentation either.
    if (plugins.get('learner', checked.spec.learner.type).trains)
      for (const {issue} of checked.unused) warnings.add(`${issue.message}; it is not used there`);
    const left = checked.spec.classifiers.filter((_, i) => !checked.misfits.some(({classifier}) => classifier === i));
    if (left.length === 0 && checked.misfits.every(({classifier}) => fits(classifier))) {
      const hint = checked.misfits[0]?.issue.hint;
      const message = `no classifier is left for learner "${checked.spec.learner.type}", because each reads a layer that the learner does not have`;
      problems.push(place(file, overlay, {path: ['classifiers'], at: 'key', message, ...(hint && {hint})}));
    }
    const folder = dirname(file.source.file);
    const learner = withPaths(plugins, 'learner', checked.spec.learner, (path) => resolve(folder, path));
    const dataset = withPaths(plugins, 'dataset', checked.spec.dataset, (path) => besideSpec(folder, path));
    const spec = {...checked.spec, dataset, learner, classifiers: left};
    if (spec.ensemble && spec.seeds.length < 2) warnings.add('"ensemble" combines seeds, but there is only one');
    for (const {type} of spec.metrics)
      if (plugins.get('metric', type).of === 'agreement' && spec.seeds.length < 2)
        warnings.add(`metric "${type}" compares seeds, but there is only one`);
    const made = makeTasks(spec, checked.normalClasses, plugins, point, file.table);
    if (tasks.length === 0) first = made.tasks;
    tasks.push(...made.tasks);
    for (const issue of rowIssues(checked.spec.compare ?? {}))
      warnings.add(`${warningText(place(file, overlay, issue))}: nothing stands beside its results. ${issue.hint}`);
    for (const task of made.tasks.slice(0, 1))
      for (const issue of [
        ...copyWarnings(task.distributionAugmentation, task.augment),
        ...validationWarnings(plugins, task),
      ])
        warnings.add(warningText(place(file, overlay, issue)));
    problems.push(...made.issues.map((issue) => place(file, overlay, issue)));
  }
  const variesData = drafts.some(({axes}) => axes.some(({paths}) => paths.some((path) => path.startsWith('dataset'))));
  if (differentDefaults(tasks) && !variesData)
    warnings.add(
      'the configurations have different validation images, because their learners differ: their validation values cannot be compared. ' +
        'Write "transforms" for "validation"',
    );
  return {tasks, first, problems, warnings: [...warnings]};
}

/** A setting that this point's plug-ins do not know is left out here; `uses` checks that some point uses it. */
function validatePoint(
  file: SpecFile,
  plugins: Plugins,
  draft: Draft,
  settings: readonly Setting[],
  uses: SettingUses,
  words: SpecWords,
): Point & {readonly problems: readonly Problem[]} {
  let tried = settings;
  for (;;) {
    const {overlay, issues, refused} = layPoint(file.value, draft.axes, draft.combination, tried, words);
    const checked = validateSpec(overlay.value, plugins, stem(file.source.file));
    const foreign = new Map<string, Issue>(
      refused.map(({setting, message}) => [setting.option, {path: setting.path, at: 'value', message}]),
    );
    for (const issue of checked.issues) {
      const {origin} = originOf(overlay, issue.path, issue.at);
      if (issue.unknown && 'option' in origin) foreign.set(origin.option, issue);
    }
    if (foreign.size === 0) {
      for (const setting of tried) uses.accept(setting);
      const problems = [...issues, ...checked.issues].map((issue) => place(file, overlay, issue));
      return {...draft, overlay, checked, problems};
    }
    for (const [option, issue] of foreign) uses.refuse(option, issue);
    tried = tried.filter(({option}) => !foreign.has(option));
  }
}

/** Finds settings that no point uses. */
class SettingUses {
  readonly #accepted = new Set<string>();
  readonly #refused = new Map<string, Issue>();
  readonly #settings: readonly Setting[];

  constructor(settings: readonly Setting[]) {
    this.#settings = settings;
  }

  accept({option}: Setting): void {
    this.#accepted.add(option);
  }

  refuse(option: string, issue: Issue): void {
    // Of several plug-ins, the one with a similar option was probably meant.
    if (!this.#refused.has(option) || issue.hint?.startsWith('Did you mean')) this.#refused.set(option, issue);
  }

  problems(): readonly Problem[] {
    return this.#settings.flatMap(({option}) => {
      const issue = this.#refused.get(option);
      return issue && !this.#accepted.has(option) ? [ofOption(option, issue)] : [];
    });
  }
}

function place(file: SpecFile, overlay: Overlay, issue: Issue): Problem {
  const {origin, at} = originOf(overlay, issue.path, issue.at);
  return 'option' in origin
    ? ofOption(origin.option, issue)
    : toProblem(file.source, {...issue, path: origin.path, at});
}

/** The place comes at the end, so that it begins like warnings without a place. */
const warningText = ({message, file, range}: Problem): string =>
  file && range ? `${message} (${file}:${range.line}:${range.column})` : message;

const ofOption = (option: string, {message, hint}: Issue): Problem => ({
  message: `${option}: ${message}`,
  ...(hint && {hint}),
});

/** Paths in a spec are relative to its folder. */
function withPaths<R extends PluginRef>(plugins: Plugins, kind: Kind, ref: R, resolved: (path: string) => string): R {
  const paths = pathOptions(plugins.get(kind, ref.type)).flatMap((option) => {
    const path = ref[option];
    return typeof path === 'string' ? [[option, resolved(path)]] : [];
  });
  return {...ref, ...Object.fromEntries(paths)};
}

/** What is not beside the spec may be below a data folder: datasets look there. */
function besideSpec(folder: string, path: string): string {
  const place = resolve(folder, path);
  return existsSync(place) ? place : path;
}

function makeTasks(
  spec: Spec,
  normalClasses: readonly string[],
  plugins: Plugins,
  {axes, combination, trial}: Draft,
  table: string | undefined,
): {readonly tasks: readonly Task[]; readonly issues: readonly Issue[]} {
  const definition = plugins.get('learner', spec.learner.type);
  const own = checkList(plugins, 'transform', definition.augment, ['learner']);
  // An invalid default augmentation is a mistake of the plug-in's author, reported where the spec names the plug-in.
  if (!spec.augment && own.issues.length > 0)
    return {
      tasks: [],
      issues: own.issues.map((issue) => ({
        ...issue,
        path: ['learner'],
        message: `the default augmentation of learner "${definition.name}": ${issue.message}`,
      })),
    };
  const {normal_classes: _, limit, validation, contaminate, ...dataset} = spec.dataset;
  const {type: __, ...options} = spec.learner;
  const row =
    spec.compare?.row ??
    called(definition, () => definition.row(options, {copies: spec.distribution_augmentation?.length ?? 0}));
  const named = spec.compare?.table ?? table;
  const shared = {
    spec: spec.name,
    dataset: dataset as PluginRef,
    problems: plugins.create('dataset', dataset as PluginRef).inliers.length,
    limit: limit ?? {},
    ...(validation && {validation}),
    ...(contaminate !== undefined && {contaminate}),
    learner: spec.learner,
    augment: spec.augment ?? own.value,
    distributionAugmentation: spec.distribution_augmentation ?? [],
    ...(spec.map_copies && {mapCopies: spec.map_copies}),
    ...(spec.refine && {refine: spec.refine}),
    classifiers: spec.classifiers,
    metrics: spec.metrics,
    ...(spec.ensemble && {ensemble: spec.ensemble}),
    ...(spec.precision && {precision: spec.precision}),
    ...(spec.localize && {localize: spec.localize}),
    point: Object.fromEntries(
      axes.flatMap((axis, a) => settingsOf(axis, combination[a]!).map(({path, value}) => [path, value])),
    ),
    compare: {...(named !== undefined && {table: named}), row},
  };
  const {classifier = classifierNames(plugins, spec.classifiers)[0]!, until} = trial ?? {};
  const labels = trial ? trialLabels(trial) : labelPoint(axes, combination);
  const tasks = normalClasses.flatMap((inlier) =>
    spec.seeds.map((seed) => ({
      id: [spec.name, inlier, spec.learner.type, ...labels, `seed=${seed}`].join('/'),
      ...shared,
      inlier,
      seed,
      ...(trial && {trial: {...trial.trial, classifier}, ...(until !== undefined && {until})}),
    })),
  );
  return {tasks, issues: []};
}

/** Equal tasks are one: a matrix may name a value twice, or a value that is the default. */
function merge(tasks: readonly Task[], warnings: string[]): readonly Task[] {
  const kept = new Map<string, Task>();
  const dropped = new Map<string, number>();
  const texts = new Map<Json, string>(); // thousands of tasks share their parts
  const textOf = (part: Json): string => {
    const text = texts.get(part) ?? canonicalJson(part);
    texts.set(part, text);
    return text;
  };
  for (const task of tasks) {
    const {id: _, point: __, ...what} = task;
    const key = Object.entries(what)
      .map(([name, part]) => `${name}:${textOf(part as Json)}`)
      .join();
    if (kept.has(key)) dropped.set(task.spec, (dropped.get(task.spec) ?? 0) + 1);
    else kept.set(key, task);
  }
  for (const [spec, number] of dropped)
    warnings.push(`${spec}: ${plural(number, 'task is', 'tasks are')} equal to others and will not run`);
  return [...kept.values()];
}

/** Ids begin with the spec's name: two specs of a suite cannot share one. */
function sameNames(specs: readonly SpecFile[]): readonly Problem[] {
  const seen = new Map<string, SpecFile>();
  return specs.flatMap((file) => {
    const {name = stem(file.source.file)} = file.value as {name?: unknown};
    const other = seen.get(String(name));
    if (!other) {
      seen.set(String(name), file);
      return [];
    }
    const message = `${other.source.file} has the name "${name}" as well; the specs of a suite need different names`;
    return [toProblem(file.source, {path: ['name'], at: 'value', message})];
  });
}

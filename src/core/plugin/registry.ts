import {isError, messageOf} from '../base/thrown.ts';
import type {Classifier, ClassifierDefinition} from '../contracts/classifier.ts';
import type {Dataset, DatasetDefinition} from '../contracts/dataset.ts';
import type {Kind} from '../contracts/definition.ts';
import type {Learner, LearnerDefinition} from '../contracts/learner.ts';
import type {AnyMetric, AnyMetricDefinition} from '../contracts/metric.ts';
import type {Network, NetworkDefinition} from '../contracts/network.ts';
import type {Transform, TransformDefinition} from '../contracts/transform.ts';
import {type CodeFile, loadSameModule, type ModuleRef} from './code.ts';
import type {Static, TObject} from './type.ts';
import {Type} from './type.ts';

/** A plug-in by name with its options: in YAML, `type` and the keys beside it. */
export interface PluginRef {
  readonly type: string;
  readonly [option: string]: unknown;
}

export interface Definitions {
  readonly dataset: DatasetDefinition;
  readonly transform: TransformDefinition;
  readonly network: NetworkDefinition;
  readonly learner: LearnerDefinition;
  readonly classifier: ClassifierDefinition;
  readonly metric: AnyMetricDefinition;
}

export interface Created {
  readonly dataset: Dataset;
  readonly transform: Transform;
  readonly network: Network;
  readonly learner: Learner;
  readonly classifier: Classifier;
  readonly metric: AnyMetric;
}

export type AnyDefinition = Definitions[Kind];

export const kinds: readonly Kind[] = ['dataset', 'transform', 'network', 'learner', 'classifier', 'metric'];

/** A module of plug-ins, ours (`builtin.ts`) or a user's: exports `plugins`. */
export interface PluginModule {
  readonly plugins: readonly AnyDefinition[];
}

/** The plug-ins of a run by kind and name. Refuses two of one name. */
export class Plugins {
  readonly #known = new Map<Kind, Map<string, AnyDefinition>>(kinds.map((kind) => [kind, new Map()]));
  readonly #code: ReadonlyMap<AnyDefinition, readonly CodeFile[]>;
  /** Modules to import to get the same plug-ins in another thread or process. */
  readonly modules: readonly ModuleRef[];

  constructor(
    definitions: readonly AnyDefinition[],
    modules: readonly ModuleRef[] = [],
    code: ReadonlyMap<AnyDefinition, readonly CodeFile[]> = new Map(),
  ) {
    this.modules = modules;
    this.#code = code;
    for (const definition of definitions) {
      const ofKind = this.#known.get(definition.kind);
      if (!ofKind) throw new Error(`plug-in "${definition.name}" is of unknown kind "${definition.kind}"`);
      if (ofKind.has(definition.name))
        throw new Error(`two ${definition.kind} plug-ins are called "${definition.name}"`);
      ofKind.set(definition.name, definition);
    }
  }

  names(kind: Kind): readonly string[] {
    return [...this.#known.get(kind)!.keys()];
  }

  find<K extends Kind>(kind: K, name: string): Definitions[K] | undefined {
    return this.#known.get(kind)!.get(name) as Definitions[K] | undefined;
  }

  /** Every definition, by kind and then in the order of registration. */
  definitions(): readonly AnyDefinition[] {
    return kinds.flatMap((kind) => [...this.#known.get(kind)!.values()]);
  }

  /** The files of code that define a user's own plug-in; none of one that is built in. */
  codeOf(definition: AnyDefinition): readonly CodeFile[] {
    return this.#code.get(definition) ?? [];
  }

  /** With more plug-ins and the module that they come from; refuses two of one name. */
  extend(definitions: readonly AnyDefinition[], module?: ModuleRef): Plugins {
    const code = new Map(this.#code);
    if (module?.code) for (const definition of definitions) code.set(definition, module.code);
    const modules = module ? [...this.modules, module] : this.modules;
    return new Plugins([...this.definitions(), ...definitions], modules, code);
  }

  /** For names that were validated. */
  get<K extends Kind>(kind: K, name: string): Definitions[K] {
    const found = this.find(kind, name);
    if (!found) throw new Error(`no ${kind} "${name}"; known: ${this.names(kind).join(', ')}`);
    return found;
  }

  /** Builds the plug-in; `ref` has its options resolved (defaults filled, validated). */
  create<K extends Kind>(kind: K, ref: PluginRef): Created[K] {
    const {type, ...options} = ref;
    const definition = this.get(kind, type);
    return called(definition, () => definition.create(options as Static<TObject>) as Created[K]);
  }
}

/** Calls a function of a plug-in; what it throws that is not an Error becomes one that names the plug-in. */
export function called<T>({kind, name}: Pick<AnyDefinition, 'kind' | 'name'>, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw isError(thrown) ? thrown : new Error(`${kind} "${name}": ${messageOf(thrown)}`);
  }
}

/**
 * Imports modules of plug-ins: how worker processes and threads get theirs. Throws a `CodeChangedError` where one is no longer made
 * of the code that it had when the run began.
 */
export async function loadPlugins(modules: readonly ModuleRef[]): Promise<Plugins> {
  const loaded = await Promise.all(modules.map(async (module) => (await loadSameModule(module)) as PluginModule));
  return modules.reduce((all, module, i) => all.extend(loaded[i]!.plugins, module), new Plugins([]));
}

/** JSON Schema keyword that marks an option whose value is itself a plug-in. */
export const pluginKeyword = 'x-plugin';

/** Keyword beside it: fills the parts that the spec leaves out. */
export const fallbackKeyword = 'x-fallback';

/**
 * An option that names another plug-in: `network: {type: resnet18, width: 0.25}`. The plug-in's own schema checks the rest.
 * `fallback` fills what the spec leaves out: `type`, and those of its keys that the chosen plug-in knows.
 */
export const pluginOption = (kind: Kind, fallback: PluginRef, description: string) =>
  Type.Unsafe<PluginRef>({type: 'object', [pluginKeyword]: kind, [fallbackKeyword]: fallback, description});

/** Layers of a learner with these options: its own, and the levels of the network that it trains. */
export function layersOf(plugins: Plugins, learner: PluginRef): readonly string[] {
  const {layers} = plugins.get('learner', learner.type);
  return [...layers, ...networksOf(plugins, learner).flatMap(({levels = {}}) => Object.keys(levels))];
}

/** The networks that a learner with these options is made of. */
export function networksOf(plugins: Plugins, learner: PluginRef): readonly Network[] {
  const {options} = plugins.get('learner', learner.type);
  return Object.entries(options.properties as {readonly [name: string]: {readonly [keyword: string]: unknown}})
    .filter(([, option]) => option[pluginKeyword] === 'network')
    .map(([name]) => plugins.create('network', learner[name] as PluginRef));
}

/** JSON Schema keyword that marks an option whose value is a path. */
const pathKeyword = 'x-path';

/**
 * An option of a learner that names a file, relative to the spec's folder. Its content determines results, not its path: the
 * learner lists it in `files`.
 */
export const pathOption = (description: string) =>
  Type.Unsafe<string>({type: 'string', minLength: 1, [pathKeyword]: true, description});

/**
 * An option of a dataset that names a folder: relative to the spec's folder, and if there is none, to a data folder, where `locate`
 * looks.
 */
export const placeOption = (value: string, description: string) =>
  Type.Unsafe<string>({type: 'string', minLength: 1, [pathKeyword]: true, default: value, description});

/** Names of the options that were made by `pathOption` or `placeOption`. */
export const pathOptions = ({options}: AnyDefinition): readonly string[] =>
  Object.entries(options.properties as {readonly [name: string]: {readonly [keyword: string]: unknown}})
    .filter(([, option]) => option[pathKeyword] === true)
    .map(([name]) => name);

/** Tasks → stages. Two tasks that want equal stages share one. Does not look at the cache. */
import {digestOf, type Json} from '../../core/canonical.ts';
import type {SourceFile} from '../../core/plugin/contracts.ts';
import {type AnyDefinition, type PluginRef, type Plugins, pathOptions} from '../../core/plugin/registry.ts';
import {invariant} from '../../core/result.ts';
import type {StageKind} from '../events.ts';
import type {Plan, Task} from '../spec/spec.ts';
import type {DataRecipe, EmbedRecipe, EvaluateRecipe, LearnRecipe, ScoreRecipe} from '../stages/recipes.ts';
import type {StageNode} from '../stages/stage.ts';
import {classifierNames, distinguish} from './names.ts';
import {datasetKey, learnerKey, type Sources} from './sources.ts';
import {usedBy, versionsOf} from './used.ts';

/** What the stages of one task have in common. */
interface Scene {
  readonly task: Task;
  readonly trains: boolean;
  readonly defaultLayer: string;
  readonly normal: string;
  /** Only where the images differ between inliers. */
  readonly inlier: string | undefined;
  readonly learnt: readonly AnyDefinition[];
  /** Without the paths of files that its options name: those are `files`. */
  readonly learner: PluginRef;
  readonly files: readonly SourceFile[];
  /** Id of the `data` stage. */
  readonly data: string;
}

/** A stage before it has an id and its tasks. */
interface Wanted {
  readonly kind: StageKind;
  readonly label: string;
  readonly recipe: DataRecipe | LearnRecipe | EmbedRecipe | ScoreRecipe | EvaluateRecipe;
  readonly inputs: StageNode['inputs'];
  /** A dataset's files follow from the recipe; those of a learner do not. */
  readonly sources?: readonly SourceFile[];
  readonly files?: readonly SourceFile[];
  readonly used: readonly AnyDefinition[];
}

export function buildGraph(plan: Plan, plugins: Plugins, sources: Sources): readonly StageNode[] {
  const drawing = new Drawing(plugins, sources);
  for (const task of plan.tasks) drawing.add(task);
  return distinguish(drawing.nodes(), new Map(plan.tasks.map((task) => [task.id, task])));
}

type Growing = Omit<StageNode, 'tasks' | 'results'> & {
  readonly tasks: Set<string>;
  readonly results: {readonly task: string; readonly classifier: string}[];
};

/** Grows while tasks are added. */
class Drawing {
  readonly #plugins: Plugins;
  readonly #sources: Sources;
  readonly #nodes = new Map<string, Growing>();

  constructor(plugins: Plugins, sources: Sources) {
    this.#plugins = plugins;
    this.#sources = sources;
  }

  nodes(): readonly StageNode[] {
    return [...this.#nodes.values()].map(({tasks, results, ...node}) => ({
      ...node,
      tasks: [...tasks],
      ...(results.length > 0 ? {results} : {}),
    }));
  }

  add(task: Task): void {
    const plugins = this.#plugins;
    const learner = plugins.get('learner', task.learner.type);
    const dataset = plugins.create('dataset', task.dataset);
    const inlier = dataset.perInlier ? task.inlier : undefined;
    const scene: Scene = {
      task,
      trains: learner.trains,
      defaultLayer: learner.layers[0]!,
      normal: dataset.normalClass(task.inlier),
      inlier,
      learnt: usedBy(plugins, 'learner', task.learner),
      learner: without(task.learner, pathOptions(learner)),
      files: this.#sources.learners.get(learnerKey(task.learner)) ?? [],
      data: this.#data(task, inlier),
    };
    const learn = this.#learn(scene);
    const names = classifierNames(plugins, task.classifiers);
    for (const [i, classifier] of task.classifiers.entries()) {
      const layer = layerOf(plugins, classifier, scene.defaultLayer);
      const features = {
        train: {stage: this.#embed(scene, learn, layer, 'train'), file: 'features.arrow'},
        test: {stage: this.#embed(scene, learn, layer, 'test'), file: 'features.arrow'},
      };
      this.#judge(scene, classifier, names[i]!, features);
    }
  }

  #data(task: Task, inlier: string | undefined): string {
    const used = usedBy(this.#plugins, 'dataset', task.dataset);
    const sources = this.#sources.datasets.get(datasetKey(task.dataset, inlier));
    invariant(sources, `the files of dataset "${task.dataset.type}" were not located`);
    const recipe: DataRecipe = {
      dataset: task.dataset,
      version: used[0]!.version,
      ...(inlier === undefined ? {} : {inlier}),
      ...(Object.values(task.limit).some((limit) => limit !== undefined) ? {limit: task.limit} : {}),
    };
    return this.#want(task, {
      kind: 'data',
      label: label(`data ${task.dataset.type}`, inlier),
      recipe,
      inputs: {},
      sources,
      used,
    });
  }

  #learn({task, trains, normal, inlier, learnt, learner, files, data}: Scene): string {
    // Weights of a learner that does not train come from the seed alone: neither class nor augmentation matters.
    const augment = trains ? task.augment : [];
    const copies = trains ? task.distributionAugmentation : [];
    const transforms = [...augment, ...copies.flat()].flatMap((ref) => usedBy(this.#plugins, 'transform', ref));
    const used = [...learnt, ...transforms];
    const recipe: LearnRecipe = {
      learner,
      versions: versionsOf(used),
      augment,
      ...(copies.length > 0 ? {distribution_augmentation: copies} : {}),
      seed: task.seed,
      ...(trains ? {normal} : {}),
    };
    return this.#want(task, {
      kind: 'learn',
      label: label(`learn ${task.learner.type}`, trains ? task.inlier : inlier, `seed ${task.seed}`),
      recipe,
      inputs: {images: {stage: data, file: 'train.arrow'}},
      files,
      used,
    });
  }

  #embed(
    {task, trains, normal, inlier, learnt, learner, files, data}: Scene,
    learn: string,
    layer: string,
    split: 'train' | 'test',
  ): string {
    const whose = trains || split === 'train' ? task.inlier : inlier;
    const recipe: EmbedRecipe = {
      learner,
      versions: versionsOf(learnt),
      layer,
      ...(split === 'train' ? {normal} : {}),
    };
    return this.#want(task, {
      kind: 'embed',
      label: label(`embed ${split} ${task.learner.type}.${layer}`, whose, `seed ${task.seed}`),
      recipe,
      inputs: {weights: {stage: learn, file: 'weights.arrow'}, images: {stage: data, file: `${split}.arrow`}},
      files,
      used: learnt,
    });
  }

  /** Scores of one classifier, and what the metrics say of them. */
  #judge({task, normal}: Scene, classifier: PluginRef, name: string, features: StageNode['inputs']): void {
    const subject = label(name, task.learner.type, task.inlier, `seed ${task.seed}`);
    const classifying = usedBy(this.#plugins, 'classifier', classifier);
    const scoring: ScoreRecipe = {classifier, version: classifying[0]!.version, seed: task.seed};
    const score = this.#want(task, {
      kind: 'score',
      label: `score ${subject}`,
      recipe: scoring,
      inputs: features,
      used: classifying,
    });
    const measuring = task.metrics.flatMap((ref) => usedBy(this.#plugins, 'metric', ref));
    const recipe: EvaluateRecipe = {metrics: task.metrics, versions: versionsOf(measuring), normal};
    const evaluate = this.#want(task, {
      kind: 'evaluate',
      label: `evaluate ${subject}`,
      recipe,
      inputs: {scores: {stage: score, file: 'scores.arrow'}},
      used: measuring,
    });
    const {results} = this.#nodes.get(evaluate)!;
    const known = results.some((result) => result.task === task.id && result.classifier === name);
    if (!known) results.push({task: task.id, classifier: name});
  }

  /** The id of the stage that is as wanted: there already, or new. */
  #want(task: Task, {kind, label, recipe, inputs, sources = [], files = [], used}: Wanted): string {
    const code = [...new Set(used.flatMap((definition) => this.#sources.code.get(definition) ?? []))];
    const told = recipe as unknown as {readonly [key: string]: Json};
    const ofInputs = Object.fromEntries(Object.entries(inputs).map(([role, {stage, file}]) => [role, [stage, file]]));
    const paths = files.length > 0 ? {files: files.map(({path}) => path)} : {};
    const id = digestOf({kind, recipe: told, inputs: ofInputs, ...paths}).slice(0, 16);
    const node = this.#nodes.get(id) ?? {
      id,
      kind,
      label,
      recipe: told,
      inputs,
      sources: [...sources, ...files],
      ...(code.length > 0 ? {code} : {}),
      lane: kind === 'data' || kind === 'evaluate' ? 'cpu' : 'accelerator',
      tasks: new Set<string>(),
      results: [],
    };
    node.tasks.add(task.id);
    this.#nodes.set(id, node);
    return id;
  }
}

const without = (ref: PluginRef, options: readonly string[]): PluginRef =>
  Object.fromEntries(Object.entries(ref).filter(([name]) => !options.includes(name))) as unknown as PluginRef;

const label = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(' · ');

/** The layer that a classifier reads: its own `layer` option, else what its definition says, else the learner's first. */
function layerOf(plugins: Plugins, classifier: PluginRef, otherwise: string): string {
  const own = classifier['layer'];
  return typeof own === 'string' ? own : (plugins.get('classifier', classifier.type).layer ?? otherwise);
}

/** Tasks → stages. Two tasks that want equal stages share one. Does not look at the cache. */
import {canonicalJson, digestOf, type Json} from '../../core/base/canonical.ts';
import {invariant} from '../../core/base/result.ts';
import type {DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import {receptiveSigma, type Windows} from '../../core/images/windows.ts';
import {type AnyDefinition, type Plugins, pathOptions} from '../../core/plugin/registry.ts';
import type {Patches, Plan, Task} from '../config/spec.ts';
import type {StageKind} from '../events.ts';
import type {
  DataRecipe,
  EmbedRecipe,
  EnsembleRecipe,
  EvaluateRecipe,
  ExplainRecipe,
  LearnRecipe,
  LocalizeRecipe,
  MeasureRecipe,
  ScoreRecipe,
} from '../stages/recipes.ts';
import {laneOf, type ResultRef, type StageNode} from '../stages/stage.ts';
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
  /** Whether a task that localizes does so with a classifier at each place. */
  readonly perLocation: boolean;
}

/** A stage before it has an id and its tasks. */
interface Wanted {
  readonly kind: StageKind;
  readonly label: string;
  readonly recipe:
    | DataRecipe
    | LearnRecipe
    | EmbedRecipe
    | ScoreRecipe
    | LocalizeRecipe
    | EnsembleRecipe
    | EvaluateRecipe
    | ExplainRecipe
    | MeasureRecipe;
  readonly inputs: StageNode['inputs'];
  /** A dataset's files follow from the recipe; those of a learner do not. */
  readonly sources?: readonly SourceFile[];
  readonly absent?: DatasetProblem | undefined;
  readonly files?: readonly SourceFile[];
  readonly used: readonly AnyDefinition[];
}

export function buildGraph(plan: Plan, plugins: Plugins, sources: Sources): readonly StageNode[] {
  const drawing = new Drawing(plugins, sources);
  for (const task of plan.tasks) drawing.add(task);
  drawing.combine();
  return distinguish(drawing.nodes(), new Map(plan.tasks.map((task) => [task.id, task])));
}

type Growing = Omit<StageNode, 'tasks' | 'results'> & {
  readonly tasks: Set<string>;
  readonly results: ResultRef[];
};

/** One classifier's scores by tasks that differ in the seed alone. */
interface Ensemble {
  readonly name: string;
  /** `scores`: id of the `score` stage. */
  readonly members: {readonly scene: Scene; readonly scores: string}[];
}

/** Grows while tasks are added. */
class Drawing {
  readonly #plugins: Plugins;
  readonly #sources: Sources;
  readonly #nodes = new Map<string, Growing>();
  readonly #ensembles = new Map<string, Ensemble>();

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
    const patches = task.localize?.type === 'patches' ? task.localize : undefined;
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
      perLocation:
        patches?.density === 'per-location' ||
        (patches?.density === 'auto' && (dataset.aligned?.(task.inlier) ?? false)),
    };
    const learn = this.#learn(scene);
    const names = classifierNames(plugins, task.classifiers);
    const [ofFeatures, scored] = this.#metricsOf(task);
    for (const metric of ofFeatures) this.#measure(scene, learn, metric);
    const ofScores = task.localize?.type === 'gradcam' ? this.#explain(scene, learn, scored) : scored;
    if (ofScores.length === 0) return;
    for (const [i, classifier] of task.classifiers.entries()) {
      const layer = layerOf(plugins, classifier, scene.defaultLayer);
      const features = {
        train: {stage: this.#embed(scene, learn, layer, 'train', {windows: patches}), file: 'features.arrow'},
        test: {stage: this.#embed(scene, learn, layer, 'test', {windows: patches}), file: 'features.arrow'},
      };
      const scores = patches
        ? this.#localize(scene, patches, classifier, names[i]!, features)
        : this.#score(scene, classifier, names[i]!, features);
      this.#evaluate(scene, ofScores, scores, {task: task.id, classifier: names[i]!});
      if (task.ensemble) this.#enrol(scene, i, scores, names[i]!);
    }
  }

  /** The ensembles of the tasks that were added. */
  combine(): void {
    for (const {name, members} of this.#ensembles.values()) {
      if (members.length < 2) continue; // nothing to combine
      members.sort((a, b) => a.scene.task.seed - b.scene.task.seed);
      const {task} = members[0]!.scene;
      const seeds = members.map(({scene}) => scene.task.seed);
      const classifier = `${name} (ensemble of ${seeds.length} seeds)`;
      const recipe: EnsembleRecipe = {combine: task.ensemble === 'seeds' ? 'mean' : 'standardised-mean'};
      const wanted: Wanted = {
        kind: 'ensemble',
        label: label(`ensemble ${name}`, task.learner.type, task.inlier, `${seeds.length} seeds`),
        recipe,
        inputs: Object.fromEntries(
          members.map(({scores}, i) => [`seed ${seeds[i]}`, {stage: scores, file: 'scores.arrow'}]),
        ),
        used: [],
      };
      // Scores of images alone are combined, not maps.
      const ofImages = this.#metricsOf(task)[1].filter(({type}) => this.#plugins.get('metric', type).of !== 'pixels');
      if (ofImages.length === 0) continue;
      for (const {scene} of members) {
        const stage = this.#want(scene.task, wanted);
        this.#evaluate(scene, ofImages, stage, {task: task.id, classifier, ensemble: seeds});
      }
    }
  }

  #metricsOf({metrics}: Task): readonly [ofFeatures: readonly PluginRef[], ofScores: readonly PluginRef[]] {
    const ofFeatures = ({type}: PluginRef) => this.#plugins.get('metric', type).of === 'features';
    return [metrics.filter(ofFeatures), metrics.filter((ref) => !ofFeatures(ref))];
  }

  #enrol(scene: Scene, nth: number, scores: string, name: string): void {
    const {id: _, seed: __, ...shared} = scene.task;
    const key = canonicalJson({...shared, nth} as unknown as Json);
    const ensemble = this.#ensembles.get(key) ?? {name, members: []};
    ensemble.members.push({scene, scores});
    this.#ensembles.set(key, ensemble);
  }

  #data(task: Task, inlier: string | undefined): string {
    const used = usedBy(this.#plugins, 'dataset', task.dataset);
    const key = datasetKey(task.dataset, inlier);
    const sources = this.#sources.datasets.get(key) ?? [];
    const absent = this.#sources.absent.get(key);
    invariant(
      absent || this.#sources.datasets.has(key),
      `the files of dataset "${task.dataset.type}" were not located`,
    );
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
      absent,
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
    {draw, windows}: {readonly draw?: number; readonly windows?: Windows | undefined} = {},
  ): string {
    const ofNormal = split === 'train' || draw !== undefined;
    const whose = trains || ofNormal ? task.inlier : inlier;
    const transforms = draw === undefined ? [] : task.augment.flatMap((ref) => usedBy(this.#plugins, 'transform', ref));
    const used = [...learnt, ...transforms];
    const recipe: EmbedRecipe = {
      learner,
      versions: versionsOf(used),
      layer,
      ...(ofNormal ? {normal} : {}),
      ...(draw === undefined ? {} : {view: {augment: task.augment, seed: task.seed, draw}}),
      ...(windows ? {windows: {patch: windows.patch, stride: windows.stride}} : {}),
    };
    const what = draw === undefined ? `${windows ? 'windows of ' : ''}${split}` : `view ${draw + 1} of ${split}`;
    return this.#want(task, {
      kind: 'embed',
      label: label(`embed ${what} ${task.learner.type}.${layer}`, whose, `seed ${task.seed}`),
      recipe,
      inputs: {weights: {stage: learn, file: 'weights.arrow'}, images: {stage: data, file: `${split}.arrow`}},
      files,
      used,
    });
  }

  #score({task}: Scene, classifier: PluginRef, name: string, features: StageNode['inputs']): string {
    const classifying = usedBy(this.#plugins, 'classifier', classifier);
    const scoring: ScoreRecipe = {classifier, version: classifying[0]!.version, seed: task.seed};
    return this.#want(task, {
      kind: 'score',
      label: label(`score ${name}`, task.learner.type, task.inlier, `seed ${task.seed}`),
      recipe: scoring,
      inputs: features,
      used: classifying,
    });
  }

  /** Heat maps, and scores of images from them. */
  #localize(
    {task, normal, data, perLocation}: Scene,
    {patch, stride, sigma, blend}: Patches,
    classifier: PluginRef,
    name: string,
    features: StageNode['inputs'],
  ): string {
    const classifying = usedBy(this.#plugins, 'classifier', classifier);
    const recipe: LocalizeRecipe = {
      classifier,
      version: classifying[0]!.version,
      seed: task.seed,
      windows: {patch, stride},
      per_location: perLocation,
      normal,
      sigma: sigma === 'auto' ? receptiveSigma(patch) : sigma,
      blend,
    };
    return this.#want(task, {
      kind: 'localize',
      label: label(`localize ${name}`, task.learner.type, task.inlier, `seed ${task.seed}`),
      recipe,
      inputs: {...features, images: {stage: data, file: 'test.arrow'}},
      used: classifying,
    });
  }

  /** Heat maps by GradCAM, which need no classifier: they alone are judged by the metrics of pixels. Returns the other metrics. */
  #explain(scene: Scene, learn: string, metrics: readonly PluginRef[]): readonly PluginRef[] {
    const {task, normal, data, learnt} = scene;
    const recipe: ExplainRecipe = {learner: task.learner, versions: versionsOf(learnt), normal};
    const maps = this.#want(task, {
      kind: 'localize',
      label: label('localize gradcam', task.learner.type, task.inlier, `seed ${task.seed}`),
      recipe,
      inputs: {weights: {stage: learn, file: 'weights.arrow'}, images: {stage: data, file: 'test.arrow'}},
      used: learnt,
    });
    const ofPixels = metrics.filter(({type}) => this.#plugins.get('metric', type).of === 'pixels');
    if (ofPixels.length > 0) this.#evaluate(scene, ofPixels, maps, {task: task.id, classifier: 'gradcam'});
    return metrics.filter((ref) => !ofPixels.includes(ref));
  }

  /** What the metrics say of scores; those of pixels, of maps too. */
  #evaluate({task, normal, data}: Scene, metrics: readonly PluginRef[], score: string, result: ResultRef): void {
    const pixels = metrics.some(({type}) => this.#plugins.get('metric', type).of === 'pixels');
    const measuring = metrics.flatMap((ref) => usedBy(this.#plugins, 'metric', ref));
    const recipe: EvaluateRecipe = {metrics, versions: versionsOf(measuring), normal};
    const evaluate = this.#want(task, {
      kind: 'evaluate',
      label: `evaluate ${this.#nodes.get(score)!.label.replace(/^(score|localize) /, '')}`,
      recipe,
      inputs: {
        scores: {stage: score, file: 'scores.arrow'},
        ...(pixels && {
          maps: {stage: score, file: 'maps.arrow'},
          images: {stage: data, file: 'test.arrow'},
        }),
      },
      used: measuring,
    });
    this.#file(evaluate, result);
  }

  /** A metric of features, for every layer that the classifiers choose: one of a classifier's own is no representation. */
  #measure(scene: Scene, learn: string, metric: PluginRef): void {
    const {task, normal, defaultLayer} = scene;
    const choosing = task.classifiers.filter(({type}) => this.#plugins.get('classifier', type).layer === undefined);
    const layers = new Set(choosing.map((classifier) => layerOf(this.#plugins, classifier, defaultLayer)));
    const measuring = usedBy(this.#plugins, 'metric', metric);
    const definition = this.#plugins.get('metric', metric.type);
    const views = definition.of === 'features' && definition.views === true && task.augment.length > 0;
    for (const layer of layers.size > 0 ? layers : [defaultLayer]) {
      const features = (draw?: number) => ({
        stage: this.#embed(scene, learn, layer, 'test', draw === undefined ? {} : {draw}),
        file: 'features.arrow',
      });
      const recipe: MeasureRecipe = {metric, version: measuring[0]!.version, normal, seed: task.seed};
      const measure = this.#want(task, {
        kind: 'measure',
        label: label(`measure ${metric.type} of ${layer}`, task.learner.type, task.inlier, `seed ${task.seed}`),
        recipe,
        inputs: {features: features(), ...(views ? {first: features(0), second: features(1)} : {})},
        used: measuring,
      });
      this.#file(measure, {task: task.id, classifier: `(${layer})`});
    }
  }

  /** Tells whose numbers a stage makes. */
  #file(stage: string, result: ResultRef): void {
    const {results} = this.#nodes.get(stage)!;
    const known = results.some(({task, classifier}) => task === result.task && classifier === result.classifier);
    if (!known) results.push(result);
  }

  /** The id of the stage that is as wanted: there already, or new. */
  #want(task: Task, {kind, label, recipe, inputs, sources = [], files = [], absent, used}: Wanted): string {
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
      ...(absent ? {absent} : {}),
      ...(code.length > 0 ? {code} : {}),
      lane: laneOf(kind),
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

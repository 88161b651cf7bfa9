/**
 * What a kind of stage says of itself, once: all that plans, runs, keys, reads and restores stages takes it from here
 * (`index.ts` lists them).
 */
import type {Json} from '../../core/base/canonical.ts';
import type {Dataset, DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import type {Static, TObject} from '../../core/plugin/type.ts';
import type {Task} from '../config/spec.ts';
import type {ResultRef, RunStage, StageContext, StageNode} from './stage.ts';

/** `P`: what its `plan` returns to other kinds, such as the id of its stage. */
export interface StageDefinition<R extends TObject = TObject, P = unknown> {
  readonly kind: string;
  /**
   * The kind of its stages in keys, plans and events; absent: `kind`. For a kind that was once a part of another: the recipe then
   * distinguishes the two, and earlier results stay valid.
   */
  readonly recordedAs?: string;
  /** What determines its result besides its input files. */
  readonly recipe: R;
  /** `accelerator` for what computes tensors. */
  readonly lane: StageNode['lane'];
  /** Adds the stages that a task asks for. Absent: others ask for them. */
  plan?(task: TaskContext, graph: StageGraphBuilder): P;
  /** Adds stages that several tasks ask for together; called when all tasks have been planned. */
  combine?(tasks: readonly TaskContext[], graph: StageGraphBuilder): void;
  /** In a worker: leaves files, and returns a small result for the manifest; null when there is none. */
  run(context: StageContext<Static<R>>): Promise<Json>;
  /**
   * Instead of `run` for `predict` and `export`, on other images: restores what a run has fitted, and leaves what the training
   * images score when they are held out (`training-scores.ts`). Absent: `run`.
   */
  restore?(context: StageContext<Static<R>>): Promise<Json>;
}

/** Infers the recipe's type from its schema. */
export const defineStage = <const R extends TObject, P = void>(definition: StageDefinition<R, P>) => definition;

/** What the stages of one task have in common. */
export interface TaskContext {
  readonly task: Task;
  readonly dataset: Dataset;
  readonly datasetFiles: readonly SourceFile[];
  /** Why the dataset's files are missing. */
  readonly absent: DatasetProblem | undefined;
  /** Name of the normal class. */
  readonly normal: string;
  /** Only where the images differ between inliers. */
  readonly inlier: string | undefined;
  /** Without the options that name files: those are `learnerFiles`. */
  readonly learner: PluginRef;
  readonly learnerFiles: readonly SourceFile[];
  /** The learner and the plug-ins inside it. */
  readonly learnerUses: readonly AnyDefinition[];
  /** false: the learner's weights depend only on the seed. */
  readonly trains: boolean;
  /** The layer of metrics of features that no classifier chooses. */
  readonly defaultLayer: string;
  readonly classifiers: readonly TaskClassifier[];
  /** Its metrics of these, in the order of the spec. */
  metricsOf(...subjects: readonly MetricSubject[]): readonly PluginRef[];
}

export interface TaskClassifier {
  readonly classifier: PluginRef;
  /** Its column in tables, unique in the task. */
  readonly name: string;
  /** The learner's layer that it reads. */
  readonly layer: string;
}

export type MetricSubject = 'features' | 'scores' | 'pixels';

/** The graph while tasks are added to it. */
export interface StageGraphBuilder {
  readonly plugins: Plugins;
  /** What another kind plans for the task; planned once. */
  plan<R extends TObject, P>(stage: StageDefinition<R, P>, task: TaskContext): P;
  /** The id of such a stage: one that another task has already added, or a new one. */
  addStage<R extends TObject>(stage: StageDefinition<R>, task: TaskContext, wanted: WantedStage<Static<R>>): string;
  labelOf(id: string): string;
}

/** A stage before it has an id and its tasks. */
export interface WantedStage<R> {
  readonly label: string;
  readonly recipe: R;
  readonly inputs: StageNode['inputs'];
  /** Plug-ins that it runs: the code of a user's own plug-ins is part of the key. */
  readonly uses: readonly AnyDefinition[];
  /** A dataset's files, which follow from the recipe. */
  readonly sources?: readonly SourceFile[];
  readonly absent?: DatasetProblem | undefined;
  /** Files that do not follow from the recipe: those that a learner's options name. */
  readonly files?: readonly SourceFile[];
  /** Whose numbers it makes. */
  readonly result?: ResultRef;
}

/** A node of a graph, or of the record of a run. */
type Recorded = Pick<StageNode, 'kind' | 'recipe'>;

/** The kind of its stages in keys, plans and events. */
export const recordedKind = ({kind, recordedAs = kind}: Pick<StageDefinition, 'kind' | 'recordedAs'>): string =>
  recordedAs;

/** Whether a node is of this kind: it is recorded so, and has what the recipe needs. */
export function isStage(stage: Pick<StageDefinition, 'kind' | 'recordedAs' | 'recipe'>, node: Recorded): boolean {
  const {required = []} = stage.recipe;
  return node.kind === recordedKind(stage) && required.every((key) => key in node.recipe);
}

/** The recipe of a node; undefined if the node is of another kind. */
export const recipeOf = <R extends TObject>(
  stage: StageDefinition<R>,
  node: Recorded | undefined,
): Static<R> | undefined => (node && isStage(stage, node) ? (node.recipe as Static<R>) : undefined);

/** Runs or restores the stage that the context describes. */
export const runnerOf =
  (stages: readonly StageDefinition[], mode: 'run' | 'restore' = 'run'): RunStage =>
  async (context) => {
    const stage = stages.find((one) => isStage(one, context));
    if (!stage) throw new Error(`no kind of stage is recorded as "${context.kind}" with such a recipe`);
    return mode === 'restore' && stage.restore ? stage.restore(context) : stage.run(context);
  };

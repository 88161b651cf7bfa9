/**
 * The definition of a kind of stage. All code that plans, runs, keys, reads and restores stages uses it (`index.ts` lists the
 * kinds).
 */
import type {Json} from '../../core/base/canonical.ts';
import type {Dataset, DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {AnyDefinition, Definitions, Plugins} from '../../core/plugin/registry.ts';
import type {Static, TObject} from '../../core/plugin/type.ts';
import type {Task} from '../config/spec.ts';
import type {Part, ResultRef, RunStage, StageContext, StageNode} from './stage.ts';

/** `P`: what `plan` returns to other kinds, such as the id of its stage. */
export interface StageDefinition<R extends TObject = TObject, P = unknown> {
  readonly kind: string;
  /**
   * The kind of its stages in keys, plans and events; absent: `kind`. It is for a kind that was once a part of another, so that earlier
   * results stay valid; the recipe then distinguishes the two.
   */
  readonly recordedAs?: string;
  /** What determines its result besides its input files. */
  readonly recipe: R;
  /** `accelerator` if it computes tensors. */
  readonly lane: StageNode['lane'];
  /** It computes a network's outputs or gradients, in the precision that the task asks for. Absent: in float32. */
  readonly inPrecision?: true;
  /** Adds the stages that a task asks for. Absent: only other kinds ask for stages of this kind. */
  plan?(task: TaskContext, graph: StageGraphBuilder): P;
  /** Adds stages that several tasks ask for together; called when all tasks have been planned. */
  combine?(tasks: readonly TaskContext[], graph: StageGraphBuilder): void;
  /** Runs in a worker: writes files, and returns a small result for the manifest, or null. */
  run(context: StageContext<Static<R>>): Promise<Json>;
  /**
   * Runs instead of `run` for `predict` and `export`, on other images: restores what a run has fitted, and writes the held-out scores
   * of the training images (`training-scores.ts`). Absent: `run`.
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
  /** The task's inlier if the dataset has other images for each inlier, otherwise undefined. */
  readonly inlier: string | undefined;
  /** The learner without the options that name files; the files are `learnerFiles`. */
  readonly learner: PluginRef;
  readonly learnerFiles: readonly SourceFile[];
  /** The learner and the plug-ins inside it. */
  readonly learnerUses: readonly AnyDefinition[];
  /** false: the learner's weights depend only on the seed. */
  readonly trains: boolean;
  /** The layer that metrics of features use if no classifier chooses one. */
  readonly defaultLayer: string;
  readonly classifiers: readonly TaskClassifier[];
  /** The classifiers that remove likely anomalies from the training images, and their layer; absent: nothing is removed. */
  readonly refining?: Omit<TaskClassifier, 'name'>;
  /** The parts of the images that are scored. */
  readonly parts: readonly Part[];
  /** The task's metrics of these subjects, in the order of the spec. */
  metricsOf(...subjects: readonly MetricSubject[]): readonly PluginRef[];
}

export interface TaskClassifier {
  readonly classifier: PluginRef;
  /** Name of its column in tables, unique in the task. */
  readonly name: string;
  /** The learner's layer that it reads. */
  readonly layer: string;
}

export type MetricSubject = NonNullable<Definitions['metric']['of']>;

/** The graph while tasks are added to it. */
export interface StageGraphBuilder {
  readonly plugins: Plugins;
  /** What another kind's `plan` returns for the task. It is called only once for each task. */
  plan<R extends TObject, P>(stage: StageDefinition<R, P>, task: TaskContext): P;
  /** Returns the id of the wanted stage: an equal one that is already there, or a new one. */
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
  /** Files of a dataset. The recipe determines which they are. */
  readonly sources?: readonly SourceFile[];
  readonly absent?: DatasetProblem | undefined;
  /** Files that a learner's options name. The recipe does not determine which they are. */
  readonly files?: readonly SourceFile[];
  /** The task and classifier whose numbers it computes. */
  readonly result?: ResultRef;
}

/** A node of a graph, or of the record of a run. */
type Recorded = Pick<StageNode, 'kind' | 'recipe'>;

/** The kind of its stages in keys, plans and events. */
export const recordedKind = ({kind, recordedAs = kind}: Pick<StageDefinition, 'kind' | 'recordedAs'>): string =>
  recordedAs;

/** Whether a node is of this kind: its recorded kind is the same, and its recipe has all required keys. */
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

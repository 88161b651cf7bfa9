/** The contract of a stage: as a node of the planned DAG, and as a worker runs it. */
import type {Digest, Json} from '../../core/base/canonical.ts';
import type {DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {CodeFile} from '../../core/plugin/code.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {LowerPrecision} from '../config/spec.ts';
import type {StageKind, StageProgress} from './progress.ts';

/** One input: a file that another stage leaves. The digest of its content goes into the fingerprint, not the key of that stage. */
export interface InputRef {
  readonly stage: string;
  readonly file: string;
}

/** A stage as planned. Tasks that need equal stages share one node. */
export interface StageNode {
  /** Unique in a plan: a digest of what is known before the stage runs. */
  readonly id: string;
  readonly kind: StageKind;
  /** A name for people, such as `learn rotation · bag · seed 0`. */
  readonly label: string;
  /**
   * What determines the result besides inputs and sources, as plain JSON: plug-ins with versions, options, seed. Its kind has the
   * schema.
   */
  readonly recipe: {readonly [key: string]: Json};
  readonly inputs: {readonly [role: string]: InputRef};
  /**
   * A stage of the same training that ended earlier, from whose checkpoint this one may go on. It changes only how long the stage
   * takes, so it is not part of the key.
   */
  readonly resumes?: string;
  /** Files of the dataset (in a `data` stage), or files that the learner's options name. */
  readonly sources: readonly SourceFile[];
  /** Why the files are not available; the stage then fails with this message. */
  readonly absent?: DatasetProblem;
  /** Code of the user's own plug-ins that the stage runs; absent if all are built in. The key has its content, as with sources. */
  readonly code?: readonly CodeFile[];
  /** The lane that it waits for: `accelerator` if it computes tensors. */
  readonly lane: 'cpu' | 'accelerator';
  /** Of a network's numbers in it; absent: float32. */
  readonly precision?: LowerPrecision;
  /** Ids of the tasks that need it. */
  readonly tasks: readonly string[];
  /** Only in `evaluate` and `measure` stages: the tasks and classifiers whose metrics they compute. */
  readonly results?: readonly ResultRef[];
}

/** A stage in the record of a run: without what depends on the machine. */
export type RecordedStage = Omit<StageNode, 'sources' | 'absent' | 'code'>;

export const recorded = ({sources: _, absent: __, code: ___, ...stage}: StageNode): RecordedStage => stage;

/** The images that numbers are of. */
export type Part = 'test' | 'validation';

/** A task and a classifier whose metrics an `evaluate` or `measure` stage computes. */
export interface ResultRef {
  readonly task: string;
  /** Name of the column in tables, unique in a task. For a metric of features, the layer in brackets: `(pool)`. */
  readonly classifier: string;
  /** Seeds of an ensemble, which has one number for all of them; `task` is then the task of the first seed. */
  readonly ensemble?: readonly number[];
  /** Absent: of the test images. */
  readonly part?: 'validation';
}

/** The `part` of a `ResultRef`: absent for the test images, so that plans without validation are as they always were. */
export const ofPart = (part: Part): Pick<ResultRef, 'part'> => (part === 'test' ? {} : {part});

/** A metric's value in JSON; null: undefined. */
export type MeasuredValue = number | null | 'Infinity' | '-Infinity';

/** One kind of anomaly: the number of its images, and the metrics of these and all normal images. */
export type KindSummary = {
  readonly images: number;
  readonly metrics: {readonly [metric: string]: MeasuredValue};
};

/** Summary of an `evaluate` or `measure` stage: values by names of metrics, and the numbers of images. */
export interface EvaluateSummary {
  readonly metrics: {readonly [metric: string]: MeasuredValue};
  /** Metric → why its value is not a finite number, or what the value leaves out; absent: there is nothing to report. */
  readonly reasons?: {readonly [metric: string]: string};
  readonly normal: number;
  readonly anomalous: number;
  /** By names of anomalous classes; absent: there are fewer than two kinds, or an older version computed it. */
  readonly kinds?: {readonly [kind: string]: KindSummary};
  /** Names of the metrics that are not rates; absent: all are rates. */
  readonly numbers?: readonly string[];
  /** Metric → how it uses the test labels, besides judging the scores; absent: no metric does so. */
  readonly testLabels?: {readonly [metric: string]: string};
}

/** What a worker gets to run a stage with a recipe of type `R`. Paths are absolute. */
export interface StageContext<R = unknown> {
  readonly kind: StageKind;
  readonly recipe: R;
  /** Role → path of the verified file. */
  readonly inputs: {readonly [role: string]: string};
  readonly sources: readonly SourceFile[];
  /** In which the engine computes; absent: float32. */
  readonly precision?: LowerPrecision;
  /** An empty folder. Every file that the stage leaves in it becomes part of the artifact. */
  readonly out: string;
  /** Folder that the stage left whose training this one may go on with (`resumes`); absent: there is none. */
  readonly earlier?: string;
  /** Folder of this fingerprint that survives a crash, for checkpoints. It is removed after the commit. */
  readonly scratch: string;
  /** Seconds between checkpoints; 0: at the end of every epoch. */
  readonly checkpointEvery: number;
  readonly plugins: Plugins;
  readonly signal: AbortSignal;
  report(progress: StageProgress): void;
  warn(message: string): void;
  /** Reports something to the user that is not a problem. */
  note(message: string): void;
}

/** What a worker's module exports. */
export type RunStage = (context: StageContext<StageNode['recipe']>) => Promise<Json>;

/** Describes what a stage left. It is kept as `manifest.json` beside the stage's files. */
export interface Manifest {
  readonly format: 1;
  readonly kind: StageKind;
  readonly label: string;
  readonly fingerprint: Digest;
  /** The key whose digest is the fingerprint. */
  readonly key: Json;
  readonly files: {readonly [name: string]: {readonly bytes: number; readonly sha256: Digest}};
  readonly summary: Json;
  /** Engine, versions, host, times, peak memory: recorded, but never part of the key. */
  readonly provenance: Json;
  /** SHA-256 of the canonical JSON of all of the above, so that damage to the manifest itself is noticed. */
  readonly self: Digest;
}

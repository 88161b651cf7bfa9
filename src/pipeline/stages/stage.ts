/** The contract of a stage: a node of the DAG as it is planned, and as a worker runs it. */
import type {Digest, Json} from '../../core/base/canonical.ts';
import type {DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {CodeFile} from '../../core/plugin/code.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {StageKind, StageProgress} from '../events.ts';

/** One input: a file that another stage leaves. Its content digest, not its maker's key, goes into the fingerprint. */
export interface InputRef {
  readonly stage: string;
  readonly file: string;
}

/** A stage as planned. Two tasks that want equal nodes share one. */
export interface StageNode {
  /** Unique in a plan: digest of what is known before it runs. */
  readonly id: string;
  readonly kind: StageKind;
  /** For people: `learn rotation · bag · seed 0`. */
  readonly label: string;
  /**
   * What determines the result besides inputs and sources, as plain JSON: plug-ins with versions, options, seed (the schema is its
   * kind's).
   */
  readonly recipe: {readonly [key: string]: Json};
  readonly inputs: {readonly [role: string]: InputRef};
  /** Dataset files (a `data` stage), or those that options of its learner name. */
  readonly sources: readonly SourceFile[];
  /** Why those files are not available: the stage fails with it. */
  readonly absent?: DatasetProblem;
  /** Code of a user's own plug-ins that the stage runs; absent when all are built in. In the key by content, like sources. */
  readonly code?: readonly CodeFile[];
  /** Which lane it waits for: `accelerator` for what computes tensors. */
  readonly lane: 'cpu' | 'accelerator';
  /** Ids of the tasks that need it. */
  readonly tasks: readonly string[];
  /** Of an `evaluate` or `measure` stage: the task and classifier of its metrics. */
  readonly results?: readonly ResultRef[];
}

/** The task and classifier whose metrics an `evaluate` or `measure` stage computes. */
export interface ResultRef {
  readonly task: string;
  /** The column's name in tables, unique in a task; of a metric of features the layer in brackets, `(pool)`. */
  readonly classifier: string;
  /** Of an ensemble: its seeds. It is one number of all of them, and `task` is that of the first. */
  readonly ensemble?: readonly number[];
}

/** A metric's value as JSON can hold it; null: undefined. */
export type MeasuredValue = number | null | 'Infinity' | '-Infinity';

/** Summary of an `evaluate` or `measure` stage: value by metric name, and the test images counted. */
export interface EvaluateSummary {
  readonly metrics: {readonly [metric: string]: MeasuredValue};
  /** Metric → why its value is not a finite number, or what it leaves out; absent: there is nothing to say. */
  readonly reasons?: {readonly [metric: string]: string};
  readonly normal: number;
  readonly anomalous: number;
  /** Names of the metrics that are not rates; absent: all are. */
  readonly numbers?: readonly string[];
  /** Metric → how it uses the test labels beyond evaluation; absent: not at all. */
  readonly testLabels?: {readonly [metric: string]: string};
}

/** What a worker gets to run a stage with a recipe of type `R`. Paths are absolute. */
export interface StageContext<R = unknown> {
  readonly kind: StageKind;
  readonly recipe: R;
  /** Role → verified file. */
  readonly inputs: {readonly [role: string]: string};
  readonly sources: readonly SourceFile[];
  /** Empty folder: every file left here becomes part of the artifact. */
  readonly out: string;
  /** Folder of this fingerprint that outlives a crash: checkpoints. Removed after the commit. */
  readonly scratch: string;
  /** Seconds between checkpoints; 0: at every chance. */
  readonly checkpointEvery: number;
  readonly plugins: Plugins;
  readonly signal: AbortSignal;
  report(progress: StageProgress): void;
  warn(message: string): void;
  /** Says something that is no reason to worry. */
  note(message: string): void;
}

/** What a worker's module exports. */
export type RunStage = (context: StageContext<StageNode['recipe']>) => Promise<Json>;

/** What a stage left: kept as `manifest.json` beside its files. */
export interface Manifest {
  readonly format: 1;
  readonly kind: StageKind;
  readonly label: string;
  readonly fingerprint: Digest;
  /** The fingerprint in clear. */
  readonly key: Json;
  readonly files: {readonly [name: string]: {readonly bytes: number; readonly sha256: Digest}};
  readonly summary: Json;
  /** Recorded, never part of the key: engine, versions, host, times, peak memory. */
  readonly provenance: Json;
  /** SHA-256 of the canonical JSON of all of the above: a flipped bit in the manifest itself is noticed. */
  readonly self: Digest;
}

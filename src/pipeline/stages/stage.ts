/** The contract of a stage: a node of the DAG as it is planned, and as a worker runs it. */
import type {Digest, Json} from '../../core/base/canonical.ts';
import type {DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
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
  /** What determines the result besides inputs and sources, in clear: plug-ins with versions, options, seed (the schema is its kind's). */
  readonly recipe: {readonly [key: string]: Json};
  readonly inputs: {readonly [role: string]: InputRef};
  /** Dataset files (a `data` stage), or those that options of its learner name. */
  readonly sources: readonly SourceFile[];
  /** Why those files can't be had: the stage fails with it. */
  readonly absent?: DatasetProblem;
  /** Code of a user's own plug-ins that the stage runs; absent when all are built in. In the key by content, like sources. */
  readonly code?: readonly SourceFile[];
  /** Which lane it waits for: `accelerator` for what computes tensors. */
  readonly lane: 'cpu' | 'accelerator';
  /** Ids of the tasks that need it. */
  readonly tasks: readonly string[];
  /** An `evaluate` or `measure` stage: whose metrics its summary holds. */
  readonly results?: readonly ResultRef[];
}

/** Whose numbers an `evaluate` or `measure` stage makes. */
export interface ResultRef {
  readonly task: string;
  /** The column's name in tables, unique in a task; of a metric of features the layer in brackets, `(pool)`. */
  readonly classifier: string;
  /** Of an ensemble: its seeds. It is one number of all of them, and `task` is that of the first. */
  readonly ensemble?: readonly number[];
}

/** Summary of an `evaluate` or `measure` stage: value by metric name (null = undefined), and the test images counted. */
export interface EvaluateSummary {
  readonly metrics: {readonly [metric: string]: number | null};
  readonly normal: number;
  readonly anomalous: number;
  /** Names of the metrics that are no rates; absent: all are. */
  readonly numbers?: readonly string[];
  /** Metric → what it takes from the test labels beyond being judged by them; absent: nothing. */
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
  /** SHA-256 of the canonical JSON of all of the above: a flipped bit in the manifest itself is seen. */
  readonly self: Digest;
}

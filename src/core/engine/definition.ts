/** What an engine is to the rest of the house. Its folder has a `definition.ts` with one of these, and `engines.ts` lists it. */
import type * as TF from '@tensorflow/tfjs';
import type {EngineInfo, Precision, ResolvedEngine} from './contract.ts';
import type {ProvisionOptions} from './install/build.ts';
import type {Missing} from './install/tools.ts';

/** A definition loads nothing when it is imported: its functions import what they need. */
export interface EngineDefinition {
  /** tfjs's name of the backend that computes what no graph does; the engine's own name where it is absent. */
  readonly backend?: string;
  /** An engine that is loaded first: this one computes on it what it can't compute itself. */
  readonly beside?: string;
  /** `--threads` counts; otherwise it has one thread. */
  readonly threaded?: true;
  /** Its sums, and so the last digits of its results, follow the number of threads. */
  readonly splitsSums?: true;
  /** Values can't be read at once, but only with `Tensor.data()`: what must be is computed on `beside`. */
  readonly readsLater?: true;
  /** A 1 × 1 convolution is faster as a product of matrices. */
  readonly convolvesByProducts?: true;
  /** A graph pays where nothing is learnt, too: when images are embedded, at least so many at once. */
  readonly embedsByGraph?: number;
  /**
   * `auto` takes it where TensorFlow can't be had and no engine before it in the table can; what the user is told of that, without
   * the reason. Absent: it computes only for those who name it.
   */
  readonly standsIn?: string;

  /** What it can compute in besides float32; absent: nothing. */
  precisions?(engine: Pick<ResolvedEngine, 'gpu'>): readonly Precision[];

  /** What starts it besides its name and its threads. Throws, with what to do, where it can't be had. */
  find(options: ResolveOptions & {readonly threads: number}): Promise<Omit<ResolvedEngine, 'name' | 'threads'>>;
  /** For `pipeline doctor`. */
  describe(env: NodeJS.ProcessEnv, threads: number): Promise<Omit<EngineDescription, 'name' | 'threads'>>;
  /** Registers its backend and kernels with tfjs. Once a process. */
  load(tf: typeof TF, engine: ResolvedEngine): Promise<EngineInfo>;
  /** How it makes graphs of functions; absent: it computes operation by operation. */
  tracer?(engine: ResolvedEngine): Promise<Trace>;
  /** What changes its precision, to one of `precisions` or float32. Absent: nothing. */
  precisionSetter?(): Promise<(precision: Precision) => void>;
}

export interface ResolveOptions extends ProvisionOptions {
  /** Whether TensorFlow may be downloaded and built now, which takes a minute or two, once. */
  readonly provision: boolean;
  /** Threads for one tensor operation. */
  readonly threads?: number;
}

export interface EngineDescription {
  readonly name: string;
  readonly available: boolean;
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  /** Where its library lies, when it is there. */
  readonly library?: string;
  /** Empty when the engine is there or `pipeline setup` can get it. */
  readonly missing: readonly Missing[];
  /** One sentence for people: what there is, or what would get it. */
  readonly note: string;
  /** What to do so that it trains faster; absent: nothing is known. */
  readonly better?: string;
}

/** What is recorded: see `compile`. */
export type Body = (inputs: readonly TF.Tensor[]) => readonly TF.Tensor[];

/** A function of tensors that also reads and moves variables. */
export interface Graph {
  /** The results are the caller's to dispose. */
  run(inputs: readonly TF.Tensor[]): TF.Tensor[];
  dispose(): void;
}

/**
 * Calls `body` once on `inputs`, without effect on `variables`, to see what it does; see `compile`. Undefined where the engine can't
 * make a graph of it.
 */
export type Trace = (variables: readonly TF.Variable[], body: Body, inputs: readonly TF.Tensor[]) => Graph | undefined;

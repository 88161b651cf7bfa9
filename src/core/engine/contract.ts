/** What is known of an engine while it is chosen, started and recorded. Plain data: workers and records get it. */

export interface EngineInfo {
  /** As in `engines.ts`. */
  readonly name: string;
  /** Such as "2.21.0". */
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  /** Why `auto` did not choose the better engine, and what would change that; absent if it did. */
  readonly remark?: string;
}

/** What to start: decided once in the main process (`resolveEngine`), handed to workers. */
export interface ResolvedEngine {
  /** As in `engines.ts`. */
  readonly name: string;
  /** Folder with the compiled binding and TensorFlow's library; absent for the other engines. */
  readonly library?: string;
  readonly remark?: string;
  /** It computes on a GPU. */
  readonly gpu?: true;
  /** Names of several GPUs, as `CUDA_VISIBLE_DEVICES` has them: each process computes on one. Absent: there is one, or none. */
  readonly gpus?: readonly string[];
  /** Threads for one tensor operation. They split its sums, so results depend on their number: it never depends on the machine. */
  readonly threads: number;
  /** TensorFlow's kernels unchecked, right or wrong on this processor: for the check itself. */
  readonly unchecked?: boolean;
}

/**
 * The numbers in which convolutions and products of matrices are computed; all else, and what is kept, is float32. `tf32`: inputs have 10
 * bits behind the point, sums are float32 (NVIDIA GPUs). `bf16`: inputs and results have 7.
 */
export type Precision = 'float32' | 'tf32' | 'bf16';

/** Of one tensor operation on an engine that has threads, wherever it runs; `--threads` asks for another number. */
export const defaultThreads = 2;

/** Name, choice and description of an engine. Loads nothing. */
export type EngineName = 'tensorflow' | 'onnx' | 'wasm' | 'webgpu';
export type EngineChoice = 'auto' | EngineName;

export interface EngineInfo {
  readonly name: EngineName;
  /** Such as "2.21.0". */
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  /** Why `auto` did not choose the better engine, and what would change that; absent if it did. */
  readonly remark?: string;
}

/** What to start: decided once in the main process (`resolveEngine`), handed to workers as plain data. */
export interface ResolvedEngine {
  readonly name: EngineName;
  /** Folder with the compiled binding and TensorFlow's library; absent for wasm. */
  readonly library?: string;
  readonly remark?: string;
  /** It computes on a GPU. */
  readonly gpu?: true;
  /** Threads for one tensor operation. They split its sums, so results depend on their number: it never depends on the machine. */
  readonly threads: number;
  /** TensorFlow's kernels unchecked, right or wrong on this processor: for the check itself. */
  readonly unchecked?: boolean;
}

/** Of one tensor operation on `tensorflow`, wherever it runs; `--threads` asks for another number. */
export const defaultThreads = 2;

/** The parts of tfjs's node backend, and of its binding to TensorFlow's library, that are used here. */
import type * as TF from '@tensorflow/tfjs';

export interface OpAttribute {
  readonly name: string;
  /** A `TF_ATTR_…` of the binding. */
  readonly type: number;
  readonly value: unknown;
}

/** A tensor in the library. */
export interface Handle {
  readonly id: number;
  readonly shape: number[];
  /** A `TF_FLOAT` … of the binding. */
  readonly dtype: number;
}

export interface Binding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_SHAPE: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  tensorDataSync(id: number): ArrayBufferView;
  deleteTensor(id: number): void;
  executeOp(name: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number): Handle[];
  /** Returns the session's number. */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  /** Names are `node:output`, comma-separated. */
  runSavedModel(session: number, inputs: readonly number[], inputNames: string, outputNames: string): Handle[];
}

export interface NodeBackend {
  binding: Binding;
  /** Also moves values that are still JavaScript's into the library. */
  getInputTensorIds(tensors: readonly TF.Tensor[]): number[];
  createOutputTensor(handle: Handle): TF.Tensor;
  /** How many tensors of tfjs have this value. */
  refCount(dataId: TF.DataId): number;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TF.Tensor[],
    count: number,
  ): TF.Tensor[];
  executeSingleOutput(op: string, attributes: readonly OpAttribute[], inputs: readonly TF.Tensor[]): TF.Tensor;
}

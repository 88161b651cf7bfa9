/** Kernels of our own on the WebGPU backend: WGSL compute shaders run by its public `runWebGPUProgram`. */
import type * as TF from '@tensorflow/tfjs';

/** What we use of tfjs's `WebGPUBackend`. */
export interface WebgpuBackend extends TF.KernelBackend {
  makeTensorInfo(shape: readonly number[], dtype: 'float32', values?: Float32Array): TF.TensorInfo;
  runWebGPUProgram(
    program: object,
    inputs: readonly TF.TensorInfo[],
    dtype: 'float32',
    uniforms: readonly {readonly type: 'int32'; readonly data: readonly number[]}[],
    output: TF.TensorInfo,
  ): TF.TensorInfo;
}

/** Numbers that a buffer is read or written by at once. */
export type Components = 1 | 4;

export interface Shader {
  /** Names the shader and all that its code depends on: equal keys share one compiled pipeline. */
  readonly key: string;
  /** The buffers that the code reads, by the names that it uses: `array<f32>` or `array<vec4<f32>>`. */
  readonly inputs: Readonly<Record<string, Components>>;
  /** Of the buffer `result`. */
  readonly output: Components;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Whole numbers that change without a new compilation, read as `uniforms.<name>` (i32). */
  readonly uniforms: readonly string[];
  /**
   * WGSL with a function `main()`. The backend provides `workgroupId`, `numWorkgroups` (vec3<u32>) and `localIndex` (u32);
   * input names must differ from what it and WGSL define.
   */
  code(): string;
}

/** Workgroups of a launch. */
export type Groups = readonly [x: number, y: number, z: number];

/** A limit of every device that Dawn offers, and of the standard. */
const mostGroups = 65535;

/** `count` workgroups in x and y, of which the last row may hold more than are wanted; `groupIndex` numbers them. */
export function spreadGroups(count: number, z = 1): Groups {
  const rows = Math.ceil(count / mostGroups);
  return [Math.ceil(count / rows), rows, z];
}

/** WGSL: the number of this workgroup among those of its z. */
export const groupIndex = '(workgroupId.y * numWorkgroups.x + workgroupId.x)';

/** Runs the shader into a new tensor. Inputs are seen as flat buffers: their shapes are the code's business. */
export function runShader(
  backend: WebgpuBackend,
  shader: Shader,
  inputs: readonly TF.TensorInfo[],
  shape: readonly number[],
  groups: Groups,
  uniforms: readonly number[],
): TF.TensorInfo {
  const output = backend.makeTensorInfo(shape, 'float32');
  const flatOutput = flat(output);
  const program = {
    shaderKey: shader.key,
    variableNames: Object.keys(shader.inputs),
    variableComponents: Object.values(shader.inputs),
    outputComponent: shader.output,
    outputShape: flatOutput.shape,
    workgroupSize: [shader.threads, 1, 1],
    dispatch: groups,
    // Three dimensions, so that `main` takes no index; the backend's own functions of coordinates are not used.
    dispatchLayout: {x: [0], y: [0], z: [0]},
    uniforms: shader.uniforms.map((name) => `${name} : i32, `).join(''),
    getUserCode: () => shader.code(),
  };
  const values = uniforms.map((value) => ({type: 'int32' as const, data: [value]}));
  backend.runWebGPUProgram(program, inputs.map(flat), 'float32', values, flatOutput);
  return output;
}

const flat = ({dataId, shape, dtype}: TF.TensorInfo): TF.TensorInfo => ({dataId, dtype, shape: [sizeOf(shape)]});

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** Four numbers at once where a row of so many numbers is whole fours. */
export const componentsOf = (length: number): Components => (length % 4 === 0 ? 4 : 1);

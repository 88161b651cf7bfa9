/**
 * The WebGPU engine: tfjs's WebGPU backend over Dawn, which npm's `webgpu` brings to Node. It computes on any GPU with a
 * Vulkan, Metal or Direct3D 12 driver. Values come back asynchronously only: `Tensor.data()`, never `dataSync()`.
 */
import {createRequire} from 'node:module';
import type * as TF from '@tensorflow/tfjs';
import type {EngineInfo} from '../contract.ts';
import {RELU_GRAD, TRAIN_BATCH_NORM, TRAIN_BATCH_NORM_GRAD} from '../gradients.ts';
import {type BatchNormInputs, trainBatchNorm, trainBatchNormGradient} from './batch-norm.ts';
import {type ConvolutionInfo, convolve, filterGradient, inputGradient} from './convolution.ts';
import {type ScopedDevice, throwWhereRead} from './errors.ts';
import {componentsOf, sizeOf, type WebgpuBackend} from './program.ts';
import {elementwise} from './sums.ts';

const backendName = 'webgpu';

/** What we use of the standard's interfaces. */
interface Gpu {
  requestAdapter(options: {readonly powerPreference: 'high-performance'}): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: {readonly vendor: string; readonly device: string; readonly description: string};
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(wanted: {
    readonly requiredFeatures: readonly string[];
    readonly requiredLimits: Readonly<Record<string, number>>;
  }): Promise<ScopedDevice>;
}

/** Of the device, as large as the adapter has them: the standard's defaults would forbid tensors above 128 MiB. */
const limits = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
];

export interface FoundAdapter {
  readonly adapter: Adapter;
  /** Such as "NVIDIA H100 80GB HBM3". */
  readonly name: string;
}

/** The GPU that computes. Throws, in one sentence for people, when there is none or Dawn is not installed. */
export async function findAdapter(): Promise<FoundAdapter> {
  const gpu = await loadDawn();
  const adapter = await gpu.requestAdapter({powerPreference: 'high-performance'});
  if (!adapter)
    throw new Error(
      'no GPU was found: on Linux WebGPU needs a Vulkan driver and its loader (libvulkan1; NVIDIA’s also libx11-6 and libxext6)',
    );
  const {vendor, device, description} = adapter.info;
  return {adapter, name: device || description || vendor};
}

let dawn: Promise<Gpu> | undefined;

/** Dawn as `navigator.gpu`, where tfjs looks for it, with the standard's constants and classes as globals. Once a process. */
function loadDawn(): Promise<Gpu> {
  dawn ??= (async () => {
    const {create, globals} = await importDawn();
    for (const [name, value] of Object.entries(globals))
      if (name.startsWith('GPU')) Reflect.set(globalThis, name, value);
    const gpu = create([]);
    // Node 20 has no navigator; later ones have one without a gpu.
    if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', {value: {}, configurable: true});
    Object.defineProperty(Reflect.get(globalThis, 'navigator'), 'gpu', {value: gpu, configurable: true});
    return gpu;
  })();
  return dawn;
}

async function importDawn(): Promise<{create(toggles: readonly string[]): Gpu; globals: Record<string, unknown>}> {
  try {
    return await import('webgpu' as string); // a string: its types need not be there
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND')
      throw new Error(`the package webgpu cannot be loaded: ${(error as Error).message}`);
    throw new Error('the package webgpu is not installed; run "npm install webgpu"');
  }
}

export async function loadWebgpu(tf: typeof TF): Promise<EngineInfo> {
  const {adapter, name} = await findAdapter();
  const device = await adapter.requestDevice({
    requiredFeatures: ['timestamp-query'].filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(limits.map((limit) => [limit, adapter.limits[limit]!])),
  });
  const {WebGPUBackend, version} = requireBackend();
  const gpu = new WebGPUBackend(device, adapter.info);
  throwWhereRead(device, gpu);
  // The package registers a backend of its own where it finds navigator.gpu when it is loaded.
  if (tf.findBackendFactory(backendName)) tf.removeBackend(backendName);
  tf.registerBackend(backendName, () => gpu);
  registerKernels(tf);
  return {name: backendName, version, device: name, threads: 1};
}

function requireBackend() {
  const require = createRequire(import.meta.url);
  const {WebGPUBackend} = require('@tensorflow/tfjs-backend-webgpu') as {
    WebGPUBackend: new (device: ScopedDevice, info: Adapter['info']) => WebgpuBackend;
  };
  const {version} = require('@tensorflow/tfjs-backend-webgpu/package.json') as {version: string};
  return {WebGPUBackend, version};
}

// ------------------------------------------------------------------------------------------------------------ kernels

type Inputs = Readonly<Record<string, TF.Tensor>>;

interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
  readonly inputShape: [number, number, number, number];
}

function registerKernels(tf: typeof TF): void {
  registerConvolution(
    tf,
    'Conv2D',
    ({x, filter}) => [x!.shape, filter!.shape],
    (backend, info, {x, filter}) => convolve(backend, info, x!, filter!),
  );
  registerConvolution(
    tf,
    'Conv2DBackpropFilter',
    ({x}, {filterShape}) => [x!.shape, filterShape],
    (backend, info, {x, dy}) => filterGradient(backend, info, x!, dy!),
  );
  registerConvolution(
    tf,
    'Conv2DBackpropInput',
    ({filter}, {inputShape}) => [inputShape, filter!.shape],
    (backend, info, {dy, filter}) => inputGradient(backend, info, dy!, filter!),
  );

  register(tf, RELU_GRAD, (backend, {dy, y}) => reluGradient(backend, dy!, y!));
  register<{epsilon: number; momentum: number}>(tf, TRAIN_BATCH_NORM, (backend, inputs, attributes) => {
    const unused = () => backend.makeTensorInfo([1], 'float32', new Float32Array(1)); // places of other engines
    return [...trainBatchNorm(backend, inputs as unknown as BatchNormInputs, attributes), unused(), unused()];
  });
  register(tf, TRAIN_BATCH_NORM_GRAD, (backend, {dy, x, gamma, a}) =>
    trainBatchNormGradient(backend, dy!, x!, gamma!, a!),
  );
}

function register<Attributes>(
  tf: typeof TF,
  kernelName: string,
  run: (backend: WebgpuBackend, inputs: Inputs, attributes: Attributes) => TF.TensorInfo | TF.TensorInfo[],
): void {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({inputs, backend, attrs}) =>
      run(backend as WebgpuBackend, inputs as unknown as Inputs, attrs as unknown as Attributes),
  });
}

/** In place of the backend's own kernel, which stays for what a learner never asks for: other layouts and dilated filters. */
function registerConvolution(
  tf: typeof TF,
  kernelName: string,
  shapesOf: (
    inputs: Inputs,
    attributes: ConvolutionAttributes,
  ) => readonly [x: readonly number[], filter: readonly number[]],
  run: (backend: WebgpuBackend, info: ConvolutionInfo, inputs: Inputs) => TF.TensorInfo,
): void {
  const original = tf.getKernel(kernelName, backendName);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...original,
    kernelFunc: (parameters) => {
      const inputs = parameters.inputs as unknown as Inputs;
      const attributes = parameters.attrs as unknown as ConvolutionAttributes;
      const {strides, pad, dilations = 1, dimRoundingMode, dataFormat} = attributes;
      const [x, filter] = shapesOf(inputs, attributes) as [
        [number, number, number, number],
        [number, number, number, number],
      ];
      const info = tf.backend_util.computeConv2DInfo(
        x,
        filter,
        strides,
        dilations,
        pad,
        dimRoundingMode,
        false,
        dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast',
      );
      if (dataFormat === 'NCHW' || info.dilationHeight > 1 || info.dilationWidth > 1)
        return original.kernelFunc(parameters);
      return run(parameters.backend as WebgpuBackend, info, inputs);
    },
  });
}

function reluGradient(backend: WebgpuBackend, dy: TF.TensorInfo, y: TF.TensorInfo): TF.TensorInfo {
  const components = componentsOf(sizeOf(y.shape));
  const element =
    components === 4
      ? 'result[index] = select(vec4<f32>(), dy[index], y[index] > vec4<f32>());'
      : 'result[index] = select(0.0, dy[index], y[index] > 0.0);';
  const shader = {
    key: `${RELU_GRAD} ${components}`,
    inputs: {dy: components, y: components},
    output: components,
    uniforms: [],
    element,
  };
  return elementwise(backend, shader, [dy, y], y.shape);
}

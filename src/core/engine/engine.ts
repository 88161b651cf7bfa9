/**
 * The only access to tensors. `tf` is a live binding: importing this file loads nothing, `startEngine` does. With its neighbours in
 * this folder, the only importer of @tensorflow/*.
 */
import {createRequire} from 'node:module';
import type * as TF from '@tensorflow/tfjs';
import type {EngineInfo, EngineName, ResolvedEngine} from './contract.ts';

export type Tensor = TF.Tensor;
export type Tensor1D = TF.Tensor1D;
export type Tensor2D = TF.Tensor2D;
export type Tensor3D = TF.Tensor3D;
export type Tensor4D = TF.Tensor4D;
export type Variable = TF.Variable;
export type Scalar = TF.Scalar;

/** tfjs; undefined until `startEngine` has resolved. */
export let tf: typeof TF;

const registered = new Map<EngineName, Promise<EngineInfo>>();
let running: EngineInfo | undefined;

/** The engine that `startEngine` has started last; undefined before. */
export const runningEngine = (): EngineInfo | undefined => running;

/**
 * Loads tfjs and the resolved engine (`resolve.ts`) and computes on it from then on. A second call returns the running engine; with
 * another engine it switches (only tests do this). Throws if it is not available.
 */
export async function startEngine(engine: ResolvedEngine): Promise<EngineInfo> {
  const info = await loaded(engine);
  const backend = engine.name === 'onnx' ? 'wasm' : engine.name; // what is not compiled runs there
  if (tf.getBackend() !== backend && !(await tf.setBackend(backend))) {
    throw new Error(`the ${engine.name} engine is loaded but cannot be started; run "pipeline doctor" for details`);
  }
  running = engine.remark === undefined ? info : {...info, remark: engine.remark};
  return running;
}

/**
 * Computes something whose values are read synchronously, by `dataSync`. WebGPU cannot do that: there it runs on wasm, which is
 * started as well.
 */
export function synchronously<T>(compute: () => T): T {
  if (tf.getBackend() !== 'webgpu') return compute();
  // tfjs switches to an engine that was already started before it returns its promise.
  void tf.setBackend('wasm');
  try {
    return compute();
  } finally {
    void tf.setBackend('webgpu');
  }
}

function loaded(engine: ResolvedEngine): Promise<EngineInfo> {
  let loading = registered.get(engine.name);
  if (loading === undefined) {
    loading = load(engine);
    registered.set(engine.name, loading);
  }
  return loading;
}

async function load(engine: ResolvedEngine): Promise<EngineInfo> {
  if (tf === undefined) {
    // The umbrella package: tfjs-core alone has no gradients under Node. By require, so that it is the same module object that the
    // backends' CommonJS bundles use.
    tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof TF;
    tf.enableProdMode(); // silences the advice to install another backend, and saves checks
    const {registerGradients} = await import('./gradients.ts');
    registerGradients(tf);
  }
  if (engine.name === 'wasm') {
    const {loadWasm} = await import('./wasm/wasm.ts');
    return loadWasm(tf);
  }
  if (engine.name === 'onnx') {
    await loaded({name: 'wasm', threads: 1});
    const {loadOnnx} = await import('./onnx/start.ts');
    return loadOnnx(engine.threads);
  }
  if (engine.name === 'webgpu') {
    await loaded({name: 'wasm', threads: 1}); // for `synchronously`
    const {loadWebgpu} = await import('./webgpu/webgpu.ts');
    return loadWebgpu(tf);
  }
  const {loadTensorflow} = await import('./tensorflow/tensorflow.ts');
  return loadTensorflow(tf, engine);
}

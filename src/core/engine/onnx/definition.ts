import {createRequire} from 'node:module';
import type {EngineDefinition} from '../definition.ts';

/** Training steps as graphs in ONNX Runtime; all else runs on wasm, in the same memory. */
export const onnx: EngineDefinition = {
  backend: 'wasm',
  beside: 'wasm',
  threaded: true,
  standsIn: 'computing on ONNX Runtime, slower than TensorFlow',

  async find() {
    await needRuntime();
    return {};
  },

  async describe() {
    const known = {version: installedVersion() ?? '–', device: 'cpu', missing: []};
    try {
      await needRuntime();
      return {...known, available: true, note: 'ready; trains several times as fast as wasm'};
    } catch (error) {
      return {...known, available: false, note: (error as Error).message};
    }
  },

  async load(_tf, {threads}) {
    const {loadOnnx} = await import('./start.ts');
    return loadOnnx(threads);
  },

  async tracer({threads}) {
    const {traceOnnxGraph} = await import('./graph.ts');
    return (variables, body, inputs) => traceOnnxGraph(variables, body, inputs, threads);
  },
};

/** Throws, with what to do, if ONNX Runtime or its fast convolutions are not available. */
async function needRuntime(): Promise<void> {
  const {blockSize} = await import('./start.ts');
  try {
    blockSize();
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    throw new Error(`the onnx engine is not available on this machine (${why}); use "--engine wasm"`);
  }
}

/** npm leaves the package out where it can't be installed. */
function installedVersion(): string | undefined {
  try {
    return (createRequire(import.meta.url)('onnxruntime-node/package.json') as {version: string}).version;
  } catch {
    return undefined;
  }
}

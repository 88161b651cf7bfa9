/** The one door to tensors. With its neighbours in this folder, the only importer of @tensorflow/*. */
import type {EngineInfo, Precision, ResolvedEngine} from './contract.ts';
import type {EngineDefinition} from './definition.ts';
import {engineNamed} from './engines.ts';
import {loadTf, type Running, runningPrecisionSetter, setRunning, tf} from './running.ts';

export type {NamedTensorMap, Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Variable} from './running.ts';
export {runningEngine, runningTrace, tf} from './running.ts';

const loading = new Map<string, Promise<Running>>();

/**
 * Loads tfjs and the resolved engine (`resolve.ts`) and computes on it from then on. A second call returns the running engine; with
 * another engine it switches (only tests do this). Throws if it is not available.
 */
export async function startEngine(engine: ResolvedEngine): Promise<EngineInfo> {
  const definition = definitionOf(engine.name);
  const {info, ...abilities} = await loaded(engine);
  const backend = definition.backend ?? engine.name;
  if (tf.getBackend() !== backend && !(await tf.setBackend(backend))) {
    throw new Error(`the ${engine.name} engine is loaded but cannot be started; run "pipeline doctor" for details`);
  }
  const running = engine.remark === undefined ? info : {...info, remark: engine.remark};
  setRunning({info: running, ...abilities});
  return running;
}

let precision: Precision = 'float32';

/** The running engine computes convolutions and products in `wanted` from now on. Returns what it computed in before. */
export function computeIn(wanted: Precision): Precision {
  const before = precision;
  if (wanted === before) return before;
  const setPrecision = runningPrecisionSetter();
  if (setPrecision === undefined) throw new Error(`Internal error: this engine cannot compute in ${wanted}`);
  setPrecision(wanted);
  precision = wanted;
  return before;
}

/** Computes something in float32, whatever the precision is. */
export function inFloat32<T>(compute: () => T): T {
  const before = computeIn('float32');
  try {
    return compute();
  } finally {
    computeIn(before);
  }
}

/** The engine of the backend that tfjs computes on now; undefined where that is none of ours, such as a test's reference. */
export const backendEngine = (): EngineDefinition | undefined => engineNamed(tf.getBackend());

/**
 * Computes something whose values are read at once, by `dataSync`. An engine that reads later can't do that: there it runs on the
 * engine beside it.
 */
export function synchronously<T>(compute: () => T): T {
  const name = tf.getBackend();
  const {readsLater, beside} = engineNamed(name) ?? {};
  if (!readsLater || beside === undefined) return compute();
  // tfjs switches to an engine that was already started before it returns its promise.
  void tf.setBackend(beside);
  try {
    return compute();
  } finally {
    void tf.setBackend(name);
  }
}

function loaded(engine: ResolvedEngine): Promise<Running> {
  let promise = loading.get(engine.name);
  if (promise === undefined) {
    promise = load(engine);
    loading.set(engine.name, promise);
  }
  return promise;
}

async function load(engine: ResolvedEngine): Promise<Running> {
  const definition = definitionOf(engine.name);
  const tfjs = await loadTf();
  if (definition.beside !== undefined) await loaded({name: definition.beside, threads: 1});
  return {
    info: await definition.load(tfjs, engine),
    trace: await definition.tracer?.(engine),
    setPrecision: await definition.precisionSetter?.(),
  };
}

function definitionOf(name: string): EngineDefinition {
  const definition = engineNamed(name);
  if (definition === undefined) throw new Error(`Internal error: there is no engine "${name}"`);
  return definition;
}

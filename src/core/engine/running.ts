/**
 * tfjs, and the engine that it computes on. `tf` is a live binding: importing this file loads nothing, `startEngine` does. For the
 * engines; everybody else imports `engine.ts`.
 */
import {createRequire} from 'node:module';
import type * as TF from '@tensorflow/tfjs';
import type {EngineInfo, Precision} from './contract.ts';
import type {Trace} from './definition.ts';

export type Tensor = TF.Tensor;
export type Tensor1D = TF.Tensor1D;
export type Tensor2D = TF.Tensor2D;
export type Tensor3D = TF.Tensor3D;
export type Tensor4D = TF.Tensor4D;
export type Variable = TF.Variable;
export type Scalar = TF.Scalar;
export type NamedTensorMap = TF.NamedTensorMap;

/** tfjs; undefined until `startEngine` has resolved. */
export let tf: typeof TF;

/** The umbrella package: tfjs-core alone has no gradients under Node. */
export async function loadTf(): Promise<typeof TF> {
  if (tf === undefined) {
    // By require, so that it is the very module object that the backends' CommonJS bundles see.
    tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof TF;
    tf.enableProdMode(); // silences the advice to install another backend, and saves checks
    const {registerGradients} = await import('./gradients.ts');
    registerGradients(tf);
  }
  return tf;
}

/** An engine that is loaded, and what it can do. */
export interface Running {
  readonly info: EngineInfo;
  readonly trace: Trace | undefined;
  readonly setPrecision: ((precision: Precision) => void) | undefined;
}

let running: Running | undefined;

export function setRunning(engine: Running): void {
  running = engine;
}

/** What `startEngine` has started last; undefined before. */
export const runningEngine = (): EngineInfo | undefined => running?.info;

/** Undefined of one that computes in float32 alone. */
export const runningPrecisionSetter = (): Running['setPrecision'] => running?.setPrecision;

/** How it makes graphs; undefined of one that makes none. */
export const runningTrace = (): Trace | undefined => running?.trace;

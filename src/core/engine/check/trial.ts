/** One way to compute one kernel, tried on random inputs. */
import {performance} from 'node:perf_hooks';
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import type {Reference, Trial, TrialResult} from './contract.ts';
import {referenceOf} from './reference.ts';
import {ITSELF, waysOf} from './ways.ts';

/** Runs of a kernel that takes no time: what writes outside its memory is not caught each time. */
const runs = 8;
/** Milliseconds after which no further run is made; for a time that counts, twice at least. */
const patience = 10;

/** What the last call is held against: its other ways are often tried next. */
let last: {readonly call: string; readonly prepared: Prepared | undefined} | undefined;

interface Prepared {
  readonly inputs: Record<string, TF.Tensor>;
  readonly error: Reference['error'];
}

/** Runs it in this process, which may not survive it. */
export function tryWay(tf: typeof TF, {call, way, timed}: Trial): TrialResult {
  try {
    const text = JSON.stringify(call);
    if (last?.call !== text) {
      tf.dispose(last?.prepared?.inputs ?? []);
      last = undefined;
      last = {call: text, prepared: prepare(tf, call)};
    }
    const {prepared} = last;
    if (prepared === undefined) return {how: 'unknown'};
    let error = 0;
    let milliseconds = Number.POSITIVE_INFINITY;
    const began = performance.now();
    for (let run = 0; run < runs; run++) {
      if (run >= (timed ? 2 : 1) && performance.now() - began > patience) break;
      const start = performance.now();
      const outputs = tf.tidy(() => [compute(tf, call, way, prepared.inputs)].flat());
      milliseconds = Math.min(milliseconds, performance.now() - start);
      error = Math.max(error, prepared.error(outputs));
      tf.dispose(outputs);
    }
    return {how: 'computed', error: Number.isFinite(error) ? error : null, milliseconds};
  } catch (thrown) {
    return {how: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown)};
  }
}

function prepare(tf: typeof TF, call: KernelCall): Prepared | undefined {
  const reference = referenceOf(tf, call);
  if (reference === undefined) return undefined;
  const {inputs, error} = reference;
  const tensors = Object.entries(inputs).map(([name, values]) => [
    name,
    values instanceof Float32Array ? tf.tensor(values, [...call.shapes[name]!]) : values,
  ]);
  return {inputs: Object.fromEntries(tensors) as Record<string, TF.Tensor>, error};
}

function compute(tf: typeof TF, call: KernelCall, way: string, inputs: Record<string, TF.Tensor>) {
  if (way === ITSELF) return tf.engine().runKernel(call.kernel, inputs, call.attrs as never) as TF.Tensor | TF.Tensor[];
  return waysOf(tf, call).get(way)!(inputs);
}

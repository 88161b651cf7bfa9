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
const patience = 25;

let last: {readonly call: string; readonly reference: Reference | undefined} | undefined;

/** Runs it in this process, which may not survive it. */
export function tryWay(tf: typeof TF, {call, way, timed}: Trial): TrialResult {
  const text = JSON.stringify(call);
  if (last?.call !== text) last = {call: text, reference: referenceOf(tf, call)};
  const {reference} = last;
  if (reference === undefined) return {how: 'unknown'};
  const inputs = Object.fromEntries(
    Object.entries(reference.inputs).map(([name, values]) => [name, tf.tensor(values, [...call.shapes[name]!])]),
  );
  try {
    let error = 0;
    let milliseconds = Number.POSITIVE_INFINITY;
    const began = performance.now();
    for (let run = 0; run < runs; run++) {
      if (run >= (timed ? 2 : 1) && performance.now() - began > patience) break;
      const start = performance.now();
      const outputs = tf.tidy(() => [compute(tf, call, way, inputs)].flat());
      // Most operations have only been asked for: to read one value waits for all.
      const values = outputs.map((output) => output.dataSync() as Float32Array);
      milliseconds = Math.min(milliseconds, performance.now() - start);
      error = Math.max(error, reference.error(values));
      tf.dispose(outputs);
    }
    return {how: 'computed', error: Number.isFinite(error) ? error : null, milliseconds};
  } catch (thrown) {
    return {how: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown)};
  } finally {
    tf.dispose(inputs);
  }
}

function compute(tf: typeof TF, {kernel, attrs}: KernelCall, way: string, inputs: Record<string, TF.Tensor>) {
  if (way === ITSELF) return tf.engine().runKernel(kernel, inputs, attrs as never) as TF.Tensor | TF.Tensor[];
  return waysOf(tf, kernel, inputs, attrs).get(way)!();
}

/** Helpers of tests that compute with tensors. */
import {afterAll, beforeAll, describe, expect, inject, test} from 'vitest';
import type {ResolvedEngine} from '../../src/core/engine/contract.ts';
import {startEngine, type Tensor, tf} from '../../src/core/engine/engine.ts';
import type {EngineName} from '../../src/core/engine/engines.ts';

/** The engines of this machine: what `startEngine` takes, or why it is not there. */
export const engines = inject('engines');

/** The engine that computes where the user names none. */
export const firstEngine = (Object.entries(engines) as [EngineName, ResolvedEngine | string][]).find(
  ([, engine]) => typeof engine !== 'string',
)![0];

/** Runs a suite on one engine: for what is made of operations that are tested on each. */
export const onFirstEngine = (suite: () => void): void => onEngine(firstEngine, engines[firstEngine], suite);

/**
 * Runs a suite on each engine in turn, in one process. One that is not there is skipped as if it were one test, with the reason in its
 * name. `npm test` leaves out `onnx` and `torch` where `tensorflow` is there.
 */
export function onEachEngine(suite: (engine: EngineName) => void): void {
  for (const [name, engine] of Object.entries(engines) as [EngineName, ResolvedEngine | string][])
    onEngine(name, engine, suite);
}

/** The engine is started before the first test of its suite. */
function onEngine(name: EngineName, engine: ResolvedEngine | string, suite: (engine: EngineName) => void): void {
  if (typeof engine === 'string') {
    test.skip(`all tests on ${name}: ${engine}`, () => undefined);
    return;
  }
  const isSlow = (name === 'onnx' || name === 'torch') && typeof engines.tensorflow !== 'string';
  describe(`on ${name}`, {tags: isSlow ? ['slow'] : []}, () => {
    beforeAll(async () => {
      await startEngine(engine);
    });
    suite(name);
    afterAll(() => {
      tf.disposeVariables();
    });
  });
}

export interface Tolerance {
  readonly relative?: number;
  readonly absolute?: number;
}

/** |actual − expected| ≤ absolute + relative · |expected| for every value; names the worst one. */
export function expectClose(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  {relative = 1e-4, absolute = 1e-5}: Tolerance = {},
): void {
  expect(a.length).toBe(b.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < a.length; i++) {
    const excess = Math.abs(a[i]! - b[i]!) / (absolute + relative * Math.abs(b[i]!));
    if (!(excess <= worst)) [worst, at] = [Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess, i];
  }
  if (worst > 1)
    expect.fail(`value ${at} of ${a.length}: expected ${b[at]}, but got ${a[at]} (${worst.toFixed(1)} tolerances off)`);
}

/**
 * The gradient of a scalar function of many numbers by central differences. Computed with float32 engines it has about
 * three good digits: choose `step` near 1e-2 and values near 1.
 */
export async function finiteDifference(
  f: (x: Float32Array) => Promise<number>,
  x: Float32Array,
  step = 1e-2,
): Promise<Float64Array> {
  const slopes = new Float64Array(x.length);
  for (const [i, value] of x.entries()) {
    const at = (moved: number) => f(x.map((other, j) => (j === i ? moved : other)));
    const [above, below] = [Math.fround(value + step), Math.fround(value - step)];
    slopes[i] = ((await at(above)) - (await at(below))) / (above - below);
  }
  return slopes;
}

/** `tf.tidy` across awaits: frees what is made until the work is done. */
export async function tidied(work: () => Promise<void>): Promise<void> {
  tf.engine().startScope();
  try {
    await work();
  } finally {
    tf.engine().endScope();
  }
}

/** The number in a tensor of one, which is freed. */
export async function numberIn(scalar: Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value!;
}

/** Fails when the action leaves tensors behind beyond those in its result, which are freed. The first call is not counted. */
export async function expectNoLeaks(action: () => unknown): Promise<void> {
  // What is made once (constants, pools) is no leak.
  tf.dispose((await action()) as never);
  const before = tf.memory();
  tf.dispose((await action()) as never);
  const after = tf.memory();
  expect({tensors: after.numTensors, buffers: after.numDataBuffers}).toEqual({
    tensors: before.numTensors,
    buffers: before.numDataBuffers,
  });
}

/** Reproducible values in [−1, 1) without the engine. */
export function values(size: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({length: size}, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

/** A tensor of reproducible values. */
export function tensor<T extends Tensor>(shape: readonly number[], seed = 1): T {
  return tf.tensor(
    values(
      shape.reduce((size, side) => size * side, 1),
      seed,
    ),
    [...shape],
  ) as T;
}

/** Computes on tfjs's plain-JavaScript backend, the independent reference, and goes back to the engine under test. */
export async function onCpu<T>(compute: () => T): Promise<T> {
  const engine = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    return tf.tidy(compute as never) as T;
  } finally {
    await tf.setBackend(engine);
  }
}

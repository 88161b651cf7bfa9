/** Helpers of tests that compute with tensors. */
import {afterAll, beforeAll, describe, expect} from 'vitest';
import {type EngineName, type ResolvedEngine, startEngine, type Tensor, tf} from '../../src/core/tensor/engine.ts';
import {findLibrary} from '../../src/core/tensor/provision.ts';

const library = findLibrary();

/** The engines of this machine: what `startEngine` takes. */
export const engines: Readonly<Record<EngineName, ResolvedEngine | undefined>> = {
  wasm: {name: 'wasm', threads: 1},
  tensorflow: library === undefined ? undefined : {name: 'tensorflow', library, threads: 2},
};

/**
 * Runs a suite on each engine in turn, in one process: the engine is started before the first test of its suite.
 * TensorFlow's is skipped, with the reason in its name, where it is not set up.
 */
export function onEachEngine(suite: (engine: EngineName) => void): void {
  for (const name of ['wasm', 'tensorflow'] as const) {
    const engine = engines[name];
    if (engine === undefined) {
      describe.skip(`on ${name}: not set up here, "pipeline setup" gets it`, () => suite(name));
      continue;
    }
    describe(`on ${name}`, () => {
      beforeAll(async () => {
        await startEngine(engine);
      });
      suite(name);
      afterAll(() => {
        tf.disposeVariables();
      });
    });
  }
}

export interface Tolerance {
  readonly relative?: number;
  readonly absolute?: number;
}

/** |actual − expected| ≤ absolute + relative · |expected| for every value; names the worst one. */
export function expectClose(
  actual: Tensor | ArrayLike<number>,
  expected: Tensor | ArrayLike<number>,
  {relative = 1e-4, absolute = 1e-5}: Tolerance = {},
): void {
  const [a, b] = [valuesOf(actual), valuesOf(expected)];
  if (isTensor(actual) && isTensor(expected)) expect(actual.shape).toEqual(expected.shape);
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

function isTensor(value: Tensor | ArrayLike<number>): value is Tensor {
  return 'dataSync' in value;
}

function valuesOf(value: Tensor | ArrayLike<number>): ArrayLike<number> {
  return isTensor(value) ? (value.dataSync() as ArrayLike<number>) : value;
}

/**
 * The gradient of a scalar function of many numbers by central differences. Computed with float32 engines it has about
 * three good digits: choose `step` near 1e-2 and values near 1.
 */
export function finiteDifference(f: (x: Float32Array) => number, x: Float32Array, step = 1e-2): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const at = (moved: number) => f(x.map((other, j) => (j === i ? moved : other)));
    const [above, below] = [Math.fround(value + step), Math.fround(value - step)];
    return (at(above) - at(below)) / (above - below);
  });
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

/**
 * Layers as functions (weights, name, x) → y, and the parameters that they read: `<name>/kernel`, `<name>/bias`,
 * `<name>/gamma`, `<name>/beta`, `<name>/mean`, `<name>/variance`.
 */

import type {Rng} from '../base/random.ts';
import type {NamedArrays} from '../contracts/data.ts';
import {type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf, type Variable} from '../engine/engine.ts';
import {inferBatchNorm, trainBatchNorm} from './batch-norm.ts';
import {conv2d, depthwiseConv2d, maxPool2d} from './convolution.ts';

/** A parameter by name: shape and how it starts (`docs/paper-notes.md` 1.3). `trainable: false` are BN's running statistics. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: 'he-normal-fan-out' | 'glorot-uniform' | 'zeros' | 'ones';
  readonly trainable: boolean;
}

/** Parameters by name, as variables of the engine. Its maker must dispose it. */
export type Weights = ReadonlyMap<string, Variable>;

/** Keras' momentum: running = 0.9 · running + 0.1 · batch (PyTorch writes the same as 0.1; paper 1.1). */
const batchNormMomentum = 0.9;
export const batchNormEpsilon = 1e-5;

// ------------------------------------------------------------------------------------------------------- parameters

/** Square filter [size, size, inputs, outputs], no bias: the papers' convolutions have none. */
export const convParameters = (name: string, size: number, inputs: number, outputs: number): ParameterSpec[] => [
  {name: `${name}/kernel`, shape: [size, size, inputs, outputs], start: 'he-normal-fan-out', trainable: true},
];

/** A square filter for each channel, [size, size, channels, 1]. */
export const depthwiseParameters = (name: string, size: number, channels: number): ParameterSpec[] =>
  convParameters(name, size, channels, 1);

/** Multiply-accumulates of that filter on one image, for `side` × `side` outputs; of a depthwise one with `outputs` 1. */
export const convMacs = (size: number, inputs: number, outputs: number, side: number): number =>
  size * size * inputs * outputs * side * side;

export const batchNormParameters = (name: string, channels: number): ParameterSpec[] => [
  {name: `${name}/gamma`, shape: [channels], start: 'ones', trainable: true},
  {name: `${name}/beta`, shape: [channels], start: 'zeros', trainable: true},
  {name: `${name}/mean`, shape: [channels], start: 'zeros', trainable: false},
  {name: `${name}/variance`, shape: [channels], start: 'ones', trainable: false},
];

export const denseParameters = (
  name: string,
  inputs: number,
  outputs: number,
  {bias}: {readonly bias: boolean},
): ParameterSpec[] => [
  {name: `${name}/kernel`, shape: [inputs, outputs], start: 'glorot-uniform', trainable: true},
  ...(bias ? [{name: `${name}/bias`, shape: [outputs], start: 'zeros', trainable: true} as const] : []),
];

/**
 * First values, computed without an engine, so that every engine starts from the same bits. Each name has its own random stream.
 */
export function startValues({name, shape, start}: ParameterSpec, rng: Rng): Float32Array {
  const values = new Float32Array(size(shape));
  if (start === 'zeros') return values;
  if (start === 'ones') return values.fill(1);
  const stream = rng.fork(name);
  const field = size(shape.slice(0, -2));
  const fanIn = field * shape.at(-2)!;
  const fanOut = field * shape.at(-1)!;
  if (start === 'glorot-uniform') {
    const limit = Math.sqrt(6 / (fanIn + fanOut));
    for (let i = 0; i < values.length; i++) values[i] = stream.uniform(-limit, limit);
    return values;
  }
  // Keras' VarianceScaling(2, fan_out): a normal cut at two deviations, widened by what the cut takes from its deviation.
  const deviation = Math.sqrt(2 / fanOut) / 0.87962566103423978;
  for (let i = 0; i < values.length; i++) {
    let z = stream.normal();
    while (Math.abs(z) > 2) z = stream.normal();
    values[i] = deviation * z;
  }
  return values;
}

// ---------------------------------------------------------------------------------------------------------- weights

/** Weights to train, random except those in `given`. */
export function createWeights(specs: readonly ParameterSpec[], rng: Rng, given?: NamedArrays): Weights {
  return variables(specs.map((spec) => ({...spec, data: given?.get(spec.name)?.data ?? startValues(spec, rng)})));
}

/** Weights that are only used: nothing is trainable. */
export function weightsFromArrays(arrays: NamedArrays): Weights {
  return variables([...arrays].map(([name, {shape, data}]) => ({name, shape, data, trainable: false})));
}

/** Weights to train, from saved values; throws if `arrays` does not have these parameters. */
export function restoreWeights(specs: readonly ParameterSpec[], arrays: NamedArrays): Weights {
  return variables(
    specs.map((spec) => {
      const saved = arrays.get(spec.name);
      if (!saved) throw new Error(`saved weights have no "${spec.name}"`);
      if (String(saved.shape) !== String(spec.shape))
        throw new Error(`saved weight "${spec.name}" is [${saved.shape}]; this network's is [${spec.shape}]`);
      return {...spec, data: saved.data};
    }),
  );
}

/** Values out of the engine, in the order of the weights. */
export async function weightsToArrays(weights: Weights): Promise<NamedArrays> {
  const arrays = await Promise.all(
    [...weights].map(async ([name, w]) => [name, {shape: w.shape, data: Float32Array.from(await w.data())}] as const),
  );
  return new Map(arrays);
}

export function disposeWeights(weights: Weights): void {
  for (const variable of weights.values()) variable.dispose();
}

function variables(
  parts: readonly {name: string; shape: readonly number[]; data: Float32Array; trainable: boolean}[],
): Weights {
  const made = new Map<string, Variable>();
  for (const {name, shape, data, trainable} of parts) {
    const value = tf.tensor(data, [...shape], 'float32');
    made.set(name, tf.variable(value, trainable));
    value.dispose();
  }
  return made;
}

// ----------------------------------------------------------------------------------------------------------- layers

/** x (n, inputs) → (n, outputs); with a bias if the weights have one. */
export function dense(weights: Weights, name: string, x: Tensor2D): Tensor2D {
  const y = tf.matMul(x, weightOf(weights, name, 'kernel') as Tensor2D);
  const bias = weights.get(`${name}/bias`);
  return (bias ? tf.add(y, bias) : y) as Tensor2D;
}

/** x (n, h, w, inputs) → (n, ⌈h / stride⌉, ⌈w / stride⌉, outputs) for even sides; zero padding of size // 2 (paper 1.1). */
export function conv(weights: Weights, name: string, x: Tensor4D, stride: number): Tensor4D {
  return conv2d(x, weightOf(weights, name, 'kernel') as Tensor4D, stride);
}

/**
 * Normalises the last axis over all others, x (n, c) or (n, h, w, c). `training`: by the batch's statistics, which also
 * move the running ones (outside of the gradient); otherwise by the running ones.
 */
export function batchNorm<T extends Tensor2D | Tensor4D>(
  weights: Weights,
  name: string,
  x: T,
  {training}: {readonly training: boolean},
): T {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part) =>
    weightOf(weights, name, part),
  ) as unknown as [Tensor1D, Tensor1D, Variable, Variable];
  const running = {mean: mean as Tensor as Tensor1D, variance: variance as Tensor as Tensor1D};
  if (!training) return inferBatchNorm(x, running.mean, running.variance, gamma, beta, batchNormEpsilon);
  const moved = trainBatchNorm(x, gamma, beta, {...running, momentum: batchNormMomentum}, batchNormEpsilon);
  mean.assign(moved.mean);
  variance.assign(moved.variance);
  return moved.y;
}

/** x (n, h, w, c) → (n, ⌈h / stride⌉, ⌈w / stride⌉, c), padded as by `conv`. */
export function depthwise(weights: Weights, name: string, x: Tensor4D, stride: number): Tensor4D {
  return depthwiseConv2d(x, weightOf(weights, name, 'kernel') as Tensor4D, stride);
}

/** x · σ(x), of Ramachandran et al. 2017; PyTorch calls it SiLU. Only x is kept for its gradient; σ(x) is computed again. */
export function swish<T extends Tensor>(x: T): T {
  return tf.customGrad((...args) => {
    const [at, save] = args as [Tensor, (kept: Tensor[]) => void];
    save([at]);
    return {
      value: tf.mul(at, tf.sigmoid(at)),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => {
        const sigmoid = tf.sigmoid(kept!);
        // σ + x · σ · (1 − σ)
        return tf.mul(dy, tf.mul(sigmoid, tf.add(tf.mul(kept!, tf.sub(1, sigmoid)), 1)));
      },
    };
  })(x) as T;
}

/** 3 × 3, stride 2, padded by 1; x must not be negative (it follows a ReLU). */
export const maxPool = (x: Tensor4D): Tensor4D => maxPool2d(x, 3, 2);

/** x (n, h, w, c) → (n, c). */
export function globalAveragePool(x: Tensor4D): Tensor2D {
  return tf.mean(x, [1, 2]);
}

/** `<name>/<part>` of weights that have it; of trained ones, or of saved ones. */
export function weightOf<T>(weights: ReadonlyMap<string, T>, name: string, part: string): T {
  const found = weights.get(`${name}/${part}`);
  if (!found) throw new Error(`the weights have no "${name}/${part}"; they are of another network`);
  return found;
}

const size = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

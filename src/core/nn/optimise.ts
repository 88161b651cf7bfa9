/** Stochastic gradient descent with momentum and weight decay, and its learning rates. */

import type {NamedArrays} from '../contracts/data.ts';
import {type Scalar, type Tensor, tf, type Variable} from '../engine/engine.ts';
import type {Weights} from './layers.ts';

export type Schedule = 'cosine' | 'cosine-per-step' | 'constant';

/**
 * Learning rate at a place in training: 0.5 · rate · (1 + cos(π e / E)) (paper 2.1). `cosine` holds it through an epoch, as
 * the papers do; `cosine-per-step` lets e grow within it.
 */
export function learningRate(
  {rate, schedule}: {readonly rate: number; readonly schedule: Schedule},
  {
    epoch,
    epochs,
    step,
    steps,
  }: {readonly epoch: number; readonly epochs: number; readonly step: number; readonly steps: number},
): number {
  if (schedule === 'constant') return rate;
  const e = schedule === 'cosine' ? epoch : epoch + step / steps;
  return 0.5 * rate * (1 + Math.cos((Math.PI * e) / epochs));
}

/**
 * v ← momentum · v + (g + decay · w); w ← w − rate · v, as PyTorch's SGD has it (Keras multiplies v by the rate, which is the same
 * while the rate is constant). The decay is that of 0.5 · decay · ‖w‖² over all trainable weights, including batch normalisation
 * and biases (paper 1.3).
 */
export class Sgd {
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #groups: readonly Group[];
  readonly #momentum: number;
  readonly #decay: number;

  /** `velocities`: of an earlier `arrays()`; absent: zero. */
  constructor(
    weights: Weights,
    options: {readonly momentum: number; readonly decay: number},
    velocities?: NamedArrays,
  ) {
    this.#weights = new Map([...weights].filter(([, variable]) => variable.trainable));
    this.#groups = grouped(this.#weights).map((members) => ({members, velocity: startVelocity(members, velocities)}));
    this.#momentum = options.momentum;
    this.#decay = options.decay;
  }

  /** The variables whose gradients are needed. */
  get trainable(): readonly Variable[] {
    return [...this.#weights.values()];
  }

  /** The velocities, which a step moves together with the weights. */
  get variables(): readonly Variable[] {
    return this.#groups.map(({velocity}) => velocity);
  }

  /** One step down `gradients`, which are by the variables' own names, as `tf.variableGrads` gives them. */
  step(gradients: {readonly [variable: string]: Tensor}, rate: number | Scalar): void {
    tf.tidy(() => {
      // Only once, because on a GPU every number is a transfer.
      const [momentum, negativeDecay] = [tf.scalar(this.#momentum), tf.scalar(-this.#decay)];
      const by = typeof rate === 'number' ? tf.scalar(rate) : rate;
      for (const {members, velocity} of this.#groups) {
        const slopes = members.map(({name, weight}) => {
          const gradient = gradients[weight.name];
          if (!gradient) throw new Error(`the loss does not depend on "${name}"`);
          return gradient;
        });
        const weight = joined(members.map((member) => member.weight));
        const slope = tf.add(joined(slopes), tf.mul(velocity, momentum));
        // A subtraction is used because TensorFlow adds three terms in an order that depends on which memory is free first.
        const next = this.#decay === 0 ? slope : tf.sub(slope, tf.mul(weight, negativeDecay));
        velocity.assign(next);
        const moved = parted(tf.sub(weight, tf.mul(next, by)), members);
        for (const [i, member] of members.entries()) member.weight.assign(moved[i]!);
      }
    });
  }

  /** The velocities, by the weights' names. */
  async arrays(): Promise<NamedArrays> {
    const arrays: [string, {shape: readonly number[]; data: Float32Array}][] = [];
    for (const {members, velocity} of this.#groups) {
      const values = Float32Array.from(await velocity.data());
      let from = 0;
      for (const {name, weight} of members) {
        arrays.push([name, {shape: weight.shape, data: values.slice(from, from + weight.size)}]);
        from += weight.size;
      }
    }
    return new Map(arrays);
  }

  dispose(): void {
    for (const {velocity} of this.#groups) velocity.dispose();
  }
}

interface Member {
  readonly name: string;
  readonly weight: Variable;
}

/** Weights that are updated by one chain of ops: one of any shape, or several vectors laid end to end. */
interface Group {
  readonly members: readonly Member[];
  /** Of the shape of the one weight, or as long as all vectors together. */
  readonly velocity: Variable;
}

/**
 * All vectors (two of three weights of a ResNet) are one group: for an operation on so few numbers the call costs more than the
 * work.
 */
function grouped(weights: ReadonlyMap<string, Variable>): readonly (readonly Member[])[] {
  const members = [...weights].map(([name, weight]) => ({name, weight}));
  const vectors = members.filter(({weight}) => weight.rank === 1);
  const others = members.filter(({weight}) => weight.rank !== 1).map((member) => [member]);
  return vectors.length > 0 ? [vectors, ...others] : others;
}

function startVelocity(members: readonly Member[], saved: NamedArrays | undefined): Variable {
  return tf.tidy(() => {
    const parts = members.map(({name, weight}) => {
      const found = saved?.get(name);
      if (saved && !found) throw new Error(`saved momentum has no "${name}"`);
      return found ? tf.tensor(found.data, weight.shape, 'float32') : tf.zeros(weight.shape);
    });
    return tf.variable(joined(parts), false);
  });
}

const joined = (tensors: readonly Tensor[]): Tensor => (tensors.length === 1 ? tensors[0]! : tf.concat([...tensors]));

const parted = (tensor: Tensor, members: readonly Member[]): readonly Tensor[] =>
  members.length === 1
    ? [tensor]
    : tf.split(
        tensor,
        members.map(({weight}) => weight.size),
      );

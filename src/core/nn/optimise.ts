/** Learning rates, and stochastic gradient descent with momentum and weight decay. */

import type {NamedArrays} from '../contracts/data.ts';
import {type NamedTensorMap, type Scalar, type Tensor, tf, type Variable} from '../engine/engine.ts';
import {SGD_STEP} from '../engine/gradients.ts';
import type {Weights} from './layers.ts';

export type Schedule = 'cosine' | 'cosine-per-step' | 'half-cosine' | 'linear' | 'step' | 'constant';

/** Of the schedule `step`: the rate is multiplied by `factor` after every so many epochs. */
export interface Decay {
  readonly every: number;
  readonly factor: number;
}

/** What makes weights follow their gradients. */
export interface Optimizer {
  /** The variables whose gradients are needed. */
  readonly trainable: readonly Variable[];
  /** Its own state, which a step moves together with the weights. */
  readonly variables: readonly Variable[];
  /** One step down `gradients`, which are by the variables' own names, as `tf.variableGrads` gives them. */
  step(gradients: {readonly [variable: string]: Tensor}, rate: number | Scalar): void;
  /** Its state, from which another one goes on. */
  arrays(): Promise<NamedArrays>;
  dispose(): void;
}

/** As in the released code. */
const usualDecay: Decay = {every: 1, factor: 0.995};

/**
 * Learning rate at a place in training: 0.5 · rate · (1 + cos(π e / E)) (paper 2.1). `cosine` holds it through an epoch, as
 * the papers do; `cosine-per-step` lets e grow within it. Of the released code's others, `linear` is rate · (1 - e / E), `half-cosine`
 * rate · cos(7 π e / 16 E), which ends at a fifth, and `step` falls by a factor.
 */
export function learningRate(
  {rate, schedule, decay = usualDecay}: {readonly rate: number; readonly schedule: Schedule; readonly decay?: Decay},
  {
    epoch,
    epochs,
    step,
    steps,
  }: {readonly epoch: number; readonly epochs: number; readonly step: number; readonly steps: number},
): number {
  switch (schedule) {
    case 'constant':
      return rate;
    case 'linear':
      return rate * (1 - epoch / epochs);
    case 'half-cosine':
      return rate * Math.cos((7 * Math.PI * epoch) / (16 * epochs));
    case 'step':
      return rate * decay.factor ** Math.floor(epoch / decay.every);
    default: {
      const e = schedule === 'cosine' ? epoch : epoch + step / steps;
      return 0.5 * rate * (1 + Math.cos((Math.PI * e) / epochs));
    }
  }
}

/**
 * v ← momentum · v + (g + decay · w); w ← w − rate · v, as PyTorch's SGD has it (Keras multiplies v by the rate, which is the same
 * while the rate is constant). The decay is that of 0.5 · decay · ‖w‖² over all trainable weights, including batch normalisation
 * and biases (paper 1.3).
 */
export class Sgd implements Optimizer {
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #groups: readonly Group[];
  readonly #momentum: number;
  readonly #decay: number;
  readonly #isOneKernel: boolean;

  /** `velocities`: of an earlier `arrays()`; absent: zero. */
  constructor(
    weights: Weights,
    options: {readonly momentum: number; readonly decay: number},
    velocities?: NamedArrays,
  ) {
    this.#weights = new Map([...weights].filter(([, variable]) => variable.trainable));
    this.#isOneKernel = tf.getKernel(SGD_STEP, tf.getBackend()) !== undefined;
    const groups = this.#isOneKernel ? apart(this.#weights) : grouped(this.#weights);
    this.#groups = groups.map((members) => ({members, velocity: startState(members, velocities)}));
    this.#momentum = options.momentum;
    this.#decay = options.decay;
  }

  get trainable(): readonly Variable[] {
    return [...this.#weights.values()];
  }

  get variables(): readonly Variable[] {
    return this.#groups.map(({velocity}) => velocity);
  }

  step(gradients: {readonly [variable: string]: Tensor}, rate: number | Scalar): void {
    tf.tidy(() => {
      // Only once, because on a GPU every number is a transfer.
      const by = typeof rate === 'number' ? tf.scalar(rate) : rate;
      if (this.#isOneKernel) return this.#stepAtOnce(gradients, by);
      const [momentum, negativeDecay] = [tf.scalar(this.#momentum), tf.scalar(-this.#decay)];
      for (const {members, velocity} of this.#groups) {
        const weight = joined(members.map((member) => member.weight));
        const slope = tf.add(slopeOf(members, gradients), tf.mul(velocity, momentum));
        // A subtraction is used because TensorFlow adds three terms in an order that depends on which memory is free first.
        const next = this.#decay === 0 ? slope : tf.sub(slope, tf.mul(weight, negativeDecay));
        velocity.assign(next);
        const moved = parted(tf.sub(weight, tf.mul(next, by)), members);
        for (const [i, member] of members.entries()) member.weight.assign(moved[i]!);
      }
    });
  }

  #stepAtOnce(gradients: {readonly [variable: string]: Tensor}, rate: Scalar): void {
    const variables = [...this.trainable, ...this.variables];
    const slopes = this.#groups.map(({members}) => slopeOf(members, gradients));
    const inputs = [...variables, ...slopes, rate] as unknown as NamedTensorMap;
    const moved = tf.engine().runKernel(SGD_STEP, inputs, {momentum: this.#momentum, decay: this.#decay}) as Tensor[];
    for (const [i, variable] of variables.entries()) variable.assign(moved[i]!);
  }

  /** The velocities, by the weights' names. */
  async arrays(): Promise<NamedArrays> {
    const arrays = await Promise.all(this.#groups.map(({members, velocity}) => arraysOf(members, velocity)));
    return new Map(arrays.flat());
  }

  dispose(): void {
    for (const {velocity} of this.#groups) velocity.dispose();
  }
}

/** A weight with its name in the network. */
export interface Member {
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
export function grouped(weights: ReadonlyMap<string, Variable>): readonly (readonly Member[])[] {
  const members = [...weights].map(([name, weight]) => ({name, weight}));
  const vectors = members.filter(({weight}) => weight.rank === 1);
  const others = members.filter(({weight}) => weight.rank !== 1).map((member) => [member]);
  return vectors.length > 0 ? [vectors, ...others] : others;
}

const apart = (weights: ReadonlyMap<string, Variable>): readonly (readonly Member[])[] =>
  [...weights].map(([name, weight]) => [{name, weight}]);

/** The gradients of a group's members, joined as they are. */
export const slopeOf = (members: readonly Member[], gradients: {readonly [variable: string]: Tensor}): Tensor =>
  joined(
    members.map(({name, weight}) => {
      const gradient = gradients[weight.name];
      if (!gradient) throw new Error(`the loss does not depend on "${name}"`);
      return gradient;
    }),
  );

/** A group's state, by the weights' names. */
export async function arraysOf(
  members: readonly Member[],
  state: Variable,
): Promise<readonly (readonly [string, {readonly shape: readonly number[]; readonly data: Float32Array}])[]> {
  const values = Float32Array.from(await state.data());
  let from = 0;
  return members.map(({name, weight: {shape, size}}) => {
    from += size;
    return [name, {shape, data: values.slice(from - size, from)}];
  });
}

/** The arrays whose names begin with a prefix, by what follows it. */
export const arraysUnder = (prefix: string, arrays: NamedArrays): NamedArrays =>
  new Map(
    [...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array]),
  );

/** A group's state, as saved by `arraysOf`; zeros if nothing was. */
export function startState(members: readonly Member[], saved: NamedArrays | undefined): Variable {
  return tf.tidy(() => {
    const parts = members.map(({name, weight}) => {
      const found = saved?.get(name);
      if (saved && !found) throw new Error(`saved momentum has no "${name}"`);
      return found ? tf.tensor(found.data, weight.shape, 'float32') : tf.zeros(weight.shape);
    });
    return tf.variable(joined(parts), false);
  });
}

export const joined = (tensors: readonly Tensor[]): Tensor =>
  tensors.length === 1 ? tensors[0]! : tf.concat([...tensors]);

export const parted = (tensor: Tensor, members: readonly Member[]): readonly Tensor[] =>
  members.length === 1
    ? [tensor]
    : tf.split(
        tensor,
        members.map(({weight}) => weight.size),
      );

/** Adam with the largest second moment kept, and weight decay as part of the loss. */
import type {NamedArrays} from '../contracts/data.ts';
import {type Scalar, type Tensor, tf, type Variable} from '../engine/engine.ts';
import type {Weights} from './layers.ts';
import {
  arraysOf,
  arraysUnder,
  grouped,
  joined,
  type Member,
  type Optimizer,
  parted,
  slopeOf,
  startState,
} from './optimise.ts';

/** Keras' constants, as in the released code. */
const secondMoment = 0.999;
const epsilon = 1e-7;

const parts = ['first', 'second', 'most'] as const;

interface Group extends Record<(typeof parts)[number], Variable> {
  readonly members: readonly Member[];
}

/**
 * m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; v̂ ← max(v̂, v); w ← w - rate · √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v̂ + ε), as Keras' Adam with
 * `amsgrad` (Reddi et al. 2018): the released code's second optimizer. g has the decay's part, as in `Sgd`.
 */
export class Adam implements Optimizer {
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #groups: readonly Group[];
  /** β₁ᵗ and β₂ᵗ. */
  readonly #powers: Variable;
  readonly #firstMoment: number;
  readonly #decay: number;

  /** `momentum`: β₁. `state`: of an earlier `arrays()`; absent: the start. */
  constructor(weights: Weights, options: {readonly momentum: number; readonly decay: number}, state?: NamedArrays) {
    this.#weights = new Map([...weights].filter(([, variable]) => variable.trainable));
    this.#groups = grouped(this.#weights).map((members) => {
      const [first, second, most] = parts.map((part) =>
        startState(members, state && arraysUnder(`${part}/`, state)),
      ) as [Variable, Variable, Variable];
      return {members, first, second, most};
    });
    const powers = state?.get('powers')?.data ?? Float32Array.of(1, 1);
    this.#powers = tf.tidy(() => tf.variable(tf.tensor1d(powers), false));
    this.#firstMoment = options.momentum;
    this.#decay = options.decay;
  }

  get trainable(): readonly Variable[] {
    return [...this.#weights.values()];
  }

  get variables(): readonly Variable[] {
    return [this.#powers, ...this.#groups.flatMap((group) => parts.map((part) => group[part]))];
  }

  step(gradients: {readonly [variable: string]: Tensor}, rate: number | Scalar): void {
    tf.tidy(() => {
      const betas = [this.#firstMoment, secondMoment] as const;
      const powers = tf.mul(this.#powers, tf.tensor1d([...betas]));
      this.#powers.assign(powers);
      const [left1, left2] = tf.split(tf.sub(tf.scalar(1), powers), 2) as [Tensor, Tensor];
      const by = tf.mul(rate, tf.div(tf.sqrt(left2), left1));
      for (const {members, first, second, most} of this.#groups) {
        const weight = joined(members.map((member) => member.weight));
        const plain = slopeOf(members, gradients);
        const slope = this.#decay === 0 ? plain : tf.sub(plain, tf.mul(weight, -this.#decay));
        const m = tf.add(tf.mul(first, betas[0]), tf.mul(slope, 1 - betas[0]));
        const v = tf.add(tf.mul(second, betas[1]), tf.mul(tf.mul(slope, slope), 1 - betas[1]));
        const largest = tf.maximum(most, v);
        first.assign(m);
        second.assign(v);
        most.assign(largest);
        const moved = parted(tf.sub(weight, tf.mul(by, tf.div(m, tf.add(tf.sqrt(largest), epsilon)))), members);
        for (const [i, member] of members.entries()) member.weight.assign(moved[i]!);
      }
    });
  }

  async arrays(): Promise<NamedArrays> {
    const named = this.#groups.flatMap((group) =>
      parts.map(async (part) => {
        const arrays = await arraysOf(group.members, group[part]);
        return arrays.map(([name, array]) => [`${part}/${name}`, array] as const);
      }),
    );
    const powers = {shape: [2], data: Float32Array.from(await this.#powers.data())};
    return new Map([['powers', powers], ...(await Promise.all(named)).flat()]);
  }

  dispose(): void {
    tf.dispose([...this.variables]);
  }
}

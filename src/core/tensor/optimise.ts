/** Stochastic gradient descent with momentum and weight decay, and its learning rates. */
import type {NamedArrays} from '../plugin/contracts.ts';
import {type Scalar, type Tensor, tf, type Variable} from './engine.ts';
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
 * v ← momentum · v + (g + decay · w); w ← w − rate · v, as PyTorch's SGD has it (Keras multiplies the rate into v: the same
 * as long as the rate stands still). The decay is that of 0.5 · decay · ‖w‖² over all trainable weights, those of batch
 * normalisation and the biases too (paper 1.3).
 */
export class Sgd {
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #velocities: ReadonlyMap<string, Variable>;
  readonly #momentum: Scalar;
  readonly #decay: Scalar | undefined;

  /** `velocities`: of an earlier `arrays()`; absent: zero. */
  constructor(
    weights: Weights,
    options: {readonly momentum: number; readonly decay: number},
    velocities?: NamedArrays,
  ) {
    this.#weights = new Map([...weights].filter(([, variable]) => variable.trainable));
    this.#velocities = new Map(
      [...this.#weights].map(([name, weight]) => {
        const saved = velocities?.get(name);
        if (velocities && !saved) throw new Error(`saved momentum has no "${name}"`);
        const start = saved ? tf.tensor(saved.data, weight.shape, 'float32') : tf.zeros(weight.shape);
        const velocity = tf.variable(start, false);
        start.dispose();
        return [name, velocity];
      }),
    );
    this.#momentum = tf.scalar(options.momentum);
    this.#decay = options.decay === 0 ? undefined : tf.scalar(options.decay);
  }

  /** What gradients are wanted of. */
  get trainable(): readonly Variable[] {
    return [...this.#weights.values()];
  }

  /** One step down `gradients`, which are by the variables' own names, as `tf.variableGrads` gives them. */
  step(gradients: {readonly [variable: string]: Tensor}, rate: number): void {
    tf.tidy(() => {
      const by = tf.scalar(rate);
      for (const [name, weight] of this.#weights) {
        const gradient = gradients[weight.name];
        if (!gradient) throw new Error(`the loss does not depend on "${name}"`);
        const velocity = this.#velocities.get(name)!;
        const terms = [gradient, tf.mul(velocity, this.#momentum)];
        if (this.#decay) terms.push(tf.mul(weight, this.#decay));
        const next = tf.addN(terms);
        velocity.assign(next);
        weight.assign(tf.sub(weight, tf.mul(next, by)));
      }
    });
  }

  /** The velocities, by the weights' names. */
  async arrays(): Promise<NamedArrays> {
    return new Map(
      await Promise.all(
        [...this.#velocities].map(
          async ([name, v]) => [name, {shape: v.shape, data: Float32Array.from(await v.data())}] as const,
        ),
      ),
    );
  }

  dispose(): void {
    for (const velocity of this.#velocities.values()) velocity.dispose();
    this.#momentum.dispose();
    this.#decay?.dispose();
  }
}

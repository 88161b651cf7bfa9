/** The results of an epoch's steps, fetched from the device from time to time. */
import {type Scalar, tf} from '../../../core/engine/engine.ts';
import type {StepResult} from './phases.ts';

/** Loss and accuracy of the steps so far; on the device until fetched. */
export class Tally {
  readonly #waiting: StepResult[] = [];
  #steps = 0;
  #loss = 0;
  #accuracy: number | undefined;

  add(made: StepResult): void {
    this.#waiting.push(made);
  }

  /** Means over the epoch so far. Sums are made step by step, so that the time of reading does not matter. */
  async fetch(): Promise<{readonly loss: number; readonly accuracy?: number}> {
    if (this.#waiting.length > 0) {
      for (const loss of await valuesOf(this.#waiting.map((made) => made.loss))) this.#loss += loss;
      const accuracies = this.#waiting.flatMap(({accuracy}) => accuracy ?? []);
      if (accuracies.length > 0)
        for (const accuracy of await valuesOf(accuracies)) this.#accuracy = (this.#accuracy ?? 0) + accuracy;
      this.#steps += this.#waiting.length;
      this.dispose();
    }
    const loss = this.#loss / this.#steps;
    return this.#accuracy === undefined ? {loss} : {loss, accuracy: this.#accuracy / this.#steps};
  }

  dispose(): void {
    for (const {loss, accuracy} of this.#waiting.splice(0)) {
      loss.dispose();
      accuracy?.dispose();
    }
  }
}

/** One fetch for all of them. */
export async function valuesOf(scalars: readonly Scalar[]): Promise<Float32Array> {
  const all = tf.stack([...scalars]);
  try {
    return await all.data<'float32'>();
  } finally {
    all.dispose();
  }
}

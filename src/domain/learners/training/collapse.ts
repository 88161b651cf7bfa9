/** Signs that a training has failed, and the message for each. */
import {plural} from '../../../core/base/text.ts';
import type {CurvePoint} from '../../../core/contracts/learner.ts';
import {type Scalar, type Tensor2D, tf} from '../../../core/engine/engine.ts';
import type {Placed, Training} from './phases.ts';
import {valuesOf} from './tally.ts';

/** Training that cannot continue: the message says what was observed and what to try. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}

/** True if in no column two rows differ by more than the rounding of float32; false for a single row. */
export async function allEqual(pooled: Tensor2D): Promise<boolean> {
  if (pooled.shape[0] < 2) return false;
  const both = tf.tidy(() => {
    const spread = tf.max(tf.sub(tf.max(pooled, 0), tf.min(pooled, 0)));
    return [spread as Scalar, tf.max(tf.abs(pooled)) as Scalar];
  });
  const [spread, largest] = await valuesOf(both);
  tf.dispose(both);
  return spread! <= 1e-6 * largest!;
}

interface At {
  readonly epoch: number;
  readonly step: number;
  readonly steps: number;
}

export const notFinite = ({batch}: Training, phase: Placed, loss: number, {epoch, step, steps}: At) =>
  new TrainingError(
    `the loss is ${loss} in epoch ${epoch + 1}, by step ${step + 1} of ${steps}: training has diverged. ` +
      `Try a lower ${phase.rateOption} (now ${phase.learningRate}) or a larger batch (now ${batch}).`,
  );

export const collapsed = ({optimizer, batch}: Training, phase: Placed, epoch: number) =>
  new TrainingError(
    `after epoch ${epoch + 1} all images have the same features: training has collapsed. ` +
      `Try a lower ${phase.rateOption} (now ${phase.learningRate}), a lower optimizer.weight_decay ` +
      `(now ${optimizer.weight_decay}) or a larger batch (now ${batch}), and check that the images differ.`,
  );

export function warnOfChance({context}: Training, curve: readonly CurvePoint[], chance: number): void {
  const {loss} = curve.at(-1)!;
  if (loss > 0.98 * chance)
    context.warn(
      `the last epoch's loss is ${loss.toFixed(3)}, and guessing gives ${chance.toFixed(3)}: the network has learnt almost nothing ` +
        `in ${plural(curve.length, 'epoch', 'epochs')}. Try more epochs or another optimizer.learning_rate.`,
    );
}

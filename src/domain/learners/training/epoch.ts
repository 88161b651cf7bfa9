/** One epoch: its steps, compiled to one graph, with the rate of each, and what is reported of them. */
import {setImmediate} from 'node:timers/promises';
import type {CurvePoint} from '../../../core/contracts/learner.ts';
import {type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf} from '../../../core/engine/engine.ts';
import {type Compiled, compile} from '../../../core/nn/compile.ts';
import type {Weights} from '../../../core/nn/layers.ts';
import {learningRate, type Optimizer} from '../../../core/nn/optimise.ts';
import {allEqual, collapsed, notFinite} from './collapse.ts';
import type {Feed, FeedBatch} from './feed.ts';
import type {Pace} from './pace.ts';
import type {Phase, Placed, StepResult, Training} from './phases.ts';
import {Tally} from './tally.ts';

/** Progress of the training. */
export interface State {
  readonly feed: Feed;
  /** Of all phases. */
  readonly epochs: number;
  /** Grows by one point in each epoch. */
  readonly curve: CurvePoint[];
  readonly pace: Pace;
}

export async function trainEpoch(
  training: Training,
  phase: Placed,
  {feed, epochs, curve, pace}: State,
  compiled: Compiled,
): Promise<CurvePoint> {
  const {context, optimizer} = training;
  const epoch = curve.length;
  const steps = feed.stepsPerEpoch;
  const {schedule: kind, decay} = optimizer;
  const schedule = {rate: phase.learningRate, schedule: kind, ...(decay && {decay})};
  const at = {epoch: epoch - phase.start, epochs: phase.epochs, steps};
  const rateAt = (step: number): number => learningRate(schedule, {...at, step});
  const tally = new Tally();
  let pooled: Tensor2D | undefined;
  try {
    for (let step = 0; step < steps; step++) {
      await setImmediate(); // lets the process handle an abort and other events
      context.signal.throwIfAborted();
      const batch = await feed.next();
      if (!batch) throw new Error('Internal error: the feed ended before the training');
      pooled?.dispose();
      const made = takeStep(compiled, batch, feed, rateAt(step));
      pooled = made.pooled;
      tally.add(made);
      const last = step === steps - 1;
      if (!last && !pace.due()) continue;
      const mean = await tally.fetch();
      if (!Number.isFinite(mean.loss)) throw notFinite(training, phase, mean.loss, {epoch, step, steps});
      context.report({
        epoch,
        epochs,
        step,
        steps,
        ...mean,
        learningRate: rateAt(step),
        ...pace.measure(epoch * steps + step + 1, batch.count * batch.views),
      });
      context.signal.throwIfAborted(); // the listener may have aborted
    }
    if (await allEqual(pooled!)) throw collapsed(training, phase, epoch);
    return {epoch, ...(await tally.fetch()), learningRate: rateAt(0)};
  } finally {
    pooled?.dispose();
    tally.dispose();
  }
}

/** Forward, backward, update, of inputs x and the learning rate; results loss, pooled and, where there is one, accuracy. */
export function compileStep({loss}: Phase, weights: Weights, optimizer: Optimizer, views: number): Compiled {
  return compile([...weights.values(), ...optimizer.variables], ([x, rate]) => {
    let others: readonly Tensor[] = [];
    const {value, grads} = tf.variableGrads(() => {
      const made = loss(weights, x as Tensor4D, {count: x!.shape[0]! / views, views});
      others = [made.pooled, ...(made.accuracy ? [made.accuracy] : [])].map((tensor) => tf.keep(tensor));
      return made.loss;
    }, [...optimizer.trainable]);
    optimizer.step(grads, rate as Scalar);
    return [value, ...others];
  });
}

/** The caller owns the result's tensors. */
function takeStep(step: Compiled, {images, count, views}: FeedBatch, {height, width}: Feed, rate: number): StepResult {
  const inputs = [tf.tensor4d(images, [views * count, height, width, 3]), tf.scalar(rate)];
  const [loss, pooled, accuracy] = step.run(inputs) as [Scalar, Tensor2D, Scalar?];
  tf.dispose(inputs);
  return {loss, pooled, ...(accuracy && {accuracy})};
}

/**
 * The one training loop: batches, steps, schedule, loss curve, progress, checkpoints, and a stop when training has
 * collapsed. Does not know what is learnt: that is the `loss`.
 */
import {setImmediate} from 'node:timers/promises';
import type {CurvePoint, FitContext, FitResult, NamedArrays} from '../../core/plugin/contracts.ts';
import type {PluginRef} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {type Scalar, type Tensor2D, type Tensor4D, tf} from '../../core/tensor/engine.ts';
import {
  createWeights,
  disposeWeights,
  type ParameterSpec,
  restoreWeights,
  type Weights,
  weightsToArrays,
} from '../../core/tensor/layers.ts';
import {learningRate, type Schedule, Sgd} from '../../core/tensor/optimise.ts';
import {batchStream, type Feed, type FeedBatch, instancesOf, openFeed} from './feed.ts';

export interface OptimizerOptions {
  readonly learning_rate: number;
  readonly momentum: number;
  readonly weight_decay: number;
  readonly schedule: Schedule;
}

/** The option `optimizer` of a learner, with its paper's values for it. */
export const optimizerOption = ({
  schedule = 'cosine',
  ...defaults
}: Omit<OptimizerOptions, 'schedule'> & {readonly schedule?: Schedule}) =>
  Type.Object(
    {
      learning_rate: Type.Number({
        exclusiveMinimum: 0,
        default: defaults.learning_rate,
        description: 'Rate of the first epoch.',
      }),
      momentum: Type.Number({minimum: 0, exclusiveMaximum: 1, default: defaults.momentum}),
      weight_decay: Type.Number({
        minimum: 0,
        default: defaults.weight_decay,
        description: 'L2 on every trainable weight, those of batch normalisation and the biases too.',
      }),
      schedule: Type.Union([Type.Literal('cosine'), Type.Literal('cosine-per-step'), Type.Literal('constant')], {
        default: schedule,
        description: 'cosine: down to 0 along one half wave, a step an epoch as in the ICLR paper, or a step a batch.',
      }),
    },
    {additionalProperties: false, default: {}, description: 'Stochastic gradient descent with momentum.'},
  );

/** What one step computes; all but the loss is only looked at. */
export interface StepResult {
  readonly loss: Scalar;
  readonly accuracy?: Scalar;
  /** (n, features): when all rows are equal, training has collapsed. */
  readonly pooled: Tensor2D;
}

export interface Training {
  readonly context: FitContext;
  /** The learner itself, options resolved: the feed's threads make its `views`. */
  readonly learner: PluginRef;
  readonly parameters: readonly ParameterSpec[];
  readonly epochs: number;
  /** Instances a step: images, and their copies by distribution augmentation. */
  readonly batch: number;
  /** Steps of an epoch; absent: one pass over the instances. */
  readonly stepsPerEpoch?: number;
  readonly optimizer: OptimizerOptions;
  /** Loss of guessing at random, for a batch of so many images. */
  chance(batch: number): number;
  /** x (views · count, h, w, 3): view 0 of every instance, then view 1 … Called inside the gradient. */
  loss(weights: Weights, x: Tensor4D, batch: {readonly count: number; readonly views: number}): StepResult;
}

/** Training that can't go on: the message says what was seen and what to try. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}

/** Losses are fetched from the device this often, not at each step, so that it need not wait; progress is told then. */
const fetchEverySeconds = 0.5;

export async function train(training: Training): Promise<FitResult> {
  const {context, learner, parameters, epochs} = training;
  const {images, augment, distributionAugmentation: copies = [], plugins, rng, signal, checkpoints} = context;
  signal.throwIfAborted();
  const instances = instancesOf(images, copies);
  const batch = Math.min(training.batch, instances);
  if (batch < training.batch)
    context.warn(
      `the ${instances} training images do not fill a batch of ${training.batch}: each step takes all ${batch} of them`,
    );

  const saved = await checkpoints.load();
  const state = saved ? resumed(parameters, saved.arrays, training) : started(training);
  const curve: CurvePoint[] = saved ? [...(saved.meta['curve'] as CurvePoint[])] : [];
  let feed: Feed | undefined;
  try {
    // Each epoch is complete in the curve: what a checkpoint lacks is made again, from the same batches.
    feed = openFeed({
      images,
      learner,
      augment,
      copies,
      plugins,
      stream: batchStream(rng),
      batch,
      epochs,
      startEpoch: curve.length,
      dropLast: true,
      ...(training.stepsPerEpoch !== undefined && {stepsPerEpoch: training.stepsPerEpoch}),
    });
    while (curve.length < epochs) {
      curve.push(await trainEpoch({...training, batch}, state, feed, curve.length));
      if (curve.length < epochs && checkpoints.due())
        await checkpoints.save(await stateArrays(state), {curve: [...curve]});
    }
    warnOfChance(training, curve.at(-1)!, training.chance(batch));
    return {weights: await weightsToArrays(state.weights), curve};
  } finally {
    await feed?.close();
    state.sgd.dispose();
    disposeWeights(state.weights);
  }
}

// ------------------------------------------------------------------------------------------------------------- state

interface State {
  readonly weights: Weights;
  readonly sgd: Sgd;
}

const started = ({parameters, context, optimizer}: Training): State => {
  const weights = createWeights(parameters, context.rng.fork('weights'));
  return {weights, sgd: new Sgd(weights, decays(optimizer))};
};

function resumed(parameters: readonly ParameterSpec[], arrays: NamedArrays, {optimizer}: Training): State {
  const weights = restoreWeights(parameters, part(arrays, 'weights/'));
  return {weights, sgd: new Sgd(weights, decays(optimizer), part(arrays, 'momentum/'))};
}

async function stateArrays({weights, sgd}: State): Promise<NamedArrays> {
  const named = (prefix: string, arrays: NamedArrays) =>
    [...arrays].map(([name, array]) => [prefix + name, array] as const);
  return new Map([...named('weights/', await weightsToArrays(weights)), ...named('momentum/', await sgd.arrays())]);
}

const part = (arrays: NamedArrays, prefix: string): NamedArrays =>
  new Map(
    [...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array]),
  );

const decays = ({momentum, weight_decay}: OptimizerOptions) => ({momentum, decay: weight_decay});

// ------------------------------------------------------------------------------------------------------------- epoch

async function trainEpoch(training: Training, state: State, feed: Feed, epoch: number): Promise<CurvePoint> {
  const {context, epochs, optimizer} = training;
  const steps = feed.stepsPerEpoch;
  const schedule = {rate: optimizer.learning_rate, schedule: optimizer.schedule};
  const rateAt = (step: number): number => learningRate(schedule, {epoch, epochs, step, steps});
  const tally = new Tally();
  const pace = new Pace(epoch * steps, epochs * steps);
  let pooled: Tensor2D | undefined;
  try {
    for (let step = 0; step < steps; step++) {
      await setImmediate(); // lets an abort, and whatever else the process has to answer, come in
      context.signal.throwIfAborted();
      const batch = await feed.next();
      if (!batch) throw new Error('Internal error: the feed ended before the training');
      pooled?.dispose();
      const made = takeStep(training, state, batch, feed, rateAt(step));
      pooled = made.pooled;
      tally.add(made);
      const last = step === steps - 1;
      if (!last && !pace.due()) continue;
      const mean = await tally.fetch();
      if (!Number.isFinite(mean.loss)) throw notFinite(training, mean.loss, epoch, step, steps);
      context.report({
        epoch,
        epochs,
        step,
        steps,
        ...mean,
        learningRate: rateAt(step),
        ...pace.measure(epoch * steps + step + 1, batch.count * batch.views),
      });
      context.signal.throwIfAborted(); // the listener may have had enough
    }
    if (await allEqual(pooled!)) throw collapsed(training, epoch);
    return {epoch, ...(await tally.fetch()), learningRate: rateAt(0)};
  } finally {
    pooled?.dispose();
    tally.dispose();
  }
}

/** Forward, backward, update. The result's tensors are the caller's. */
function takeStep(training: Training, {weights, sgd}: State, batch: FeedBatch, feed: Feed, rate: number): StepResult {
  const {count, views} = batch;
  return tf.tidy(() => {
    const x = tf.tensor4d(batch.images, [views * count, feed.height, feed.width, 3]);
    let made: StepResult | undefined;
    const {value, grads} = tf.variableGrads(() => {
      const {loss, accuracy, pooled} = training.loss(weights, x, {count, views});
      made = {loss, ...(accuracy && {accuracy: tf.keep(accuracy)}), pooled: tf.keep(pooled)};
      return loss;
    }, [...sgd.trainable]);
    sgd.step(grads, rate);
    return {...made!, loss: value};
  });
}

/** Loss and accuracy of the steps so far; on the device until fetched. */
class Tally {
  readonly #waiting: StepResult[] = [];
  #steps = 0;
  #loss = 0;
  #accuracy: number | undefined;

  add(made: StepResult): void {
    this.#waiting.push(made);
  }

  /** Means over the epoch so far. Sums go step by step, so that it does not matter when one looks. */
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

async function valuesOf(scalars: readonly Scalar[]): Promise<Float32Array> {
  const all = tf.stack([...scalars]);
  try {
    return await all.data<'float32'>();
  } finally {
    all.dispose();
  }
}

/** Speed of an epoch, for people alone: no result depends on it. */
class Pace {
  readonly #total: number;
  #at: number;
  #since = performance.now();

  constructor(step: number, total: number) {
    this.#at = step;
    this.#total = total;
  }

  due(): boolean {
    return performance.now() - this.#since >= 1000 * fetchEverySeconds;
  }

  /** Since the last call. */
  measure(step: number, inputsAStep: number): {readonly imagesPerSecond: number; readonly secondsLeft: number} {
    const now = performance.now();
    const perSecond = ((step - this.#at) * 1000) / Math.max(now - this.#since, 1e-3);
    this.#at = step;
    this.#since = now;
    return {imagesPerSecond: inputsAStep * perSecond, secondsLeft: (this.#total - step) / perSecond};
  }
}

// ---------------------------------------------------------------------------------------------------------- collapse

/** True when no column tells two rows apart beyond float32's own rounding; one row alone is no sign. */
async function allEqual(pooled: Tensor2D): Promise<boolean> {
  if (pooled.shape[0] < 2) return false;
  const both = tf.tidy(() => {
    const spread = tf.max(tf.sub(tf.max(pooled, 0), tf.min(pooled, 0)));
    return [spread as Scalar, tf.max(tf.abs(pooled)) as Scalar];
  });
  const [spread, largest] = await valuesOf(both);
  tf.dispose(both);
  return spread! <= 1e-6 * largest!;
}

const notFinite = ({optimizer, batch}: Training, loss: number, epoch: number, step: number, steps: number) =>
  new TrainingError(
    `the loss is ${loss} in epoch ${epoch + 1}, by step ${step + 1} of ${steps}: training has blown up. ` +
      `Try a lower optimizer.learning_rate (now ${optimizer.learning_rate}) or a larger batch (now ${batch}).`,
  );

const collapsed = ({optimizer, batch}: Training, epoch: number) =>
  new TrainingError(
    `after epoch ${epoch + 1} all images have the same features: training has collapsed. ` +
      `Try a lower optimizer.learning_rate (now ${optimizer.learning_rate}), a lower optimizer.weight_decay ` +
      `(now ${optimizer.weight_decay}) or a larger batch (now ${batch}), and look whether the images differ at all.`,
  );

function warnOfChance({context, epochs}: Training, {loss}: CurvePoint, chance: number): void {
  if (loss > 0.98 * chance)
    context.warn(
      `the last epoch's loss is ${loss.toFixed(3)} and guessing gives ${chance.toFixed(3)}: almost nothing was learnt ` +
        `in ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}. Try more epochs or another optimizer.learning_rate.`,
    );
}

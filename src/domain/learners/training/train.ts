/**
 * The one training loop: batches, steps, schedule, loss curve, progress, checkpoints, and a stop when training has
 * collapsed. Does not know what is learnt: that is the `loss`.
 */
import {setImmediate} from 'node:timers/promises';
import {plural} from '../../../core/base/text.ts';
import type {NamedArrays} from '../../../core/contracts/data.ts';
import type {PluginRef} from '../../../core/contracts/definition.ts';
import type {CurvePoint, FitContext, FitResult} from '../../../core/contracts/learner.ts';
import {type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf} from '../../../core/engine/engine.ts';
import {type Compiled, compile} from '../../../core/nn/compile.ts';
import {
  createWeights,
  disposeWeights,
  type ParameterSpec,
  restoreWeights,
  type Weights,
  weightsToArrays,
} from '../../../core/nn/layers.ts';
import {learningRate, type Schedule, Sgd} from '../../../core/nn/optimise.ts';
import {Type} from '../../../core/plugin/type.ts';
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
      momentum: Type.Number({
        minimum: 0,
        exclusiveMaximum: 1,
        default: defaults.momentum,
        description: 'Share of the last update that is added to the next one.',
      }),
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

/** A stretch of a training: weights that move down the gradient of a loss, at a rate that falls from a start of its own. */
export interface Phase {
  readonly epochs: number;
  /** Of its first epoch. */
  readonly learningRate: number;
  /** Whether a trainable weight of this name moves; absent: all do. */
  moves?(weight: string): boolean;
  /** x (views · count, h, w, 3): view 0 of every instance, then view 1 … Called inside the gradient. */
  loss(weights: Weights, x: Tensor4D, batch: {readonly count: number; readonly views: number}): StepResult;
}

/** The phase that every training has, at the optimiser's rate; and around it what both have in common. */
export interface Training extends Omit<Phase, 'learningRate'> {
  readonly context: FitContext;
  /** The learner itself, options resolved: the feed's threads make its `views`. */
  readonly learner: PluginRef;
  readonly parameters: readonly ParameterSpec[];
  /** First values of some parameters; absent: all are random. */
  readonly start?: NamedArrays | undefined;
  /** The option `head_first`: comes before, with a momentum of its own. */
  readonly headFirst?: Phase | undefined;
  /** Instances a step: images, and their copies by distribution augmentation. */
  readonly batch: number;
  /** Steps of an epoch; absent: one pass over the instances. */
  readonly stepsPerEpoch?: number;
  readonly optimizer: OptimizerOptions;
  /** Loss of guessing at random, for a batch of so many images. */
  chance(batch: number): number;
}

/** Training that can't go on: the message says what was seen and what to try. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}

/** Losses are fetched from the device this often, not at each step, so that it need not wait; progress is told then. */
const fetchEverySeconds = 0.5;

export async function train(training: Training): Promise<FitResult> {
  const {context, learner, parameters} = training;
  const {images, augment, distributionAugmentation: copies = [], plugins, rng, signal, checkpoints} = context;
  signal.throwIfAborted();
  const instances = instancesOf(images, copies);
  const batch = Math.min(training.batch, instances);
  if (batch < training.batch)
    context.warn(
      `the ${instances} training images do not fill a batch of ${training.batch}: each step takes all ${batch} of them`,
    );

  const saved = await checkpoints.load();
  const weights = saved
    ? restoreWeights(parameters, part(saved.arrays, 'weights/'))
    : createWeights(parameters, rng.fork('weights'), training.start);
  const curve: CurvePoint[] = saved ? [...(saved.meta['curve'] as CurvePoint[])] : [];
  const phases = phasesOf(training);
  const epochs = phases.at(-1)!.end;
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
    const momentum = saved && part(saved.arrays, 'momentum/');
    for (const phase of phases)
      if (curve.length < phase.end)
        await trainPhase({...training, batch}, phase, {weights, feed, epochs, curve, momentum});
    warnOfChance(training, curve, training.chance(batch));
    return {weights: await weightsToArrays(weights), curve};
  } finally {
    await feed?.close();
    disposeWeights(weights);
  }
}

// ------------------------------------------------------------------------------------------------------------- phases

/** A phase at its place in the training. */
interface Placed extends Phase {
  /** Epochs before it, and with it. */
  readonly start: number;
  readonly end: number;
  /** Of its learning rate. */
  readonly rateOption: string;
}

function phasesOf({context, epochs, optimizer, moves, loss, ...training}: Training): readonly Placed[] {
  const headFirst = context.mainPart ? undefined : training.headFirst;
  const start = headFirst?.epochs ?? 0;
  const end = start + epochs;
  const rateOption = 'optimizer.learning_rate';
  const main = {epochs, learningRate: optimizer.learning_rate, ...(moves && {moves}), loss, start, end, rateOption};
  return headFirst ? [{...headFirst, start: 0, end: start, rateOption: 'head_first.learning_rate'}, main] : [main];
}

interface State {
  readonly weights: Weights;
  readonly feed: Feed;
  /** Of all phases. */
  readonly epochs: number;
  /** Grows by a point an epoch. */
  readonly curve: CurvePoint[];
  /** Of the checkpoint that this run has begun with. */
  readonly momentum: NamedArrays | undefined;
}

/** From its start, or from where the curve is in it. */
async function trainPhase(training: Training, phase: Placed, state: State): Promise<void> {
  const {weights, epochs, curve, momentum} = state;
  const {checkpoints} = training.context;
  const moving = new Map([...weights].filter(([name]) => phase.moves?.(name) ?? true));
  const {momentum: factor, weight_decay: decay} = training.optimizer;
  const sgd = new Sgd(moving, {momentum: factor, decay}, curve.length > phase.start ? momentum : undefined);
  const step = compileStep(phase, weights, sgd, state.feed.views);
  try {
    while (curve.length < phase.end) {
      curve.push(await trainEpoch(training, phase, state, step));
      if (curve.length < epochs && checkpoints.due())
        await checkpoints.save(await stateArrays(weights, sgd), {curve: [...curve]});
    }
  } finally {
    step.dispose();
    sgd.dispose();
  }
}

async function stateArrays(weights: Weights, sgd: Sgd): Promise<NamedArrays> {
  const named = (prefix: string, arrays: NamedArrays) =>
    [...arrays].map(([name, array]) => [prefix + name, array] as const);
  return new Map([...named('weights/', await weightsToArrays(weights)), ...named('momentum/', await sgd.arrays())]);
}

const part = (arrays: NamedArrays, prefix: string): NamedArrays =>
  new Map(
    [...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array]),
  );

// ------------------------------------------------------------------------------------------------------------- epoch

async function trainEpoch(
  training: Training,
  phase: Placed,
  {feed, epochs, curve}: State,
  compiled: Compiled,
): Promise<CurvePoint> {
  const {context, optimizer} = training;
  const epoch = curve.length;
  const steps = feed.stepsPerEpoch;
  const schedule = {rate: phase.learningRate, schedule: optimizer.schedule};
  const at = {epoch: epoch - phase.start, epochs: phase.epochs, steps};
  const rateAt = (step: number): number => learningRate(schedule, {...at, step});
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
      context.signal.throwIfAborted(); // the listener may have had enough
    }
    if (await allEqual(pooled!)) throw collapsed(training, phase, epoch);
    return {epoch, ...(await tally.fetch()), learningRate: rateAt(0)};
  } finally {
    pooled?.dispose();
    tally.dispose();
  }
}

/** Forward, backward, update, of inputs x and the learning rate; results loss, pooled and, where there is one, accuracy. */
function compileStep({loss}: Phase, weights: Weights, sgd: Sgd, views: number): Compiled {
  return compile([...weights.values(), ...sgd.variables], ([x, rate]) => {
    let others: readonly Tensor[] = [];
    const {value, grads} = tf.variableGrads(() => {
      const made = loss(weights, x as Tensor4D, {count: x!.shape[0]! / views, views});
      others = [made.pooled, ...(made.accuracy ? [made.accuracy] : [])].map((tensor) => tf.keep(tensor));
      return made.loss;
    }, [...sgd.trainable]);
    sgd.step(grads, rate as Scalar);
    return [value, ...others];
  });
}

/** The result's tensors are the caller's. */
function takeStep(step: Compiled, {images, count, views}: FeedBatch, {height, width}: Feed, rate: number): StepResult {
  const inputs = [tf.tensor4d(images, [views * count, height, width, 3]), tf.scalar(rate)];
  const [loss, pooled, accuracy] = step.run(inputs) as [Scalar, Tensor2D, Scalar?];
  tf.dispose(inputs);
  return {loss, pooled, ...(accuracy && {accuracy})};
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

interface At {
  readonly epoch: number;
  readonly step: number;
  readonly steps: number;
}

const notFinite = ({batch}: Training, phase: Placed, loss: number, {epoch, step, steps}: At) =>
  new TrainingError(
    `the loss is ${loss} in epoch ${epoch + 1}, by step ${step + 1} of ${steps}: training has blown up. ` +
      `Try a lower ${phase.rateOption} (now ${phase.learningRate}) or a larger batch (now ${batch}).`,
  );

const collapsed = ({optimizer, batch}: Training, phase: Placed, epoch: number) =>
  new TrainingError(
    `after epoch ${epoch + 1} all images have the same features: training has collapsed. ` +
      `Try a lower ${phase.rateOption} (now ${phase.learningRate}), a lower optimizer.weight_decay ` +
      `(now ${optimizer.weight_decay}) or a larger batch (now ${batch}), and look whether the images differ at all.`,
  );

function warnOfChance({context}: Training, curve: readonly CurvePoint[], chance: number): void {
  const {loss} = curve.at(-1)!;
  if (loss > 0.98 * chance)
    context.warn(
      `the last epoch's loss is ${loss.toFixed(3)} and guessing gives ${chance.toFixed(3)}: almost nothing was learnt ` +
        `in ${plural(curve.length, 'epoch', 'epochs')}. Try more epochs or another optimizer.learning_rate.`,
    );
}

/**
 * The one training loop: phases, their epochs, the loss curve, and checkpoints. It does not know what is learnt; the `loss` does.
 */
import type {NamedArrays} from '../../../core/contracts/data.ts';
import type {Checkpoints, CurvePoint, FitResult} from '../../../core/contracts/learner.ts';
import {createWeights, disposeWeights, restoreWeights, type Weights, weightsToArrays} from '../../../core/nn/layers.ts';
import {arraysUnder, type Optimizer} from '../../../core/nn/optimise.ts';
import {warnOfChance} from './collapse.ts';
import {compileStep, type State, trainEpoch} from './epoch.ts';
import {instancesOf} from './feed.ts';
import {Feeds} from './feeds.ts';
import {openOptimizer} from './optimizer.ts';
import {Pace} from './pace.ts';
import {type Placed, phasesOf, type Training} from './phases.ts';

export async function train(training: Training): Promise<FitResult> {
  const {context, parameters} = training;
  const {images, distributionAugmentation: copies = [], rng, signal, checkpoints} = context;
  signal.throwIfAborted();
  const instances = instancesOf(images, copies);
  const batch = Math.min(training.batch, instances);
  if (batch < training.batch)
    context.warn(
      `the ${instances} training images do not fill a batch of ${training.batch}: each step takes all ${batch} of them`,
    );

  const saved = await checkpoints.load();
  const weights = saved
    ? restoreWeights(parameters, arraysUnder('weights/', saved.arrays))
    : createWeights(parameters, rng.fork('weights'), training.start);
  const curve: CurvePoint[] = saved ? [...(saved.meta['curve'] as CurvePoint[])] : [];
  const phases = phasesOf(training);
  const {start: mainStart, end: wholeEnd} = phases.at(-1)!;
  const epochs = Math.min(wholeEnd, mainStart + (context.until ?? Number.POSITIVE_INFINITY));
  // The curve only has complete epochs: what a checkpoint does not have is computed again, from the same batches.
  const feeds = new Feeds({...training, batch}, epochs, saved?.arrays);
  try {
    const momentum = saved && arraysUnder('momentum/', saved.arrays);
    const rescue = new Rescue(checkpoints);
    try {
      const state = {weights, feeds, epochs, isWhole: epochs === wholeEnd, curve, momentum, rescue};
      for (const phase of phases)
        if (curve.length < Math.min(phase.end, epochs)) await trainPhase({...training, batch}, phase, state);
    } catch (error) {
      if (signal.aborted) await rescue.save();
      throw error;
    }
    if (epochs === wholeEnd) warnOfChance(training, curve, training.chance(batch));
    const {removed} = feeds;
    return {weights: await weightsToArrays(weights), curve, ...(removed && {removed})};
  } finally {
    await feeds.close();
    disposeWeights(weights);
  }
}

interface PhaseState extends Omit<State, 'feed' | 'pace'> {
  readonly feeds: Feeds;
  readonly weights: Weights;
  /** From the checkpoint that this run has started from. */
  readonly momentum: NamedArrays | undefined;
  readonly rescue: Rescue;
  /** false: the training ends early, and its state is wanted. */
  readonly isWhole: boolean;
}

/** Milliseconds of training, beyond an epoch, that a stop may lose: as often is the state of an epoch's end kept in memory. */
const keepEvery = 1000;

/** The latest end of an epoch that is in memory but in no checkpoint: what is saved when the training is stopped. */
class Rescue {
  readonly #checkpoints: Checkpoints;
  #kept: Parameters<Checkpoints['save']> | undefined;
  #at = Number.NEGATIVE_INFINITY;

  constructor(checkpoints: Checkpoints) {
    this.#checkpoints = checkpoints;
  }

  /** Called at the end of an epoch. */
  async epochEnded(arrays: () => Promise<NamedArrays>, curve: readonly CurvePoint[]): Promise<void> {
    const due = this.#checkpoints.due();
    if (!due && performance.now() - this.#at < keepEvery) return;
    this.#kept = [await arrays(), {curve: [...curve]}];
    this.#at = performance.now();
    if (due) await this.save();
  }

  async endedEarly(arrays: NamedArrays, curve: readonly CurvePoint[]): Promise<void> {
    this.#kept = [arrays, {curve: [...curve]}];
    await this.save();
  }

  async save(): Promise<void> {
    if (!this.#kept) return;
    await this.#checkpoints.save(...this.#kept);
    this.#kept = undefined;
  }
}

/** From its start, or from the place where the curve ends. */
async function trainPhase(training: Training, phase: Placed, state: PhaseState): Promise<void> {
  const {weights, feeds, epochs, isWhole, curve, momentum, rescue} = state;
  const moving = new Map([...weights].filter(([name]) => phase.moves?.(name) ?? true));
  const optimizer = openOptimizer(training.optimizer, moving, curve.length > phase.start ? momentum : undefined);
  const {views, stepsPerEpoch} = await feeds.of(curve.length, weights);
  const pace = new Pace(curve.length * stepsPerEpoch, epochs * stepsPerEpoch);
  const step = compileStep(phase, weights, optimizer, views);
  try {
    while (curve.length < Math.min(phase.end, epochs)) {
      const feed = await feeds.of(curve.length, weights);
      curve.push(await trainEpoch(training, phase, {...state, feed, pace}, step));
      const arrays = () => stateArrays(weights, optimizer, feeds);
      if (curve.length < epochs) await rescue.epochEnded(arrays, curve);
      else if (!isWhole) await rescue.endedEarly(await arrays(), curve);
    }
  } finally {
    step.dispose();
    optimizer.dispose();
  }
}

async function stateArrays(weights: Weights, optimizer: Optimizer, feeds: Feeds): Promise<NamedArrays> {
  const named = (prefix: string, arrays: NamedArrays) =>
    [...arrays].map(([name, array]) => [prefix + name, array] as const);
  return new Map([
    ...named('weights/', await weightsToArrays(weights)),
    ...named('momentum/', await optimizer.arrays()),
    ...feeds.arrays(),
  ]);
}

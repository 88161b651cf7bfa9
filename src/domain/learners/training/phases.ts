/** The input of a training, and its phases. */
import type {NamedArrays} from '../../../core/contracts/data.ts';
import type {PluginRef} from '../../../core/contracts/definition.ts';
import type {FitContext} from '../../../core/contracts/learner.ts';
import type {Scalar, Tensor2D, Tensor4D} from '../../../core/engine/engine.ts';
import type {ParameterSpec, Weights} from '../../../core/nn/layers.ts';
import type {OptimizerOptions} from './optimizer.ts';

/** What one step computes; everything but the loss is only observed. */
export interface StepResult {
  readonly loss: Scalar;
  readonly accuracy?: Scalar;
  /** (n, features): when all rows are equal, training has collapsed. */
  readonly pooled: Tensor2D;
}

/** A part of a training: weights that follow the gradient of a loss, with a separate learning rate schedule. */
export interface Phase {
  readonly epochs: number;
  /** Of its first epoch. */
  readonly learningRate: number;
  /** Whether a trainable weight of this name moves; absent: all do. */
  moves?(weight: string): boolean;
  /** x (views · count, h, w, 3): view 0 of every instance, then view 1 … Called inside the gradient. */
  loss(weights: Weights, x: Tensor4D, batch: {readonly count: number; readonly views: number}): StepResult;
}

/** The phase that every training has, with the optimiser's rate; and what all phases have in common. */
export interface Training extends Omit<Phase, 'learningRate'> {
  readonly context: FitContext;
  /** The learner itself, options resolved: the feed's threads make its `views`. */
  readonly learner: PluginRef;
  readonly parameters: readonly ParameterSpec[];
  /** First values of some parameters; absent: all are random. */
  readonly start?: NamedArrays | undefined;
  /** The option `head_first`: a phase before it, with separate momentum. */
  readonly headFirst?: Phase | undefined;
  /** Instances in each step: images, and their copies by distribution augmentation. */
  readonly batch: number;
  /** Steps of an epoch; absent: one pass over the instances. */
  readonly stepsPerEpoch?: number;
  readonly optimizer: OptimizerOptions;
  /** Loss of random guessing, for a batch of this size. */
  chance(batch: number): number;
}

/** A phase at its place in the training. */
export interface Placed extends Phase {
  /** Epochs before it, and with it. */
  readonly start: number;
  readonly end: number;
  /** Of its learning rate. */
  readonly rateOption: string;
}

export function phasesOf({context, epochs, optimizer, moves, loss, ...training}: Training): readonly Placed[] {
  const headFirst = context.mainPart ? undefined : training.headFirst;
  const start = headFirst?.epochs ?? 0;
  const end = start + epochs;
  const rateOption = 'optimizer.learning_rate';
  const main = {epochs, learningRate: optimizer.learning_rate, ...(moves && {moves}), loss, start, end, rateOption};
  return headFirst ? [{...headFirst, start: 0, end: start, rateOption: 'head_first.learning_rate'}, main] : [main];
}

/** The option `optimizer` of every learner that trains. */

import type {NamedArrays} from '../../../core/contracts/data.ts';
import {Adam} from '../../../core/nn/adam.ts';
import type {Weights} from '../../../core/nn/layers.ts';
import {type Decay, type Optimizer, type Schedule, Sgd} from '../../../core/nn/optimise.ts';
import {Type} from '../../../core/plugin/type.ts';

export interface OptimizerOptions {
  /** Absent: sgd. */
  readonly type?: 'sgd' | 'adam';
  readonly learning_rate: number;
  readonly momentum: number;
  readonly weight_decay: number;
  readonly schedule: Schedule;
  readonly decay?: Decay;
}

/** `state`: of an earlier one's `arrays()`. */
export function openOptimizer(
  {type, momentum, weight_decay: decay}: OptimizerOptions,
  weights: Weights,
  state: NamedArrays | undefined,
): Optimizer {
  return type === 'adam' ? new Adam(weights, {momentum, decay}, state) : new Sgd(weights, {momentum, decay}, state);
}

/** The option `optimizer` of a learner, with its paper's values for it. */
export const optimizerOption = ({
  schedule = 'cosine',
  ...defaults
}: Omit<OptimizerOptions, 'schedule' | 'type' | 'decay'> & {readonly schedule?: Schedule}) =>
  Type.Object(
    {
      // Without a default, so that the keys of earlier trainings stay as they are.
      type: Type.Optional(
        Type.Union([Type.Literal('sgd'), Type.Literal('adam')], {
          description:
            'sgd: gradient descent with momentum; absent means this. adam: with the largest second moment kept (amsgrad), as the released code’s other one.',
        }),
      ),
      learning_rate: Type.Number({
        exclusiveMinimum: 0,
        default: defaults.learning_rate,
        description: 'Learning rate of the first epoch.',
      }),
      momentum: Type.Number({
        minimum: 0,
        exclusiveMaximum: 1,
        default: defaults.momentum,
        description: 'Share of the last update that is added to the next one; of adam the first moment’s share.',
      }),
      weight_decay: Type.Number({
        minimum: 0,
        default: defaults.weight_decay,
        description: 'L2 penalty on every trainable weight, including batch normalisation and biases.',
      }),
      schedule: Type.Union(
        [
          Type.Literal('cosine'),
          Type.Literal('cosine-per-step'),
          Type.Literal('half-cosine'),
          Type.Literal('linear'),
          Type.Literal('step'),
          Type.Literal('constant'),
        ],
        {
          default: schedule,
          description:
            'cosine: the rate falls to 0 along half a cosine wave, with one step for each epoch as in the ICLR paper, or for each batch. ' +
            'half-cosine: along 7/16 of a wave’s half, to a fifth. linear: evenly to 0. step: by a factor ("decay").',
        },
      ),
      decay: Type.Optional(
        Type.Object(
          {
            every: Type.Integer({minimum: 1, default: 1, description: 'Epochs after which the rate falls.'}),
            factor: Type.Number({
              exclusiveMinimum: 0,
              maximum: 1,
              default: 0.995,
              description: 'By which it is multiplied.',
            }),
          },
          {
            additionalProperties: false,
            description: 'Of the schedule "step"; absent: by 0.995 after each epoch, as in the released code.',
          },
        ),
      ),
    },
    {
      additionalProperties: false,
      default: {},
      description: 'What makes the weights follow their gradients.',
      // The others would not use it, and a spec that gives it means something by it.
      if: {properties: {schedule: {const: 'step'}}, required: ['schedule']},
      else: {properties: {decay: {not: {}, 'x-expected': 'absent, as only the schedule "step" has it'}}},
    },
  );

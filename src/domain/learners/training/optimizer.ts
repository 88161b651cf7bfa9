/** The option `optimizer` of every learner that trains. */
import type {Schedule} from '../../../core/nn/optimise.ts';
import {Type} from '../../../core/plugin/type.ts';

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
        description: 'Learning rate of the first epoch.',
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
        description: 'L2 penalty on every trainable weight, including batch normalisation and biases.',
      }),
      schedule: Type.Union([Type.Literal('cosine'), Type.Literal('cosine-per-step'), Type.Literal('constant')], {
        default: schedule,
        description:
          'cosine: the rate falls to 0 along half a cosine wave, with one step for each epoch as in the ICLR paper, or for each batch.',
      }),
    },
    {additionalProperties: false, default: {}, description: 'Stochastic gradient descent with momentum.'},
  );

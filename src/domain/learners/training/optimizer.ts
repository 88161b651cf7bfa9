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

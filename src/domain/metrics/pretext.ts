/** How well a learner does its own task on normal images that it has not seen: criteria that need no anomaly. */
import {defineLearnerMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';

const options = Type.Object({}, {additionalProperties: false});

export const proxyLoss = defineLearnerMetric({
  name: 'proxy-loss',
  version: 1,
  summary:
    'The learner’s own loss on normal validation images, in inference. Only values of the same learner, batch size and augmentation ' +
    'can be compared.',
  scale: 'number',
  better: 'lower',
  options,
  create: () => ({measurePretext: ({loss}) => loss}),
});

export const proxyAccuracy = defineLearnerMetric({
  name: 'proxy-accuracy',
  version: 1,
  summary:
    'How often the learner’s own task is solved on normal validation images: the turn of an image, whether a patch was pasted, ' +
    'which image of the batch is the other view. Undefined for a task without right answers.',
  better: 'higher',
  options,
  create: () => ({measurePretext: ({accuracy = Number.NaN}) => accuracy}),
});

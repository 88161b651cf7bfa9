import {defineMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {largestF1, rank} from './ranking.ts';

export const f1Max = defineMetric({
  name: 'f1-max',
  version: 1,
  summary:
    'The largest F1 of any threshold, with anomalies as positives; the threshold is chosen with the test labels.',
  testLabels: 'its threshold is the best one for the test labels',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({compute: (scores, labels) => largestF1(rank(scores, labels))}),
});

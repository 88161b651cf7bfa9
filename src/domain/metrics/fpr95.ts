import {defineMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {falsePositiveRateAt, rank} from './ranking.ts';

export const fpr95 = defineMetric({
  name: 'fpr95',
  version: 1,
  summary: 'Share of normal images called anomalous by the threshold that catches 95 % of the anomalies.',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'lower',
  create: () => ({compute: (scores, labels) => falsePositiveRateAt(0.95, rank(scores, labels))}),
});

import {defineMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {averagePrecision, rank} from './ranking.ts';

export const averagePrecisionMetric = defineMetric({
  name: 'average-precision',
  version: 1,
  summary: 'Area under the step-wise precision-recall curve, with anomalies as positives.',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({compute: (scores, labels) => averagePrecision(rank(scores, labels))}),
});

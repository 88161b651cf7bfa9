import {defineMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {areaUnderRoc, rank} from './ranking.ts';

export const auc = defineMetric({
  name: 'auc',
  version: 1,
  summary: 'Area under the ROC curve: how often an anomaly scores above a normal image; ties count half.',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({compute: (scores, labels) => areaUnderRoc(rank(scores, labels))}),
});

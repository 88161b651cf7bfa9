import {definePixelMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {averagePrecision, rank} from './ranking.ts';

export const pixelAveragePrecision = definePixelMetric({
  name: 'pixel-average-precision',
  version: 1,
  summary:
    'Area under the step-wise precision-recall curve of all pixels of all test images together: unlike pixel-auc, it is low where a few defects drown in false alarms.',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({measurePixels: ({maps, masks}) => averagePrecision(rank(maps, masks))}),
});

import {definePixelMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {largestF1, rank} from './ranking.ts';

export const pixelF1Max = definePixelMetric({
  name: 'pixel-f1-max',
  version: 1,
  summary:
    'The largest F1 of any threshold, over all pixels of all test images together; the threshold is chosen with the masks.',
  testLabels: 'its threshold is the best one for the test masks',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({measurePixels: ({maps, masks}) => largestF1(rank(maps, masks))}),
});

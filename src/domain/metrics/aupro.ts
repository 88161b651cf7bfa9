import {definePixelMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {areaUnderPro} from './regions.ts';

export const aupro = definePixelMetric({
  name: 'aupro',
  version: 1,
  summary: 'Area under the per-region-overlap curve: every defect has the same weight, whatever its size.',
  paper: 'Bergmann et al. 2021',
  options: Type.Object(
    {
      limit: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.3,
        description: 'False-positive rate up to which the curve is integrated. The area is divided by it.',
      }),
    },
    {additionalProperties: false},
  ),
  better: 'higher',
  create: ({limit}) => ({measurePixels: (sample) => areaUnderPro(sample, limit)}),
});

import {definePixelMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {areaUnderSpro} from './regions.ts';

export const spro = definePixelMetric({
  name: 'spro',
  version: 1,
  summary:
    "Area under the curve of the saturated per-region overlap, for datasets that say how much of a defect is enough (mvtec-loco); for others it is aupro's.",
  paper: 'Bergmann et al. 2022',
  options: Type.Object(
    {
      limit: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.05,
        description: 'False-positive rate up to which the curve is integrated. The area is divided by it.',
      }),
    },
    {additionalProperties: false},
  ),
  better: 'higher',
  create: ({limit}) => ({measurePixels: (sample) => areaUnderSpro(sample, limit)}),
});

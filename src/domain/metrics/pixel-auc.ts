import {definePixelMetric} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';
import {areaUnderRocOfPixels} from './pixel-area.ts';

export const pixelAuc = definePixelMetric({
  name: 'pixel-auc',
  version: 1,
  summary: 'Area under the ROC curve of all pixels of all test images together; ties count half.',
  paper: 'Li et al. 2021 (CutPaste), table 2',
  options: Type.Object({}, {additionalProperties: false}),
  better: 'higher',
  create: () => ({measurePixels: ({maps, masks}) => areaUnderRocOfPixels(maps, masks)}),
});

import {defineFeatureMetric} from '../../core/contracts/metric.ts';
import {normaliseRows} from '../../core/linalg/matrix.ts';
import {Type} from '../../core/plugin/type.ts';

export const alignment = defineFeatureMetric({
  name: 'alignment',
  version: 1,
  summary:
    'How similar the features of two draws of the augmentation of a normal test image are: their mean squared distance, scaled ' +
    'to length 1. 0: always equal; 2: unrelated; 4: the maximum. Undefined without an augmentation.',
  paper: 'Wang & Isola 2020',
  scale: 'number',
  better: 'lower',
  views: true,
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({
    measure({views}) {
      if (!views) return Number.NaN; // there is no augmentation
      const [a, b] = views.map(normaliseRows) as [ReturnType<typeof normaliseRows>, ReturnType<typeof normaliseRows>];
      let sum = 0;
      for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
      return sum / a.rows;
    },
  }),
});

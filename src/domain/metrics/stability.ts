import {defineAgreementMetric} from '../../core/contracts/metric.ts';
import {spearman} from '../../core/linalg/spearman.ts';
import {Type} from '../../core/plugin/type.ts';

export const stability = defineAgreementMetric({
  name: 'stability',
  version: 1,
  summary:
    'How alike the seeds of a configuration rank the normal validation images: Spearman’s rank correlation of their scores, the mean ' +
    'over all pairs of seeds. 1: all rank them alike; 0: the ranks are unrelated. Needs at least two seeds.',
  scale: 'number',
  better: 'higher',
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({
    measureAgreement(scores) {
      const pairs = scores.flatMap((a, i) => scores.slice(i + 1).map((b) => spearman(a, b)));
      return pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    },
  }),
});

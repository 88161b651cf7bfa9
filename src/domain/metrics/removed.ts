/** How well refinement finds the anomalies among the training images, where these are known. */
import {defineRefinementMetric, type RefinementSample} from '../../core/contracts/metric.ts';
import {Type} from '../../core/plugin/type.ts';

const options = Type.Object({}, {additionalProperties: false});
const sum = (marks: Uint8Array): number => marks.reduce((total, mark) => total + mark, 0);
/** Anomalies that were removed. */
const found = ({removed, anomalous}: RefinementSample): number => sum(removed.map((mark, i) => mark & anomalous[i]!));

export const removedPrecision = defineRefinementMetric({
  name: 'removed-precision',
  version: 1,
  summary: 'Share of the training images removed by `refine` that are anomalies, which `contaminate` has put there.',
  better: 'higher',
  options,
  create: () => ({measureRefinement: (sample) => found(sample) / sum(sample.removed)}),
});

export const removedRecall = defineRefinementMetric({
  name: 'removed-recall',
  version: 1,
  summary:
    'Share of the anomalies among the training images that `refine` has removed; `contaminate` has put them there.',
  better: 'higher',
  options,
  create: () => ({measureRefinement: (sample) => found(sample) / sum(sample.anomalous)}),
});

import type {Rng} from '../../core/base/random.ts';
import {defineFeatureMetric} from '../../core/contracts/metric.ts';
import {normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import {Type} from '../../core/plugin/type.ts';
import {decide, fitLogistic} from './logistic.ts';
import {areaUnderRoc, rank} from './ranking.ts';

/** Linear separability of normal and anomalous images (docs/paper-notes.md 7, A6). */
export const linearProbe = defineFeatureMetric({
  name: 'linear-probe',
  version: 1,
  summary:
    'AUC of a supervised logistic regression, normal against anomalous, on the frozen features: fitted on a seeded half of the ' +
    'test images (half of each class), evaluated on the other half.',
  paper: 'Sohn et al. 2021, analysis of linear separability; its classifier, split and regularisation are not known',
  better: 'higher',
  testLabels: 'it is fitted on half of the test images with their labels',
  options: Type.Object(
    {
      c: Type.Number({
        exclusiveMinimum: 0,
        default: 1,
        description:
          'Weight of the images against the L2 penalty, as in scikit-learn and with its default; our choice.',
      }),
      normalise: Type.Boolean({
        default: true,
        description: 'Scale every row to length 1 first, as the one-class classifiers do; our choice.',
      }),
    },
    {additionalProperties: false},
  ),
  create: ({c, normalise}) => ({
    measure({features, labels, rng}) {
      const x = normalise ? normaliseRows(features) : features;
      const {fitted, heldOut} = halves(labels, rng.fork('split'));
      const of = (rows: Uint32Array) => Uint8Array.from(rows, (row) => labels[row]!);
      const fittedLabels = of(fitted);
      if (!fittedLabels.includes(0) || !fittedLabels.includes(1)) return Number.NaN;
      const model = fitLogistic(pickRows(x, fitted), fittedLabels, {c});
      return areaUnderRoc(rank(decide(pickRows(x, heldOut), model), of(heldOut)));
    },
  }),
});

/** Half of the rows of each label, and the other half; of an odd number the larger half is fitted. */
function halves(labels: Uint8Array, rng: Rng): {readonly fitted: Uint32Array; readonly heldOut: Uint32Array} {
  const fitted: number[] = [];
  const heldOut: number[] = [];
  for (const label of [0, 1]) {
    const rows = Array.from(labels.keys()).filter((row) => labels[row] === label);
    const order = rng.fork(label).permutation(rows.length);
    order.forEach((i, place) => {
      (place < rows.length / 2 ? fitted : heldOut).push(rows[i]!);
    });
  }
  return {fitted: Uint32Array.from(fitted).sort(), heldOut: Uint32Array.from(heldOut).sort()};
}

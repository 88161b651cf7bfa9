import type {Classifier, Matrix, NamedArrays, Scorer} from '../../core/plugin/contracts.ts';
import {defineClassifier} from '../../core/plugin/define.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import type {Rng} from '../../core/random.ts';
import {layerOption, normaliseRows, thin, trainLimitOption} from './features.ts';
import {RbfPoints} from './rbf.ts';

const options = Type.Object(
  {
    k: Type.Integer({
      minimum: 1,
      default: 1,
      description: 'Neighbours whose cosines are averaged; all training rows where there are fewer.',
    }),
    layer: layerOption,
    train_limit: trainLimitOption,
  },
  {additionalProperties: false},
);

type Options = Static<typeof options>;

export const knn = defineClassifier({
  name: 'knn',
  version: 1,
  summary: 'One minus the mean cosine with the k most similar training features.',
  paper: 'Sohn et al. 2021, released code: k = 1',
  options,
  row: ({k}) => `${k}-nn`,
  create: (chosen) => new NearestNeighbours(chosen),
});

/**
 * 1 - cos(x, y) = ½ ‖x - y‖² of rows of length 1: taken from distances, which keep their digits where cosines are all near 1.
 * A row of zeros has no cosine; it counts as ½ from every other.
 */
class NearestNeighbours implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    return this.#scorer(RbfPoints.fit(normaliseRows(thin(features, this.#options.train_limit, rng)), 0.5));
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(RbfPoints.restore(saved));
  }

  #scorer(points: RbfPoints): Scorer {
    const k = Math.min(this.#options.k, points.points.rows);
    return {
      score: (features) => {
        const scores = new Float64Array(features.rows);
        points.forEachRow(normaliseRows(features), (row, exponents) => {
          scores[row] = -meanOfLargest(exponents, k);
        });
        return scores;
      },
      save: () => new Map(points.save()),
    };
  }
}

/** May reorder `values`. */
function meanOfLargest(values: Float64Array, k: number): number {
  if (k > 1) values.sort();
  let sum = 0;
  if (k > 1) for (let i = values.length - k; i < values.length; i++) sum += values[i]!;
  else sum = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return sum / k;
}

import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import {layerOption, normaliseRows, slopesThrough, subsample, trainLimitOption} from './features.ts';
import {RbfPoints} from './rbf.ts';
import {normaliseRowsGraph, sumRows} from './scores-graph.ts';

const options = Type.Object(
  {
    k: Type.Integer({
      minimum: 1,
      default: 1,
      description: 'Number of neighbours whose cosines are averaged; all training rows if there are fewer.',
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
  nonNegative: () => true,
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
    return this.#scorer(RbfPoints.fit(normaliseRows(subsample(features, this.#options.train_limit, rng)), 0.5));
  }

  heldOut(features: Matrix, rng: Rng): Float64Array {
    const rows = normaliseRows(subsample(features, this.#options.train_limit, rng));
    const k = Math.min(this.#options.k, rows.rows - 1);
    return distances(RbfPoints.fit(rows, 0.5), rows, k, {own: true});
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(RbfPoints.restore(saved));
  }

  #scorer(points: RbfPoints): Scorer {
    const k = Math.min(this.#options.k, points.points.rows);
    return {
      score: (features) => distances(points, normaliseRows(features), k, {own: false}),
      gradient: (features) => {
        const slopes = (rows: Matrix): Matrix =>
          points.pull(rows, (exponents) => {
            const least = exponents.toSorted()[exponents.length - k]!;
            let [left, free] = [k, 0];
            for (const value of exponents) if (value > least) free++;
            left -= free; // so many of those as near as the k-th are among the nearest
            for (let j = 0; j < exponents.length; j++) {
              const isNear = exponents[j]! > least || (exponents[j] === least && left-- > 0);
              exponents[j] = isNear ? 1 / k : 0;
            }
          });
        return slopesThrough(true, features, slopes);
      },
      save: () => new Map(points.save()),
      graph: (builder, features) => {
        const exponents = points.exponentsGraph(builder, normaliseRowsGraph(builder, features));
        const largest = builder.node('TopK', [exponents, builder.integers(k)], {axis: 1}, {outputs: 2});
        return builder.node('Mul', [sumRows(builder, largest), builder.double(-1 / k)]);
      },
    };
  }
}

/** `own`: the rows are the points, and none is a neighbour of its own. */
function distances(points: RbfPoints, rows: Matrix, k: number, {own}: {readonly own: boolean}): Float64Array {
  const scores = new Float64Array(rows.rows);
  points.forEachRow(rows, (row, exponents) => {
    if (own) exponents[row] = -Infinity;
    scores[row] = -meanOfLargest(exponents, k);
  });
  return scores;
}

/** May reorder `values`. */
function meanOfLargest(values: Float64Array, k: number): number {
  if (k > 1) values.sort();
  let sum = 0;
  if (k > 1) for (let i = values.length - k; i < values.length; i++) sum += values[i]!;
  else sum = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return sum / k;
}

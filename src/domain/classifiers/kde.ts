import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import {expNegative} from './fast-exp.ts';
import {
  bandwidthOptions,
  gammaFor,
  layerOption,
  normaliseRows,
  slopesThrough,
  subsample,
  trainLimitOption,
} from './features.ts';
import {RbfPoints} from './rbf.ts';
import {maximumOfRows, normaliseRowsGraph, slopesThroughGraph, sumRows} from './scores-graph.ts';

const options = Type.Object(
  {
    ...bandwidthOptions,
    normalise: Type.Boolean({default: true, description: 'Scale rows to length 1 first, as in the paper.'}),
    layer: layerOption,
    train_limit: trainLimitOption,
  },
  {additionalProperties: false},
);

type Options = Static<typeof options>;

export const kde = defineClassifier({
  name: 'kde',
  version: 3,
  summary: 'Gaussian kernel density of the training features, as minus its logarithm.',
  paper: 'Sohn et al. 2021',
  options,
  row: () => 'kde',
  create: (chosen) => new KernelDensity(chosen),
});

/**
 * Score = -(1/γ) log Σᵢ exp(-γ ‖x - xᵢ‖²). On features of length 1, ‖x - xᵢ‖² = 2 - 2 x·xᵢ, so that it is the paper's
 * -(1/γ) log Σᵢ exp(2γ x·xᵢ) plus 2. scikit-learn's log-density with bandwidth (2γ)^(-1/2) is minus γ times it, plus a constant.
 */
class KernelDensity implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    const prepared = this.#prepare(subsample(features, this.#options.train_limit, rng));
    return this.#scorer(RbfPoints.fit(prepared, gammaFor(prepared, this.#options)));
  }

  heldOut(features: Matrix, rng: Rng): Float64Array {
    const prepared = this.#prepare(subsample(features, this.#options.train_limit, rng));
    return densities(RbfPoints.fit(prepared, gammaFor(prepared, this.#options)), prepared, {own: true});
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(RbfPoints.restore(saved));
  }

  #scorer(points: RbfPoints): Scorer {
    return {
      score: (features) => {
        const rows = this.#prepare(features);
        if (points.narrow) return densities(points, rows, {own: false});
        return points.logSums(rows).map((sum) => -sum / points.gamma);
      },
      gradient: (features) => {
        // 2 Σ pⱼ (x - xⱼ), p the share of each point in the density.
        const slopes = (rows: Matrix): Matrix =>
          points.pull(rows, (exponents) => {
            const nearest = exponents.reduce((most, value) => Math.max(most, value), -Infinity);
            let sum = 0;
            for (let j = 0; j < exponents.length; j++) sum += exponents[j] = expNegative(exponents[j]! - nearest);
            for (let j = 0; j < exponents.length; j++) exponents[j]! *= 2 / sum;
          });
        return slopesThrough(this.#options.normalise, features, slopes);
      },
      save: () => new Map(points.save()),
      gradientGraph: (builder, features) =>
        slopesThroughGraph(builder, this.#options.normalise, features, (rows) => {
          const placed = points.graph(builder);
          const shares = builder.node('Softmax', [placed.exponents(rows)], {axis: 1});
          return placed.pull(rows, builder.node('Mul', [shares, builder.double(2)]));
        }),
      graph: (builder, features) => {
        const exponents = points.graph(builder).exponents(this.#prepareGraph(builder, features));
        const nearest = maximumOfRows(builder, exponents, {keep: true});
        const weights = builder.node('Exp', [builder.node('Sub', [exponents, nearest])]);
        const logSum = builder.node('Log', [sumRows(builder, weights, {keep: true})]);
        const sum = builder.node('Squeeze', [builder.node('Add', [nearest, logSum]), builder.integers(1)]);
        return builder.node('Mul', [sum, builder.double(-1 / points.gamma)]);
      },
    };
  }

  #prepareGraph(builder: GraphBuilder, features: Value): Value {
    return this.#options.normalise ? normaliseRowsGraph(builder, features) : features;
  }

  #prepare(features: Matrix): Matrix {
    return this.#options.normalise ? normaliseRows(features) : features;
  }
}

/** `own`: the rows are the points, and each is left out of its own density. */
function densities(points: RbfPoints, rows: Matrix, {own}: {readonly own: boolean}): Float64Array {
  const scores = new Float64Array(rows.rows);
  points.forEachRow(rows, (row, exponents) => {
    if (own) exponents[row] = -Infinity;
    let nearest = -Infinity;
    for (let i = 0; i < exponents.length; i++) nearest = Math.max(nearest, exponents[i]!);
    let sum = 0;
    for (let i = 0; i < exponents.length; i++) sum += expNegative(exponents[i]! - nearest);
    scores[row] = -(nearest + Math.log(sum)) / points.gamma;
  });
  return scores;
}

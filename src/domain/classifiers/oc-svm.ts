import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {squaredLengths} from '../../core/linalg/matrix.ts';
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
import {type KernelSource, kernelRows} from './kernel-rows.ts';
import {Direction, LinearPoints} from './linear.ts';
import {RbfPoints} from './rbf.ts';
import {normaliseRowsGraph, slopesThroughGraph} from './scores-graph.ts';
import {solveOneClass} from './smo.ts';

const options = Type.Object(
  {
    kernel: Type.Union([Type.Literal('rbf'), Type.Literal('linear')], {
      default: 'rbf',
      description: 'rbf: exp(-gamma ‖x - y‖²); linear: x · y.',
    }),
    nu: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.5,
      description:
        'The largest share of training rows outside, and the smallest share of support vectors. Range: (0, 1].',
    }),
    ...bandwidthOptions,
    normalise: Type.Union([Type.Literal('auto'), Type.Boolean()], {
      default: 'auto',
      description:
        'Scale rows to length 1 first. auto, as in the paper: yes for the rbf kernel, no for the linear one.',
    }),
    layer: layerOption,
    tolerance: Type.Number({
      exclusiveMinimum: 0,
      default: 1e-3,
      description:
        'The solver stops when no pair of points violates optimality by more than this, in units of the mean k(x, x). Where gamma is so small that all kernels are nearly equal, so must this be.',
    }),
    train_limit: trainLimitOption,
  },
  {additionalProperties: false},
);

type Options = Static<typeof options>;

export const ocSvm = defineClassifier({
  name: 'oc-svm',
  version: 5,
  summary: 'One-class support vector machine: minus the weighted sum of kernels at the support vectors.',
  paper: 'Schölkopf et al. 2001; Sohn et al. 2021',
  options,
  row: ({kernel}) => (kernel === 'rbf' ? 'oc-svm-rbf' : 'oc-svm-linear'),
  create: (chosen) => (chosen.kernel === 'rbf' ? new RbfMachine(chosen) : new LinearMachine(chosen)),
});

/** Score = -Σ αᵢ k(xᵢ, x), without the offset ρ: scikit-learn's `score_samples`, negated. */
class RbfMachine implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    const {support, weights} = this.#solve(features, rng);
    return this.#scorer(support, weights);
  }

  heldOut(features: Matrix, rng: Rng): Float64Array {
    const {prepared, alpha, chosen, support, weights} = this.#solve(features, rng);
    const sums = new Float64Array(prepared.rows);
    const places = new Int32Array(prepared.rows).fill(-1);
    for (const [place, row] of chosen.entries()) places[row] = place;
    // A row's own part is left out, not taken away again: what is left may be as small as the sum's rounding.
    support.forEachRow(prepared, (row, exponents) => {
      const own = places[row]!;
      for (let j = 0; j < exponents.length; j++) if (j !== own) sums[row]! += weights[j]! * expNegative(exponents[j]!);
    });
    return scaledToAll(alpha, sums);
  }

  scale(rows: number): number {
    return sumOfWeights(this.#options, rows);
  }

  #solve(features: Matrix, rng: Rng) {
    const {nu, tolerance, train_limit: limit} = this.#options;
    const prepared = this.#prepare(subsample(features, limit, rng));
    const points = RbfPoints.fit(prepared, gammaFor(prepared, this.#options));
    const alpha = weightsOf(points, nu, tolerance);
    const chosen = supportOf(alpha);
    const weights = Float32Array.from(chosen, (i) => alpha[i]!);
    return {prepared, alpha, chosen, support: points.pick(chosen), weights};
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(RbfPoints.restore(saved), saved.get('alpha')!.data);
  }

  #scorer(points: RbfPoints, alpha: Float32Array): Scorer {
    return {
      score: (features) => points.kernelSums(this.#prepare(features), alpha).map((sum) => -sum),
      gradient: (features) =>
        slopesThrough(this.#options.normalise !== false, features, (rows) =>
          points.pull(rows, (exponents) => {
            // Of -α e^a with a = -γ ‖x - y‖²: 2γ α e^a (x - y).
            for (let j = 0; j < exponents.length; j++)
              exponents[j] = 2 * points.gamma * alpha[j]! * expNegative(exponents[j]!);
          }),
        ),
      gradientGraph: (builder, features) =>
        slopesThroughGraph(builder, this.#options.normalise !== false, features, (rows) => {
          const placed = points.graph(builder);
          const kernel = builder.node('Exp', [placed.exponents(rows)]);
          const factors = builder.constant(Float64Array.from(alpha, (weight) => 2 * points.gamma * weight));
          return placed.pull(rows, builder.node('Mul', [kernel, factors]));
        }),
      save: () => new Map([...points.save(), ['alpha', {shape: [alpha.length], data: alpha}]]),
      graph: (builder, features) => {
        const rows = this.#options.normalise === false ? features : normaliseRowsGraph(builder, features);
        const kernel = builder.node('Exp', [points.graph(builder).exponents(rows)]);
        const sum = builder.node('MatMul', [kernel, builder.constant(Float64Array.from(alpha))]);
        return builder.node('Neg', [sum]);
      },
    };
  }

  #prepare(features: Matrix): Matrix {
    return this.#options.normalise === false ? features : normaliseRows(features);
  }
}

/** Score = -w·x with w = Σ αᵢ xᵢ. */
class LinearMachine implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    return this.#scorer(this.#solve(features, rng).direction);
  }

  heldOut(features: Matrix, rng: Rng): Float64Array {
    const {prepared, alpha, direction} = this.#solve(features, rng);
    const squares = squaredLengths(prepared);
    return scaledToAll(
      alpha,
      direction.along(prepared).map((sum, row) => sum - alpha[row]! * squares[row]!),
    );
  }

  scale(rows: number): number {
    return sumOfWeights(this.#options, rows);
  }

  #solve(features: Matrix, rng: Rng) {
    const {nu, tolerance, train_limit: limit} = this.#options;
    const prepared = this.#prepare(subsample(features, limit, rng));
    const points = new LinearPoints(prepared);
    const alpha = weightsOf(points, nu, tolerance);
    return {prepared, alpha, direction: points.direction(alpha)};
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(Direction.restore(saved));
  }

  #scorer(direction: Direction): Scorer {
    return {
      score: (features) => direction.along(this.#prepare(features)).map((value) => -value),
      gradient: (features) =>
        slopesThrough(this.#options.normalise === true, features, ({rows}) => direction.slopes(rows)),
      gradientGraph: (builder, features) =>
        slopesThroughGraph(builder, this.#options.normalise === true, features, (rows) =>
          direction.slopesGraph(builder, rows),
        ),
      save: () => direction.save(),
      graph: (builder, features) => {
        const rows = this.#options.normalise === true ? normaliseRowsGraph(builder, features) : features;
        return builder.node('Neg', [direction.alongGraph(builder, rows)]);
      },
    };
  }

  #prepare(features: Matrix): Matrix {
    return this.#options.normalise === true ? normaliseRows(features) : features;
  }
}

function weightsOf(points: KernelSource, nu: number, tolerance: number): Float64Array {
  const rows = kernelRows(points);
  try {
    return solveOneClass(rows, nu, tolerance).alpha;
  } finally {
    rows.dispose();
  }
}

/**
 * Scores of training rows by `sums` of the kernels at all other support vectors, whose weights are not solved for again but scaled to
 * the sum of all weights, which is the scale of new rows' scores.
 */
function scaledToAll(alpha: Float64Array, sums: Float64Array): Float64Array {
  const total = alpha.reduce((sum, weight) => sum + weight, 0);
  return sums.map((sum, row) => {
    const others = total - alpha[row]!;
    return others > 0 ? (-sum * total) / others : -sum;
  });
}

const sumOfWeights = ({nu, train_limit: limit}: Options, rows: number): number => nu * Math.min(rows, limit);

function supportOf(alpha: Float64Array): Int32Array {
  const all = Int32Array.from(alpha, (_, i) => i);
  return all.filter((i) => alpha[i]! > 0);
}

import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {centred, columnMeans, gram, squaredLengths} from '../../core/linalg/matrix.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import {cholesky, inverse, solveBoth, transposed, whitener} from './cholesky.ts';
import {covariance, ledoitWolfShare} from './covariance.ts';
import {dualDistance, dualGaussian, dualServes, dualSlope} from './dual-gaussian.ts';
import {
  joinDoubles,
  layerOption,
  normaliseRows,
  slopesThrough,
  splitDoubles,
  subsample,
  trainLimitOption,
} from './features.ts';
import {normaliseRowsGraph, slopesThroughGraph, square, sumRows} from './scores-graph.ts';

const options = Type.Object(
  {
    shrinkage: Type.Union([Type.Literal('none'), Type.Literal('ledoit-wolf')], {
      default: 'none',
      description:
        'none: the covariance of the features, as in the released code. ledoit-wolf: shrunk towards a multiple of the identity, ' +
        'less with more images; for fewer images than features.',
    }),
    regularisation: Type.Number({
      exclusiveMinimum: 0,
      default: 1e-6,
      description:
        'Number that is added to every variance, at least 1e-10 of the largest variance. It matters most where features do not vary.',
    }),
    normalise: Type.Boolean({default: true, description: 'Scale rows to length 1 first, as in the released code.'}),
    log_determinant: Type.Boolean({
      default: false,
      description:
        'Add the logarithm of the volume, so that the score is minus the log-likelihood. It is one number for all images, and matters only ' +
        'where several densities are compared, as by "localize" with one at each place.',
    }),
    layer: layerOption,
    train_limit: trainLimitOption,
  },
  {additionalProperties: false},
);

type Options = Static<typeof options>;

/** Of the largest variance: less than this is lost in the rounding of a factorisation in doubles. */
const leastRegularisation = 1e-10;

export const gde = defineClassifier({
  name: 'gde',
  version: 4,
  summary: 'One Gaussian with full covariance; half the squared Mahalanobis distance.',
  paper: 'Sohn et al. 2021; Li et al. 2021 (CutPaste)',
  options,
  row: () => 'gde',
  inParts: true,
  nonNegative: ({log_determinant}) => !log_determinant,
  create: (chosen) => new GaussianDensity(chosen),
});

interface GaussianScorer extends Scorer {
  /** Score of a row at the mean. */
  readonly least: number;
}

/**
 * Score = ½ (x - μ)ᵀ Σ⁻¹ (x - μ) (CutPaste, equation 2). As scikit-learn's `GaussianMixture` of one full component: Σ = (X - μ)ᵀ(X - μ) / n +
 * regularisation · I (docs/paper-notes.md 3.6, 13.1).
 */
class GaussianDensity implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    return this.#fit(subsample(features, this.#options.train_limit, rng)).scorer;
  }

  /**
   * By Sherman and Morrison: without row i of n, whose squared distance is q = vᵀΣ⁻¹v, the mean is v / (n - 1) further from it and the
   * covariance n / (n - 1) · (Σ - c vvᵀ) with c = (1 - share) / (n - 1), so that the distance is n / (n - 1) · q / (1 - c q).
   */
  heldOut(features: Matrix, rng: Rng): Float64Array {
    const rows = subsample(features, this.#options.train_limit, rng);
    const {scorer, share} = this.#fit(rows);
    const others = rows.rows - 1;
    return scorer.score(rows).map((score) => {
      const squares = 2 * (score - scorer.least);
      const left = 1 - ((1 - share) * squares) / others;
      return (rows.rows / others) * (squares / Math.max(left, Number.EPSILON) / 2) + scorer.least;
    });
  }

  /** `share`: of the identity in the covariance. */
  #fit(features: Matrix): {readonly scorer: GaussianScorer; readonly share: number} {
    const prepared = this.#prepare(features);
    const {rows: n, columns: d} = prepared;
    const mean = columnMeans(prepared);
    const x = centred(prepared, mean);
    // The smaller of the two has the same trace and squares, and so the same share of the identity.
    const small = n < d;
    const products = small ? gram(x, d) : covariance(x, d);
    const squares = sum(products.map((it) => it * it)) / (small ? n * n : 1);
    const moments = {squares, lengths: fourthPowers(x, n, d)};
    const {share, trace, b} = this.#regularised(columnVariances(x, d), moments, n);
    if (dualServes(n, d, (1 - share) * trace, b)) {
      const {whitened, halfLogDeterminant} = dualGaussian(x, products, d, (1 - share) / n, b);
      const constants = splitDoubles([Math.sqrt(b), halfLogDeterminant]);
      return {scorer: this.#dualScorer(splitDoubles(mean), splitDoubles(whitened), constants), share};
    }
    const sigma = small ? covariance(x, d) : products;
    return {scorer: this.#ofCovariance(mean, sigma, share, b, n), share};
  }

  /** Two passes: the mean, then the covariance about it. */
  async fitParts(parts: () => AsyncIterable<Matrix>): Promise<Scorer> {
    let [n, mean, sigma, lengths] = [0, new Float64Array(), new Float64Array(), 0];
    for await (const part of parts()) {
      const {rows, columns} = part;
      if (n === 0) mean = new Float64Array(columns);
      for (const [i, value] of columnMeans(this.#prepare(part)).entries()) mean[i]! += value * rows;
      n += rows;
    }
    const d = mean.length;
    for (let i = 0; i < d; i++) mean[i]! /= n;
    sigma = new Float64Array(d * d);
    for await (const part of parts()) {
      const x = centred(this.#prepare(part), mean);
      for (const [i, value] of covariance(x, d).entries()) sigma[i]! += value * (part.rows / n);
      lengths += fourthPowers(x, part.rows, d);
    }
    const variances = sigma.filter((_, i) => i % (d + 1) === 0);
    const {share, b} = this.#regularised(variances, {squares: sum(sigma.map((it) => it * it)), lengths}, n);
    return this.#ofCovariance(mean, sigma, share, b, n);
  }

  /** `share`: of the identity in the covariance; `b`: what is added to its diagonal. */
  #regularised(
    variances: Float64Array,
    {squares, lengths}: {readonly squares: number; readonly lengths: number},
    n: number,
  ): {readonly share: number; readonly trace: number; readonly b: number} {
    const {shrinkage, regularisation} = this.#options;
    const d = variances.length;
    const trace = sum(variances);
    const share = shrinkage === 'none' ? 0 : ledoitWolfShare({trace, squares, lengths}, n, d);
    const largest = (1 - share) * maximum(variances) + (share * trace) / d;
    return {share, trace, b: (share * trace) / d + Math.max(regularisation, leastRegularisation * largest)};
  }

  /** Changes `sigma`. */
  #ofCovariance(mean: Float64Array, sigma: Float64Array, share: number, b: number, n: number): GaussianScorer {
    const d = mean.length;
    for (let i = 0; i < sigma.length; i++) sigma[i]! *= 1 - share;
    for (let i = 0; i < d; i++) sigma[i * d + i]! += b;
    const lower = cholesky(sigma, d);
    if (!lower) throw new Error(`the covariance of ${n} rows of ${d} features could not be factorised`);
    return this.#scorer(splitDoubles(mean), splitDoubles(packed(lower, d)));
  }

  restore(saved: NamedArrays): Scorer {
    const data = (name: string): Float32Array => saved.get(name)!.data;
    return saved.has('lower')
      ? this.#scorer(data('mean'), data('lower'))
      : this.#dualScorer(data('mean'), data('whitened'), data('constants'));
  }

  /** Both as pairs of floats: what is saved is what scores. `lower`: the Cholesky factor's triangle, row by row. */
  #scorer(meanPairs: Float32Array, lowerPairs: Float32Array): GaussianScorer {
    const mean = joinDoubles(meanPairs);
    const d = mean.length;
    const lower = unpacked(joinDoubles(lowerPairs), d);
    let logVolume = (d / 2) * Math.log(2 * Math.PI);
    for (let i = 0; i < d; i++) logVolume += Math.log(lower[i * d + i]!);
    const least = this.#options.log_determinant ? logVolume : 0;
    const squares = whitener(mean, lower);
    return {
      least,
      score: (features) => squares(this.#prepare(features)).map((it) => it / 2 + least),
      graph: (builder, features) => {
        const whitening = builder.constant(transposed(inverse(lower, d), d), [d, d]);
        const white = builder.node('MatMul', [this.#centredGraph(builder, features, mean), whitening]);
        return halfPlus(builder, sumRows(builder, square(builder, white)), least);
      },
      gradient: (features) => this.#slopes(features, mean, (v) => solveBoth(lower, v)),
      gradientGraph: (builder, features) =>
        this.#slopesGraph(builder, features, mean, (v) => {
          const whitening = builder.constant(transposed(inverse(lower, d), d), [d, d]);
          return throughBoth(builder, v, whitening);
        }),
      save: () =>
        new Map([
          ['mean', {shape: [2, d], data: meanPairs}],
          ['lower', {shape: [2, lowerPairs.length / 2], data: lowerPairs}],
        ]),
    };
  }

  /** Of `dual-gaussian.ts`; `constants`: the root of b, which is within float32 wherever features are, and half the log-determinant. */
  #dualScorer(meanPairs: Float32Array, whitenedPairs: Float32Array, constants: Float32Array): GaussianScorer {
    const mean = joinDoubles(meanPairs);
    const d = mean.length;
    const whitened = joinDoubles(whitenedPairs);
    const [root, halfLogDeterminant] = joinDoubles(constants) as unknown as [number, number];
    const b = root * root;
    const least = this.#options.log_determinant ? (d / 2) * Math.log(2 * Math.PI) + halfLogDeterminant : 0;
    return {
      least,
      score: (features) => {
        const scores = new Float64Array(features.rows);
        this.#forEachRow(this.#prepare(features), mean, (v, row) => {
          scores[row] = dualDistance(whitened, v, b) / 2 + least;
        });
        return scores;
      },
      graph: (builder, features) => {
        const v = this.#centredGraph(builder, features, mean);
        const basis = builder.constant(transposed(whitened, d), [d, whitened.length / d]);
        const along = builder.node('MatMul', [v, basis]);
        const parts = [v, along].map((part) => sumRows(builder, square(builder, part)));
        const squares = builder.node('Max', [builder.node('Sub', parts), builder.double(0)]);
        return halfPlus(builder, builder.node('Div', [squares, builder.double(b)]), least);
      },
      gradient: (features) => this.#slopes(features, mean, (v) => dualSlope(whitened, v, b)),
      gradientGraph: (builder, features) =>
        this.#slopesGraph(builder, features, mean, (v) => {
          const basis = builder.constant(transposed(whitened, d), [d, whitened.length / d]);
          return builder.node('Div', [builder.node('Sub', [v, throughBoth(builder, v, basis)]), builder.double(b)]);
        }),
      save: () =>
        new Map([
          ['mean', {shape: [2, d], data: meanPairs}],
          ['whitened', {shape: [2, whitened.length / d, d], data: whitenedPairs}],
          ['constants', {shape: [2, 2], data: constants}],
        ]),
    };
  }

  /** Calls `visit` with each row less the mean, in an array that is used again. */
  #forEachRow({rows, data}: Matrix, mean: Float64Array, visit: (v: Float64Array, row: number) => void): void {
    const d = mean.length;
    const v = new Float64Array(d);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < d; i++) v[i] = data[row * d + i]! - mean[i]!;
      visit(v, row);
    }
  }

  /** Σ⁻¹ (x - μ) of each row x: `solve` replaces x - μ by it. */
  #slopes(features: Matrix, mean: Float64Array, solve: (v: Float64Array) => void): Matrix {
    return slopesThrough(this.#options.normalise, features, (rows) => {
      const data = new Float32Array(rows.data.length);
      this.#forEachRow(rows, mean, (v, row) => {
        solve(v);
        data.set(v, row * v.length);
      });
      return {...rows, data};
    });
  }

  /** Rows less the mean, float64. */
  #centredGraph(builder: GraphBuilder, features: Value, mean: Float64Array): Value {
    return lessMean(builder, this.#options.normalise ? normaliseRowsGraph(builder, features) : features, mean);
  }

  /** `#slopes` as ONNX nodes. */
  #slopesGraph(builder: GraphBuilder, features: Value, mean: Float64Array, solve: (v: Value) => Value): Value {
    return slopesThroughGraph(builder, this.#options.normalise, features, (rows) =>
      solve(lessMean(builder, rows, mean)),
    );
  }

  #prepare(features: Matrix): Matrix {
    return this.#options.normalise ? normaliseRows(features) : features;
  }
}

const lessMean = (builder: GraphBuilder, rows: Value, mean: Float64Array): Value =>
  builder.node('Sub', [builder.toDouble(rows), builder.constant(mean)]);

/** v (n, d) → v M Mᵀ, M (d, m). */
const throughBoth = (builder: GraphBuilder, v: Value, matrix: Value): Value =>
  builder.node('MatMul', [builder.node('MatMul', [v, matrix]), builder.node('Transpose', [matrix], {perm: [1, 0]})]);

/** squares / 2 + least. */
const halfPlus = (builder: GraphBuilder, squares: Value, least: number): Value =>
  builder.node('Add', [builder.node('Mul', [squares, builder.double(0.5)]), builder.double(least)]);

function packed(lower: Float64Array, n: number): Float64Array {
  const triangle = new Float64Array((n * (n + 1)) / 2);
  for (let i = 0, to = 0; i < n; to += ++i) triangle.set(lower.subarray(i * n, i * n + i + 1), to);
  return triangle;
}

function unpacked(triangle: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0, from = 0; i < n; from += ++i) lower.set(triangle.subarray(from, from + i + 1), i * n);
  return lower;
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
const maximum = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, value), 0);

/** Of the columns of centred rows (n, d). */
function columnVariances(x: Float64Array, d: number): Float64Array {
  const squares = new Float64Array(d);
  for (let row = 0; row < x.length; row += d) for (let i = 0; i < d; i++) squares[i]! += x[row + i]! * x[row + i]!;
  return squares.map((value) => (value * d) / x.length);
}

/** Σᵢ ‖xᵢ‖⁴ of the rows of x (n, d). */
const fourthPowers = (x: Float64Array, n: number, d: number): number =>
  sum(squaredLengths({rows: n, columns: d, data: x}).map((length) => length * length));

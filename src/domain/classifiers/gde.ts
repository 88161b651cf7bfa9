import type {Classifier, Matrix, NamedArrays, Scorer} from '../../core/plugin/contracts.ts';
import {defineClassifier} from '../../core/plugin/define.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import type {Rng} from '../../core/random.ts';
import {cholesky, solveLower} from './cholesky.ts';
import {centred, columnMeans, covariance, ledoitWolf} from './covariance.ts';
import {joinDoubles, layerOption, normaliseRows, splitDoubles, thin, trainLimitOption} from './features.ts';

const options = Type.Object(
  {
    shrinkage: Type.Union([Type.Literal('none'), Type.Literal('ledoit-wolf')], {
      default: 'none',
      description:
        'none: the covariance of the features, as in the released code. ledoit-wolf: drawn towards a multiple of the identity, ' +
        'the less the more images there are; for fewer images than features.',
    }),
    regularisation: Type.Number({
      exclusiveMinimum: 0,
      default: 1e-6,
      description:
        'Added to every variance; it alone decides where no training feature varies. At least 1e-10 of the largest variance is.',
    }),
    normalise: Type.Boolean({default: true, description: 'Scale rows to length 1 first, as in the released code.'}),
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
  version: 1,
  summary: 'One Gaussian with full covariance; minus its log-likelihood.',
  paper: 'Sohn et al. 2021; Li et al. 2021 (CutPaste)',
  options,
  row: () => 'gde',
  create: (chosen) => new GaussianDensity(chosen),
});

/** As scikit-learn's `GaussianMixture` of one full component: Σ = (X - μ)ᵀ(X - μ) / n + regularisation · I (paper.md 3.6). */
class GaussianDensity implements Classifier {
  readonly #options: Options;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    const {shrinkage, regularisation, train_limit: limit} = this.#options;
    const prepared = this.#prepare(thin(features, limit, rng));
    const n = prepared.columns;
    const mean = columnMeans(prepared);
    const rows = centred(prepared, mean);
    const sigma = covariance(rows, n);
    if (shrinkage === 'ledoit-wolf') ledoitWolf(sigma, rows, n);
    let largest = 0;
    for (let i = 0; i < n; i++) largest = Math.max(largest, sigma[i * n + i]!);
    const added = Math.max(regularisation, leastRegularisation * largest);
    for (let i = 0; i < n; i++) sigma[i * n + i]! += added;
    const lower = cholesky(sigma, n);
    if (!lower) throw new Error(`the covariance of ${features.rows} rows of ${n} features could not be factorised`);
    return this.#scorer(splitDoubles(mean), splitDoubles(packed(lower, n)));
  }

  restore(saved: NamedArrays): Scorer {
    return this.#scorer(saved.get('mean')!.data, saved.get('lower')!.data);
  }

  /** Both as pairs of floats: what is saved is what scores. `lower`: the Cholesky factor's triangle, row by row. */
  #scorer(meanPairs: Float32Array, lowerPairs: Float32Array): Scorer {
    const mean = joinDoubles(meanPairs);
    const n = mean.length;
    const lower = unpacked(joinDoubles(lowerPairs), n);
    let logVolume = (n / 2) * Math.log(2 * Math.PI);
    for (let i = 0; i < n; i++) logVolume += Math.log(lower[i * n + i]!);
    return {
      score: (features) => {
        const {rows, data} = this.#prepare(features);
        const difference = new Float64Array(n);
        return Float64Array.from({length: rows}, (_, row) => {
          for (let i = 0; i < n; i++) difference[i] = data[row * n + i]! - mean[i]!;
          let squares = 0;
          for (const value of solveLower(lower, difference)) squares += value * value;
          return squares / 2 + logVolume;
        });
      },
      save: () =>
        new Map([
          ['mean', {shape: [2, n], data: meanPairs}],
          ['lower', {shape: [2, lowerPairs.length / 2], data: lowerPairs}],
        ]),
    };
  }

  #prepare(features: Matrix): Matrix {
    return this.#options.normalise ? normaliseRows(features) : features;
  }
}

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

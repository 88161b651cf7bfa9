import type {Rng} from '../../core/base/random.ts';
import type {Classifier, Comparison, RowBlocks, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import {kCentres, Projection} from './coreset.ts';
import {
  layerOption,
  normaliseRows,
  pickRows,
  sampledRows,
  slopesThrough,
  subsample,
  trainLimitOption,
} from './features.ts';
import {RbfPoints} from './rbf.ts';
import {normaliseRowsGraph, slopesThroughGraph, sumRows} from './scores-graph.ts';

// Options that came later have no default: a default would be part of the key of every earlier result.
const options = Type.Object(
  {
    k: Type.Integer({
      minimum: 1,
      default: 1,
      description: 'Number of neighbours whose distances are averaged; all training rows if there are fewer.',
    }),
    distance: Type.Optional(
      Type.Union([Type.Literal('cosine'), Type.Literal('euclidean'), Type.Literal('squared')], {
        description:
          'cosine: one minus the cosine. euclidean: the length of the difference; squared: its square, as in DN2, SPADE and PANDA. Default: cosine.',
      }),
    ),
    coreset: Type.Optional(
      Type.Object(
        {
          share: Type.Number({
            exclusiveMinimum: 0,
            maximum: 1,
            default: 0.1,
            description: 'Share of the training rows that is kept.',
          }),
          projection: Type.Union([Type.Integer({minimum: 1}), Type.Literal('none')], {
            default: 128,
            description:
              'Rows are chosen by their distances after a random projection to so many numbers, which is faster and keeps distances ' +
              'but for a few per cent; training rows are then read block by block. 128 in the released code of PatchCore.',
          }),
        },
        {
          additionalProperties: false,
          description:
            'Keep only some training rows, such that every other is near one of them (greedy k-centre, as in PatchCore); of those that ' +
            '"train_limit" leaves. Default: keep all.',
        },
      ),
    ),
    reweight: Type.Optional(
      Type.Integer({
        minimum: 2,
        description:
          'Where an image’s score is that of its most anomalous place ("localize"): make it smaller where training rows lie close together ' +
          'about the nearest one, by a softmax over so many neighbours of that row, itself included (PatchCore, equation 7). With one classifier ' +
          'for all places. Default: no.',
      }),
    ),
    layer: layerOption,
    train_limit: trainLimitOption,
  },
  {additionalProperties: false},
);

type Options = Static<typeof options>;

/** Groups of rows that are held out together, at most. */
const folds = 5;

export const knn = defineClassifier({
  name: 'knn',
  version: 1,
  summary: 'The mean distance to the k nearest training features, or to a coreset of them.',
  paper:
    'Sohn et al. 2021, released code: k = 1; Roth et al. 2022 (PatchCore): coreset and reweight; Cohen & Hoshen 2020 (SPADE)',
  options,
  row: ({k}) => `${k}-nn`,
  nonNegative: () => true,
  weighsImages: ({reweight}) => reweight !== undefined,
  compares: ({coreset, reweight}) => coreset === undefined && reweight === undefined,
  create(chosen) {
    const {coreset, reweight} = chosen;
    if (coreset && coreset.projection !== 'none') return new StreamedNeighbours(chosen);
    return coreset || reweight !== undefined ? new NearestNeighbours(chosen) : new PlainNeighbours(chosen);
  },
});

/**
 * Distances come from ½ ‖x - y‖², which is 1 - cos(x, y) for rows of length 1, and keeps its digits where cosines are all near 1. A
 * row of zeros has no cosine; it counts as ½ from every other.
 */
class NearestNeighbours implements Classifier {
  protected readonly options: Options;

  constructor(chosen: Options) {
    this.options = chosen;
  }

  fit(features: Matrix, rng: Rng): Scorer {
    return this.scorer(RbfPoints.fit(this.#training(features, rng), 0.5));
  }

  /**
   * With a coreset a fifth of the rows is scored by a coreset of the others, and so on. By one coreset of all it would be too far: the rows
   * that are chosen are those that lie farthest from each other.
   */
  heldOut(features: Matrix, rng: Rng): Float64Array {
    if (this.options.coreset) return this.#heldOutInFolds(subsample(features, this.options.train_limit, rng), rng);
    const points = this.#training(features, rng);
    const k = Math.min(this.options.k, points.rows - 1);
    return this.#distances(RbfPoints.fit(points, 0.5), points, k, {own: true});
  }

  #heldOutInFolds(features: Matrix, rng: Rng): Float64Array {
    const scores = new Float64Array(features.rows);
    const parts = Math.min(folds, features.rows);
    const all = Array.from(scores.keys());
    for (let part = 0; part < parts; part++) {
      const others = pickRows(
        features,
        all.filter((row) => row % parts !== part),
      );
      const own = all.filter((row) => row % parts === part);
      const found = this.fit(others, rng.fork(part)).score(pickRows(features, own));
      for (const [i, row] of own.entries()) scores[row] = found[i]!;
    }
    return scores;
  }

  restore(saved: NamedArrays): Scorer {
    return this.scorer(RbfPoints.restore(saved));
  }

  /** The training rows that are kept, as they are compared. */
  #training(features: Matrix, rng: Rng): Matrix {
    const rows = this.prepare(subsample(features, this.options.train_limit, rng));
    const {coreset} = this.options;
    if (!coreset) return rows;
    const projected = new ProjectedRows(rows.rows, rows.columns, coreset.projection, rng);
    projected.add(rows);
    return pickRows(rows, projected.choose(coreset.share, rng));
  }

  protected prepare(features: Matrix): Matrix {
    return this.#isCosine ? normaliseRows(features) : features;
  }

  get #isCosine(): boolean {
    return (this.options.distance ?? 'cosine') === 'cosine';
  }

  /** -½ d² → the distance as it is averaged. */
  protected distance(exponent: number): number {
    if (this.#isCosine) return -exponent;
    return this.options.distance === 'squared' ? -2 * exponent : Math.sqrt(-2 * exponent);
  }

  protected scorer(points: RbfPoints): Scorer {
    const k = Math.min(this.options.k, points.count);
    return {
      score: (features) => this.#distances(points, this.prepare(features), k, {own: false}),
      ...(this.options.reweight !== undefined && {
        imageWeights: (features) => this.#weights(points, this.prepare(features), this.options.reweight!),
        imageWeightsGraph: (builder, features) => this.#weightsGraph(points, builder, features),
      }),
      gradient: (features) => {
        const slopes = (rows: Matrix): Matrix =>
          points.pull(rows, (exponents) => {
            const least = exponents.toSorted()[exponents.length - k]!;
            let [left, free] = [k, 0];
            for (const value of exponents) if (value > least) free++;
            left -= free; // so many of those as near as the k-th are among the nearest
            for (let j = 0; j < exponents.length; j++) {
              const exponent = exponents[j]!;
              const isNear = exponent > least || (exponent === least && left-- > 0);
              exponents[j] = isNear ? this.#perDifference(exponent) / k : 0;
            }
          });
        return slopesThrough(this.#isCosine, features, slopes);
      },
      gradientGraph: (builder, features) =>
        slopesThroughGraph(builder, this.#isCosine, features, (rows) => {
          const placed = points.graph(builder);
          const exponents = placed.exponents(rows);
          const [nearest, which] = builder.nodes('TopK', [exponents, builder.integers(k)], {axis: 1}, {outputs: 2});
          const factors = builder.node('Div', [this.#perDifferenceGraph(builder, nearest!), builder.double(k)]);
          const zeros = builder.node('Sub', [exponents, exponents]);
          const coefficients = builder.node('ScatterElements', [zeros, which!, factors], {axis: 1});
          return placed.pull(rows, coefficients);
        }),
      save: () => new Map(points.save()),
      graph: (builder, features) => {
        const exponents = this.#exponentsGraph(points, builder, features);
        const largest = builder.node('TopK', [exponents, builder.integers(k)], {axis: 1}, {outputs: 2});
        return builder.node('Mul', [sumRows(builder, this.#distanceGraph(builder, largest)), builder.double(1 / k)]);
      },
    };
  }

  #exponentsGraph(points: RbfPoints, builder: GraphBuilder, features: Value): Value {
    return points.graph(builder).exponents(this.#isCosine ? normaliseRowsGraph(builder, features) : features);
  }

  /** `distance` of many. */
  #distanceGraph(builder: GraphBuilder, exponents: Value): Value {
    const scaled = builder.node('Mul', [exponents, builder.double(this.#isCosine ? -1 : -2)]);
    return this.options.distance === 'euclidean' ? builder.node('Sqrt', [scaled]) : scaled;
  }

  /** `#weights` as ONNX nodes. */
  #weightsGraph(points: RbfPoints, builder: GraphBuilder, features: Value): Value {
    const exponents = this.#exponentsGraph(points, builder, features);
    const nearest = builder.node('ArgMax', [exponents], {axis: 1, keepdims: 0});
    const about = builder.integers(Math.min(this.options.reweight!, points.count));
    const [, around] = builder.nodes(
      'TopK',
      [points.graph(builder).exponentsOf(nearest), about],
      {axis: 1},
      {outputs: 2},
    );
    const own = this.#distanceGraph(builder, builder.largest(exponents, [1], {keep: true}));
    const others = this.#distanceGraph(builder, builder.node('GatherElements', [exponents, around!], {axis: 1}));
    const sum = sumRows(builder, builder.node('Exp', [builder.node('Sub', [others, own])]));
    return builder.node('Sub', [builder.double(1), builder.node('Div', [builder.double(1), sum])]);
  }

  /** The slope of a distance between x and y, as a multiple of x - y. */
  #perDifference(exponent: number): number {
    if (this.#isCosine) return 1;
    if (this.options.distance === 'squared') return 2;
    return exponent === 0 ? 0 : 1 / this.distance(exponent); // where it is 0 there is a kink
  }

  /** `#perDifference` of many. */
  #perDifferenceGraph(builder: GraphBuilder, exponents: Value): Value {
    const all = (value: number): Value =>
      builder.node('Expand', [builder.constant(Float64Array.of(value)), builder.node('Shape', [exponents])]);
    if (this.#isCosine) return all(1);
    if (this.options.distance === 'squared') return all(2);
    const isApart = builder.node('Less', [exponents, builder.double(0)]);
    const inverse = builder.node('Reciprocal', [this.#distanceGraph(builder, exponents)]);
    return builder.node('Where', [isApart, inverse, builder.double(0)]);
  }

  /** `own`: the rows are the points, and none is its own neighbour. */
  #distances(points: RbfPoints, rows: Matrix, k: number, {own}: {readonly own: boolean}): Float64Array {
    const scores = new Float64Array(rows.rows);
    points.forEachRow(rows, (row, exponents) => {
      if (own) exponents[row] = -Infinity;
      scores[row] = this.#meanOfNearest(exponents, k);
    });
    return scores;
  }

  /** May reorder `exponents`. */
  #meanOfNearest(exponents: Float64Array, k: number): number {
    if (k === 1) return this.distance(exponents.reduce((most, value) => Math.max(most, value), -Infinity));
    exponents.sort();
    let sum = 0;
    for (let i = exponents.length - k; i < exponents.length; i++) sum += this.distance(exponents[i]!);
    return sum / k;
  }

  /**
   * Roth et al. 2022, equation 7: 1 - e^d(x, m*) / Σ e^d(x, m), with the nearest point m* of x, and m the `about` points
   * that are nearest to m*, itself among them.
   */
  #weights(points: RbfPoints, rows: Matrix, about: number): Float64Array {
    const weights = new Float64Array(rows.rows);
    points.forEachRow(rows, (row, exponents) => {
      const nearest = exponents.indexOf(exponents.reduce((most, value) => Math.max(most, value), -Infinity));
      const own = this.distance(exponents[nearest]!);
      let sum = 0;
      for (const point of points.nearestTo(nearest, about)) sum += Math.exp(this.distance(exponents[point]!) - own);
      weights[row] = 1 - 1 / sum;
    });
    return weights;
  }
}

/** All training rows count alike, so that they may come in parts. */
class PlainNeighbours extends NearestNeighbours {
  compare(features: Matrix): Comparison {
    const rows = this.prepare(features);
    /** Of each row the exponents of the nearest so far, ascending. */
    const nearest = Array.from({length: rows.rows}, (): number[] => []);
    return {
      add: (training) =>
        RbfPoints.fit(this.prepare(training), 0.5).forEachRow(rows, (row, exponents) => {
          const own = nearest[row]!;
          for (const exponent of exponents) {
            if (own.length === this.options.k && exponent <= own[0]!) continue;
            if (own.length === this.options.k) own.shift();
            own.splice(own.findLastIndex((other) => other < exponent) + 1, 0, exponent);
          }
        }),
      scores: () =>
        Float64Array.from(
          nearest,
          (own) => own.reduce((sum, exponent) => sum + this.distance(exponent), 0) / own.length,
        ),
    };
  }
}

/** With a coreset after a random projection, which needs the rows only one block at a time. */
class StreamedNeighbours extends NearestNeighbours {
  /** The same as `fit` on all rows at once. At most the projected rows, the kept ones and a block are in memory. */
  async fitBlocks({rows, columns, blocks}: RowBlocks, rng: Rng): Promise<Scorer> {
    const {train_limit, coreset} = this.options;
    const sampled = sampledRows(rows, train_limit, rng);
    const projected = new ProjectedRows(sampled.length, columns, coreset!.projection, rng);
    for await (const {block} of picked(blocks(), sampled)) projected.add(this.prepare(block));
    const kept = projected.choose(coreset!.share, rng);
    const memory = new Float32Array(kept.length * columns);
    for await (const {block, at} of picked(
      blocks(),
      kept.map((row) => sampled[row]!),
    ))
      memory.set(this.prepare(block).data, at * columns);
    return this.scorer(RbfPoints.fit({rows: kept.length, columns, data: memory}, 0.5));
  }
}

/** Of each block the rows that are among `chosen`, which ascend; `at`: the place of their first in `chosen`. */
async function* picked(blocks: AsyncIterable<Matrix>, chosen: ArrayLike<number>) {
  let [start, at] = [0, 0];
  for await (const block of blocks) {
    const own: number[] = [];
    for (let i = at; i < chosen.length && chosen[i]! < start + block.rows; i++) own.push(chosen[i]! - start);
    if (own.length > 0) yield {block: pickRows(block, own), at};
    at += own.length;
    start += block.rows;
  }
}

/** Training rows as a coreset is chosen by. */
class ProjectedRows {
  readonly #projection: Projection | undefined;
  readonly #rows: Matrix;
  #filled = 0;

  constructor(rows: number, columns: number, wanted: number | 'none', rng: Rng) {
    if (wanted !== 'none' && wanted < columns)
      this.#projection = new Projection(columns, wanted, rng.fork('projection'));
    const width = this.#projection?.columns ?? columns;
    this.#rows = {rows, columns: width, data: new Float32Array(rows * width)};
  }

  add(rows: Matrix): void {
    const {columns, data} = this.#rows;
    if (this.#projection) this.#projection.project(rows, data, this.#filled);
    else data.set(rows.data, this.#filled * columns);
    this.#filled += rows.rows;
  }

  /** Ascending; at least two, if there are, so that each has a neighbour. */
  choose(share: number, rng: Rng): Int32Array {
    this.#projection?.dispose();
    const {rows} = this.#rows;
    const count = Math.max(2, Math.round(share * rows));
    return kCentres(this.#rows, count, rng.fork('coreset').integer(rows)).sort();
  }
}

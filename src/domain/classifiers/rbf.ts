import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {synchronously, type Tensor2D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder} from '../../core/formats/onnx/builder.ts';
import {columnMeans, squaredLengths} from '../../core/linalg/matrix.ts';
import {type Finish, openFactor} from '../../core/linalg/products.ts';
import {addScaled} from '../../core/linalg/vectors.ts';
import {expNegative} from './fast-exp.ts';
import {joinDoubles, longestRow, pickRows, scalingExponent, splitDoubles} from './features.ts';
import type {KernelSource} from './kernel-rows.ts';
import {RbfGraph} from './rbf-graph.ts';

/**
 * Training points z = 2^e (x - centre) of an RBF kernel exp(-γ ‖x - y‖²). Distances come from ‖a‖² + ‖b‖² - 2 a·b with a·b in
 * float32: taking the mean out first keeps the three terms small, and so the cancellation; the power of two changes no
 * digit and keeps any finite feature from overflowing. Where the kernel is narrow, its width nothing beside the spread of the points,
 * what float32 loses is more than the distances of neighbours: those are then computed anew in doubles, by differences.
 */
export class RbfPoints implements KernelSource {
  readonly gamma: number;
  readonly points: Matrix;
  readonly #centre: Float32Array;
  readonly #exponent: number;
  /** -γ ‖zⱼ‖² / 4^e of every point. */
  readonly #squares: Float64Array;
  /** Of `#squares`. */
  readonly #lowest: number;
  readonly #graphs = new WeakMap<GraphBuilder, RbfGraph>();
  readonly finish: Finish;
  readonly nonNegative = true;
  readonly mend?: (i: number, values: Float32Array) => void;

  private constructor(points: Matrix, centre: Float32Array, exponent: number, gamma: number) {
    this.points = points;
    this.gamma = gamma;
    this.#centre = centre;
    this.#exponent = exponent;
    const perUnit = -this.#perUnit();
    this.#squares = squaredLengths(points).map((square) => perUnit * square);
    this.#lowest = this.#squares.reduce((least, value) => Math.min(least, value), 0);
    if (this.narrow) this.mend = this.#mend;
    this.finish = this.narrow ? (exponents) => exponents : (exponents) => tf.exp(exponents);
  }

  /** Whether what float32 loses in an exponent can be seen. */
  get narrow(): boolean {
    return this.#lowest < narrowFrom;
  }

  static fit(features: Matrix, gamma: number): RbfPoints {
    const {rows, columns, data} = features;
    const centre = Float32Array.from(columnMeans(features));
    // Half of the longest row bounds nothing; the sum of both lengths bounds every difference.
    const exponent = scalingExponent(longestRow(features) + longestRow({rows: 1, columns, data: centre}));
    const scale = 2 ** exponent;
    const placed = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      for (let i = 0; i < columns; i++) placed[start + i] = (data[start + i]! - centre[i]!) * scale;
    }
    return new RbfPoints({rows, columns, data: placed}, centre, exponent, storable(gamma));
  }

  static restore(saved: NamedArrays): RbfPoints {
    const {shape, data} = saved.get('points')!;
    const points = {rows: shape[0]!, columns: shape[1]!, data};
    const centre = saved.get('centre')!.data;
    return new RbfPoints(points, centre, saved.get('exponent')!.data[0]!, fromMantissa(saved.get('gamma')!.data));
  }

  save(): readonly [string, {shape: readonly number[]; data: Float32Array}][] {
    const {rows, columns, data} = this.points;
    return [
      ['points', {shape: [rows, columns], data}],
      ['centre', {shape: [columns], data: this.#centre}],
      ['exponent', {shape: [1], data: Float32Array.of(this.#exponent)}],
      ['gamma', {shape: [3], data: toMantissa(this.gamma)}],
    ];
  }

  /** Of these points, each once, in their order. */
  pick(chosen: ArrayLike<number>): RbfPoints {
    if (chosen.length === this.count) return this;
    return new RbfPoints(pickRows(this.points, chosen), this.#centre, this.#exponent, this.gamma);
  }

  /**
   * Calls `visit` once a row of `features` with -γ ‖x - xⱼ‖² for every point j; the array is reused. A row's values are the
   * same bits whatever rows stand beside it. Of a narrow kernel they are exact where they are within 87 of the nearest point's:
   * e^-87 is beyond float32.
   */
  forEachRow(features: Matrix, visit: (row: number, exponents: Float64Array) => void): void {
    const {count} = this;
    const squares = this.#squares;
    const exponents = new Float64Array(count);
    const products = openFactor(this.points);
    try {
      for (const {start, rows, block, own, factor} of this.#blocks(features, 2 ** 24)) {
        products.times(block, (first, blockCount, values) => {
          for (let row = first; row < Math.min(first + blockCount, rows); row++) {
            const at = (row - first) * count;
            const ownSquare = own[row]!;
            const perProduct = factor[row]!;
            for (let j = 0; j < count; j++) {
              const exponent = ownSquare + squares[j]! + perProduct * values[at + j]!;
              exponents[j] = Math.min(exponent, 0);
            }
            if (this.narrow) this.#mendNearest(exponents, ownSquare, block, row, factor[row]! / (2 * this.#perUnit()));
            visit(start + row, exponents);
          }
        });
      }
    } finally {
      products.dispose();
    }
  }

  /**
   * Σⱼ weightⱼ exp(-γ ‖x - xⱼ‖²) of every row x, in float32 on the engine where the kernel is not narrow. A row's sum is the same bits
   * whatever rows stand beside it.
   */
  kernelSums(features: Matrix, weights: Float32Array): Float64Array {
    const sums = new Float64Array(features.rows);
    if (this.narrow) {
      this.forEachRow(features, (row, exponents) => {
        for (let j = 0; j < exponents.length; j++) sums[row]! += weights[j]! * expNegative(exponents[j]!);
      });
      return sums;
    }
    const column = synchronously(() => tf.tensor2d(weights, [weights.length, 1]));
    const finish: Finish = (exponents) => tf.matMul(tf.exp(exponents), column);
    this.#onEngine(
      features,
      (own) => own,
      finish,
      (row, values) => {
        sums[row] = values[0]!;
      },
    );
    column.dispose();
    return sums;
  }

  /** log Σⱼ exp(-γ ‖x - xⱼ‖²) of every row x, as `kernelSums`; of a kernel that is not narrow. */
  logSums(features: Matrix): Float64Array {
    const sums = new Float64Array(features.rows);
    // The row's own part, which may be huge, is added in doubles: log Σ e^(own + aⱼ) = own + max aⱼ + log Σ e^(aⱼ - max).
    const finish: Finish = (exponents) => {
      const most = tf.max(exponents, 1, true);
      return tf.concat([most, tf.sum(tf.exp(tf.sub(exponents, most)), 1, true)], 1) as Tensor2D;
    };
    this.#onEngine(
      features,
      () => 0,
      finish,
      (row, [most, sum], own) => {
        sums[row] = Math.min(own + most!, 0) + Math.log(sum!);
      },
    );
    return sums;
  }

  /**
   * Σⱼ cⱼ (x - xⱼ) of every row x, in doubles. `coefficients` replaces a row's exponents -γ ‖x - xⱼ‖² by its c.
   */
  pull(features: Matrix, coefficients: (exponents: Float64Array) => void): Matrix {
    const {rows, columns, data} = features;
    const out = new Float32Array(rows * columns);
    const sums = new Float64Array(columns);
    this.forEachRow(features, (row, exponents) => {
      coefficients(exponents);
      sums.fill(0);
      let total = 0;
      for (let j = 0; j < exponents.length; j++) {
        if (exponents[j] === 0) continue;
        total += exponents[j]!;
        addScaled(sums, exponents[j]!, this.points.data, j * columns);
      }
      const unit = 2 ** this.#exponent;
      for (let i = 0; i < columns; i++)
        out[row * columns + i] = total * (data[row * columns + i]! - this.#centre[i]!) - sums[i]! / unit;
    });
    return {rows, columns, data: out};
  }

  /**
   * Calls `visit` once a row of `features` with its row of finish(exponents), each exponent less the row's own part -γ ‖z‖² but for
   * `extra` of it.
   */
  #onEngine(
    features: Matrix,
    extra: (own: number) => number,
    finish: Finish,
    visit: (row: number, values: Float32Array, own: number) => void,
  ): void {
    const root = this.#root();
    const products = openFactor(this.right(), {finish});
    try {
      for (const {start, rows, block, own, factor} of this.#blocks(features, 2 ** 22, 2)) {
        const {columns, data} = block;
        for (let row = 0; row < rows; row++) {
          // 0: so far off that to all points it is as far as to their centre, and the product would be beyond float32.
          const times = within(factor[row]! > 1e30 ? 0 : factor[row]! / root);
          const at = row * columns;
          data[at] = within(extra(own[row]!));
          data[at + 1] = 1;
          for (let i = at + 2; i < at + columns; i++) data[i] = times * data[i]!;
        }
        products.times(block, (first, count, values) => {
          const width = values.length / count;
          for (let k = 0; k < Math.min(count, rows - first); k++)
            visit(start + first + k, values.subarray(k * width, (k + 1) * width), own[first + k]!);
        });
      }
    } finally {
      products.dispose();
    }
  }

  /**
   * New rows, placed as the points are, a block at a time in arrays that are reused: -γ ‖x - xⱼ‖² = own + squareⱼ + factor · z·zⱼ.
   * Every block has one shape, a function of the points alone, and so its products one order of additions; what is beyond its
   * `rows` is no one's.
   * Each row leaves `room` for as many values before its own.
   */
  *#blocks(features: Matrix, products: number, room = 0) {
    const {columns} = this.points;
    const perUnit = this.#perUnit();
    const blockRows = Math.max(64, Math.min(1024, 2 ** Math.floor(Math.log2(products / this.count))));
    const width = room + columns;
    const block = {rows: blockRows, columns: width, data: new Float32Array(blockRows * width)};
    const own = new Float64Array(blockRows);
    const factor = new Float64Array(blockRows);
    for (let start = 0; start < features.rows; start += blockRows) {
      const rows = Math.min(blockRows, features.rows - start);
      for (let row = 0; row < rows; row++) {
        const into = block.data.subarray(row * width + room, (row + 1) * width);
        const {square, exponent} = this.#place(features, start + row, into);
        own[row] = -perUnit * square * 4 ** exponent;
        factor[row] = 2 * perUnit * 2 ** exponent;
      }
      yield {start, rows, block, own, factor};
    }
  }

  /** The `count` points that are nearest to point i, itself first. */
  nearestTo(i: number, count: number): readonly number[] {
    const {columns, data} = this.points;
    const own = data.subarray(i * columns, (i + 1) * columns);
    const exponents = Float64Array.from({length: this.count}, (_, j) => this.#exact(own, 1, j));
    exponents[i] = Number.POSITIVE_INFINITY;
    return Array.from(exponents.keys())
      .sort((a, b) => exponents[b]! - exponents[a]! || a - b)
      .slice(0, count);
  }

  /** The same one for a builder, so that the points are in its graph once. */
  graph(builder: GraphBuilder): RbfGraph {
    const made =
      this.#graphs.get(builder) ??
      new RbfGraph(builder, {
        points: this.points,
        centre: this.#centre,
        scale: 2 ** this.#exponent,
        perUnit: this.#perUnit(),
        squares: this.#squares,
      });
    this.#graphs.set(builder, made);
    return made;
  }

  get count(): number {
    return this.points.rows;
  }

  // -γ ‖xᵢ - xⱼ‖² = (-γ ‖zᵢ‖², 1, √2γ zᵢ) · (1, -γ ‖zⱼ‖², √2γ zⱼ): the product is the whole exponent. In this order the sum for j and i
  // has the same terms as that for i and j, one by one.

  left(rows: ArrayLike<number>): Matrix {
    return this.#extended(rows, (row) => [this.#squares[row]!, 1]);
  }

  right(): Matrix {
    return this.#extended(Array.from(this.#squares.keys()), (row) => [1, this.#squares[row]!]);
  }

  #extended(rows: ArrayLike<number>, heads: (row: number) => readonly [number, number]): Matrix {
    const root = this.#root();
    const {columns, data} = this.points;
    const into = {rows: rows.length, columns: columns + 2, data: new Float32Array(rows.length * (columns + 2))};
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      extend(into, i, data.subarray(row * columns, (row + 1) * columns), root, heads(row));
    }
    return into;
  }

  diagonal(): Float64Array {
    return new Float64Array(this.points.rows).fill(1);
  }

  /** Exponents of point i and all points → their kernels. */
  readonly #mend = (i: number, values: Float32Array): void => {
    const {columns, data} = this.points;
    const least = underflow + 2 * lost * (this.#squares[i]! + this.#lowest);
    const own = data.subarray(i * columns, (i + 1) * columns);
    for (let k = 0; k < values.length; k++) values[k] = values[k]! > least ? expNegative(this.#exact(own, 1, k)) : 0;
  };

  /** Of `row` of a block, which is `factor` times as long as it stands there. */
  #mendNearest(exponents: Float64Array, ownSquare: number, block: Matrix, row: number, factor: number): void {
    const own = block.data.subarray(row * block.columns, (row + 1) * block.columns);
    let nearest = -Infinity;
    for (let j = 0; j < exponents.length; j++) nearest = Math.max(nearest, exponents[j]!);
    const least = nearest + underflow + 2 * lost * (ownSquare + this.#lowest);
    for (let j = 0; j < exponents.length; j++) if (exponents[j]! >= least) exponents[j] = this.#exact(own, factor, j);
  }

  /** -γ ‖factor · z - zⱼ‖² in doubles. */
  #exact(z: Float32Array, factor: number, j: number): number {
    const {columns, data} = this.points;
    let sum = 0;
    for (let i = 0, at = j * columns; i < columns; i++, at++) sum += (factor * z[i]! - data[at]!) ** 2;
    return -this.#perUnit() * sum;
  }

  #root(): number {
    return Math.sqrt(2 * this.#perUnit());
  }

  #perUnit(): number {
    return this.gamma / 4 ** this.#exponent;
  }

  /** Writes 2^-k z of a new row; k > 0 only for rows far beyond the points, so that the product can't overflow. */
  #place(features: Matrix, row: number, into: Float32Array): {square: number; exponent: number} {
    const scale = 2 ** this.#exponent;
    const square = this.#placeBy(scale, features, row, into);
    const exponent = Math.max(0, -scalingExponent(Math.sqrt(square)));
    if (exponent === 0) return {square, exponent};
    return {square: this.#placeBy(scale / 2 ** exponent, features, row, into), exponent};
  }

  /** Writes the row less the centre, times `scale`; returns the sum of the squares of what it wrote. */
  #placeBy(scale: number, {columns, data}: Matrix, row: number, into: Float32Array): number {
    const centre = this.#centre;
    const start = row * columns;
    let square = 0;
    for (let i = 0; i < columns; i++) {
      const z = Math.fround((data[start + i]! - centre[i]!) * scale);
      into[i] = z;
      square += z * z;
    }
    return square;
  }
}

/** Of -γ ‖x - centre‖² of the furthest point: a thousandth of a kernel is lost beyond. */
const narrowFrom = -1024;
/** Of the squares that an exponent is the difference of, the share that float32 may lose. */
const lost = 2 ** -18;
/** e^this is beyond float32. */
const underflow = -87;

/** What float32 can add up without running over. */
const within = (value: number): number => Math.max(-1e30, Math.min(value, 1e30));

/** Row `row` of `into` becomes two numbers and the `values` times `factor`. */
function extend(
  into: Matrix,
  row: number,
  values: Float32Array,
  factor: number,
  [first, second]: readonly [number, number],
): void {
  const at = row * into.columns;
  const {data} = into;
  data[at] = within(first);
  data[at + 1] = within(second);
  const times = within(factor);
  for (let i = 0; i < values.length; i++) data[at + 2 + i] = times * values[i]!;
}

// gamma may lie beyond float32's range: saved as mantissa (a pair of floats) and binary exponent.
function toMantissa(value: number): Float32Array {
  const exponent = Math.floor(Math.log2(value));
  return Float32Array.of(...splitDoubles([value / 2 ** exponent]), exponent);
}

const fromMantissa = (saved: Float32Array): number => joinDoubles(saved.subarray(0, 2))[0]! * 2 ** saved[2]!;

/** The nearest number that `save` keeps exactly. */
const storable = (value: number): number => fromMantissa(toMantissa(value));

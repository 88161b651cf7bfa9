import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import {synchronously, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {type Finish, openFactor} from '../../core/linalg/products.ts';
import {joinDoubles, longestRow, pickRows, scalingExponent, splitDoubles} from './features.ts';
import type {KernelSource} from './kernel-rows.ts';
import {square, sumRows} from './scores-graph.ts';

/**
 * Training points z = 2^e (x - centre) of an RBF kernel exp(-γ ‖x - y‖²). Distances come from ‖a‖² + ‖b‖² - 2 a·b with a·b in
 * float32: taking the mean out first keeps the three terms small, and so the cancellation; the power of two changes no
 * digit and keeps any finite feature from overflowing.
 */
export class RbfPoints implements KernelSource {
  readonly gamma: number;
  readonly points: Matrix;
  readonly #centre: Float32Array;
  readonly #exponent: number;
  /** -γ ‖zⱼ‖² / 4^e of every point. */
  readonly #squares: Float64Array;

  private constructor(points: Matrix, centre: Float32Array, exponent: number, gamma: number) {
    this.points = points;
    this.gamma = gamma;
    this.#centre = centre;
    this.#exponent = exponent;
    const {rows, columns, data} = points;
    const perUnit = -this.#perUnit();
    this.#squares = Float64Array.from({length: rows}, (_, row) => {
      let sum = 0;
      for (let i = row * columns; i < (row + 1) * columns; i++) sum += data[i]! * data[i]!;
      return perUnit * sum;
    });
  }

  static fit(features: Matrix, gamma: number): RbfPoints {
    const {rows, columns, data} = features;
    const centre = columnMeans(features);
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

  pick(chosen: ArrayLike<number>): RbfPoints {
    return new RbfPoints(pickRows(this.points, chosen), this.#centre, this.#exponent, this.gamma);
  }

  /**
   * Calls `visit` once a row of `features` with -γ ‖x - xⱼ‖² for every point j; the array is reused. A row's values are the
   * same bits whatever rows stand beside it.
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
            visit(start + row, exponents);
          }
        });
      }
    } finally {
      products.dispose();
    }
  }

  /**
   * Σⱼ weightⱼ exp(-γ ‖x - xⱼ‖²) of every row x, in float32 on the engine. A row's sum is the same bits whatever rows stand
   * beside it.
   */
  kernelSums(features: Matrix, weights: Float32Array): Float64Array {
    const sums = new Float64Array(features.rows);
    const perProduct = 2 * this.#perUnit();
    const column = synchronously(() => tf.tensor2d(weights, [weights.length, 1]));
    const products = openFactor(this.right(), {finish: (exponents) => tf.matMul(this.finish(exponents), column)});
    try {
      let left: Matrix | undefined;
      for (const {start, rows, block, own, factor} of this.#blocks(features, 2 ** 21)) {
        left = extended(
          block,
          (row) => [own[row]!, 1],
          (row) => factor[row]! / perProduct,
          left,
        );
        products.times(left, (first, count, values) => {
          for (let k = 0; k < Math.min(count, rows - first); k++) sums[start + first + k] = values[k]!;
        });
      }
    } finally {
      products.dispose();
      column.dispose();
    }
    return sums;
  }

  /**
   * New rows, placed as the points are, a block at a time in arrays that are reused: -γ ‖x - xⱼ‖² = own + squareⱼ + factor · z·zⱼ.
   * Every block has one shape, a function of the points alone, and so its products one order of additions; what is beyond its
   * `rows` is no one's.
   */
  *#blocks(features: Matrix, products: number) {
    const {columns} = this.points;
    const perUnit = this.#perUnit();
    const blockRows = Math.max(64, Math.min(1024, 2 ** Math.floor(Math.log2(products / this.count))));
    const block = {rows: blockRows, columns, data: new Float32Array(blockRows * columns)};
    const own = new Float64Array(blockRows);
    const factor = new Float64Array(blockRows);
    for (let start = 0; start < features.rows; start += blockRows) {
      const rows = Math.min(blockRows, features.rows - start);
      for (let row = 0; row < rows; row++) {
        const into = block.data.subarray(row * columns, (row + 1) * columns);
        const {square, exponent} = this.#place(features, start + row, into);
        own[row] = -perUnit * square * 4 ** exponent;
        factor[row] = 2 * perUnit * 2 ** exponent;
      }
      yield {start, rows, block, own, factor};
    }
  }

  /** x float32 (n, d) → -γ ‖x - xⱼ‖² as ONNX nodes, float64 (n, points). */
  exponentsGraph(builder: GraphBuilder, x: Value): Value {
    const {rows, columns, data} = this.points;
    const perUnit = this.#perUnit();
    const moved = builder.node('Sub', [builder.toDouble(x), builder.constant(Float64Array.from(this.#centre))]);
    const placed = builder.node('Mul', [moved, builder.double(2 ** this.#exponent)]);
    const points = builder.toDouble(builder.constant(data, [rows, columns]));
    const product = builder.node('MatMul', [placed, builder.node('Transpose', [points], {perm: [1, 0]})]);
    const own = builder.node('Mul', [
      sumRows(builder, square(builder, placed), {keep: true}),
      builder.double(-perUnit),
    ]);
    const others = builder.node('Add', [own, builder.constant(this.#squares)]);
    const exponents = builder.node('Add', [others, builder.node('Mul', [product, builder.double(2 * perUnit)])]);
    return builder.node('Min', [exponents, builder.double(0)]);
  }

  get count(): number {
    return this.points.rows;
  }

  // -γ ‖xᵢ - xⱼ‖² = (zᵢ, -γ ‖zᵢ‖², 1) · (2γ zⱼ, 1, -γ ‖zⱼ‖²): the product is the whole exponent.

  left(rows: ArrayLike<number>): Matrix {
    return extended(pickRows(this.points, rows), (row) => [this.#squares[rows[row]!]!, 1]);
  }

  right(): Matrix {
    const perProduct = 2 * this.#perUnit();
    return extended(
      this.points,
      (row) => [1, this.#squares[row]!],
      () => perProduct,
    );
  }

  readonly finish: Finish = (exponents) => tf.exp(tf.minimum(exponents, 0));

  diagonal(): Float64Array {
    return new Float64Array(this.points.rows).fill(1);
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

/** What float32 can add up without running over. */
const within = (value: number): number => Math.max(-1e30, Math.min(value, 1e30));

/** Rows times a factor of their own, and two numbers behind each. `into`: an earlier one of the same shape, written anew. */
function extended(
  {rows, columns, data}: Matrix,
  ends: (row: number) => readonly [number, number],
  factorOf: (row: number) => number = () => 1,
  into: Matrix = {rows, columns: columns + 2, data: new Float32Array(rows * (columns + 2))},
): Matrix {
  for (let row = 0; row < rows; row++) {
    const at = row * into.columns;
    const own = data.subarray(row * columns, (row + 1) * columns);
    const factor = within(factorOf(row));
    if (factor === 1) into.data.set(own, at);
    else for (let i = 0; i < columns; i++) into.data[at + i] = factor * own[i]!;
    const [last, veryLast] = ends(row);
    into.data[at + columns] = within(last);
    into.data[at + columns + 1] = within(veryLast);
  }
  return into;
}

function columnMeans({rows, columns, data}: Matrix): Float32Array {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) sums[i]! += data[row * columns + i]!;
  }
  return Float32Array.from(sums, (sum) => sum / rows);
}

// gamma may lie beyond float32's range: saved as mantissa (a pair of floats) and binary exponent.
function toMantissa(value: number): Float32Array {
  const exponent = Math.floor(Math.log2(value));
  return Float32Array.of(...splitDoubles([value / 2 ** exponent]), exponent);
}

const fromMantissa = (saved: Float32Array): number => joinDoubles(saved.subarray(0, 2))[0]! * 2 ** saved[2]!;

/** The nearest number that `save` keeps exactly. */
const storable = (value: number): number => fromMantissa(toMantissa(value));

import type {Matrix, NamedArrays} from '../../core/plugin/contracts.ts';
import type {GraphBuilder, Value} from '../../core/tensor/onnx-builder.ts';
import {openFactor} from '../../core/tensor/products.ts';
import {expNegative} from './fast-exp.ts';
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
    const {columns} = this.points;
    const count = this.points.rows;
    const blockRows = fixedBlockRows(count);
    const squares = this.#squares;
    const exponents = new Float64Array(count);
    const block = new Float32Array(blockRows * columns);
    const own = new Float64Array(blockRows);
    const factor = new Float64Array(blockRows);
    const perUnit = this.#perUnit();
    const products = openFactor(this.points);
    try {
      for (let start = 0; start < features.rows; start += blockRows) {
        const rows = Math.min(blockRows, features.rows - start);
        for (let row = 0; row < rows; row++) {
          const {square, exponent} = this.#place(
            features,
            start + row,
            block.subarray(row * columns, (row + 1) * columns),
          );
          own[row] = -perUnit * square * 4 ** exponent;
          factor[row] = 2 * perUnit * 2 ** exponent;
        }
        block.fill(0, rows * columns); // padding: every call has one shape, and so one order of additions
        products.times({rows: blockRows, columns, data: block}, (first, blockCount, values) => {
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

  /** k(xᵢ, xⱼ) in the place of the products zᵢ·zⱼ, j = firstColumn, firstColumn + 1, … */
  finish(i: number, firstColumn: number, products: Float32Array): void {
    const squares = this.#squares;
    const own = squares[i]!;
    const perProduct = 2 * this.#perUnit();
    for (let j = 0; j < products.length; j++) {
      const exponent = own + squares[firstColumn + j]! + perProduct * products[j]!;
      products[j] = exponent < 0 ? expNegative(exponent) : 1;
    }
  }

  diagonal(): Float64Array {
    return new Float64Array(this.points.rows).fill(1);
  }

  #perUnit(): number {
    return this.gamma / 4 ** this.#exponent;
  }

  /** Writes 2^-k z of a new row; k > 0 only for rows far beyond the points, so that the product can't overflow. */
  #place({columns, data}: Matrix, row: number, into: Float32Array): {square: number; exponent: number} {
    const start = row * columns;
    const scale = 2 ** this.#exponent;
    let square = 0;
    for (let i = 0; i < columns; i++) {
      const z = (data[start + i]! - this.#centre[i]!) * scale;
      square += z * z;
    }
    const exponent = Math.max(0, -scalingExponent(Math.sqrt(square)));
    const placed = scale / 2 ** exponent;
    square = 0;
    for (let i = 0; i < columns; i++) {
      const z = Math.fround((data[start + i]! - this.#centre[i]!) * placed);
      into[i] = z;
      square += z * z;
    }
    return {square, exponent};
  }
}

/** Rows of a product of new rows with `points` points: a function of `points` alone, at most 64 MB of products. */
const fixedBlockRows = (points: number): number =>
  Math.max(64, Math.min(1024, 2 ** Math.floor(Math.log2(2 ** 24 / points))));

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

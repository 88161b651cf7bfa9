import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {squaredLengths} from '../../core/linalg/matrix.ts';
import type {Finish} from '../../core/linalg/products.ts';
import {addScaled, dot} from '../../core/linalg/vectors.ts';
import {joinDoubles, longestRow, pickRows, scalingExponent, splitDoubles} from './features.ts';
import type {KernelSource} from './kernel-rows.ts';

/**
 * Training points 2^e x of the linear kernel; e keeps inner products within float32. One-class machines do not mind: α is the
 * same for K and 4^e K.
 */
export class LinearPoints implements KernelSource {
  readonly #points: Matrix;
  readonly #exponent: number;

  constructor(features: Matrix) {
    this.#exponent = scalingExponent(longestRow(features));
    const scale = 2 ** this.#exponent;
    this.#points = {...features, data: features.data.map((value) => value * scale)};
  }

  diagonal(): Float64Array {
    return squaredLengths(this.#points);
  }

  get count(): number {
    return this.#points.rows;
  }

  left(rows: ArrayLike<number>): Matrix {
    return pickRows(this.#points, rows);
  }

  right(): Matrix {
    return this.#points;
  }

  /** The product is the kernel. */
  readonly finish: Finish = (products) => products;
  readonly nonNegative = false;

  /** w = Σ αᵢ xᵢ. */
  direction(alpha: Float64Array): Direction {
    const {rows, columns, data} = this.#points;
    const sums = new Float64Array(columns);
    for (let row = 0; row < rows; row++) {
      if (alpha[row] !== 0) addScaled(sums, alpha[row]!, data, row * columns);
    }
    return new Direction(splitDoubles(sums), this.#exponent);
  }
}

/** 2^e w as pairs of floats: what is saved is what scores. */
export class Direction {
  readonly #pairs: Float32Array;
  readonly #exponent: number;
  readonly #weights: Float64Array;

  constructor(pairs: Float32Array, exponent: number) {
    this.#pairs = pairs;
    this.#exponent = exponent;
    this.#weights = joinDoubles(pairs).map((value) => value / 2 ** exponent);
  }

  static restore(saved: NamedArrays): Direction {
    return new Direction(saved.get('weights')!.data, saved.get('exponent')!.data[0]!);
  }

  save(): NamedArrays {
    return new Map([
      ['weights', {shape: [2, this.#weights.length], data: this.#pairs}],
      ['exponent', {shape: [1], data: Float32Array.of(this.#exponent)}],
    ]);
  }

  /** `along` as ONNX nodes. */
  alongGraph(builder: GraphBuilder, x: Value): Value {
    return builder.node('MatMul', [builder.toDouble(x), builder.constant(this.#weights)]);
  }

  /** -w for each of so many rows. */
  slopes(rows: number): Matrix {
    const columns = this.#weights.length;
    return {rows, columns, data: Float32Array.from({length: rows * columns}, (_, i) => -this.#weights[i % columns]!)};
  }

  /** `slopes` as ONNX nodes, float64: as many as `rows`. */
  slopesGraph(builder: GraphBuilder, rows: Value): Value {
    const one = builder.constant(
      this.#weights.map((value) => -value),
      [1, this.#weights.length],
    );
    return builder.node('Expand', [one, builder.node('Shape', [rows])]);
  }

  /** w·x a row, in double arithmetic. */
  along({rows, columns, data}: Matrix): Float64Array {
    return Float64Array.from({length: rows}, (_, row) =>
      dot(this.#weights, data.subarray(row * columns, (row + 1) * columns)),
    );
  }
}

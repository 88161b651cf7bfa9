/** The exponents of an RBF kernel as ONNX nodes. */
import type {Matrix} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {square, sumRows} from './scores-graph.ts';

/** As `RbfPoints` has them: z = scale · (x - centre). */
interface Placed {
  readonly points: Matrix;
  readonly centre: Float32Array;
  readonly scale: number;
  /** An exponent is -perUnit · ‖z - zⱼ‖². */
  readonly perUnit: number;
  /** The exponent of each point to 0. */
  readonly squares: Float64Array;
}

export class RbfGraph {
  readonly #builder: GraphBuilder;
  readonly #placed: Placed;
  /** Float64 (points, d). */
  readonly #points: Value;

  constructor(builder: GraphBuilder, placed: Placed) {
    const {rows, columns, data} = placed.points;
    this.#builder = builder;
    this.#placed = placed;
    this.#points = builder.toDouble(builder.constant(data, [rows, columns]));
  }

  /** x float32 (n, d) → -γ ‖x - xⱼ‖², float64 (n, points). */
  exponents(x: Value): Value {
    return this.#toPoints(this.#z(x));
  }

  /** Numbers of points, int64 (n) → their exponents to all points, float64 (n, points). */
  exponentsOf(which: Value): Value {
    return this.#toPoints(this.#builder.node('Gather', [this.#points, which], {axis: 0}));
  }

  /** Σⱼ cⱼ (x - xⱼ) of every row x, float64 (n, d): `coefficients` (n, points). */
  pull(x: Value, coefficients: Value): Value {
    const builder = this.#builder;
    const total = sumRows(builder, coefficients, {keep: true});
    const sums = builder.node('MatMul', [coefficients, this.#points]);
    const scaled = builder.node('Sub', [builder.node('Mul', [total, this.#z(x)]), sums]);
    return builder.node('Div', [scaled, builder.double(this.#placed.scale)]);
  }

  #z(x: Value): Value {
    const builder = this.#builder;
    const {centre, scale} = this.#placed;
    const moved = builder.node('Sub', [builder.toDouble(x), builder.constant(Float64Array.from(centre))]);
    return builder.node('Mul', [moved, builder.double(scale)]);
  }

  #toPoints(rows: Value): Value {
    const builder = this.#builder;
    const {perUnit, squares} = this.#placed;
    const product = builder.node('MatMul', [rows, builder.node('Transpose', [this.#points], {perm: [1, 0]})]);
    const own = builder.node('Mul', [sumRows(builder, square(builder, rows), {keep: true}), builder.double(-perUnit)]);
    const others = builder.node('Add', [own, builder.constant(squares)]);
    const exponents = builder.node('Add', [others, builder.node('Mul', [product, builder.double(2 * perUnit)])]);
    return builder.node('Min', [exponents, builder.double(0)]);
  }
}

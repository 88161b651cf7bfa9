import {plural} from '../../core/base/text.ts';
import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {normaliseRows, squaredLengths} from '../../core/linalg/matrix.ts';
import {openFactor} from '../../core/linalg/products.ts';
import type {Static} from '../../core/plugin/type.ts';
import {Type} from '../../core/plugin/type.ts';
import {maximumOfRows} from './scores-graph.ts';

const options = Type.Object(
  {
    shifts: Type.Integer({
      minimum: 1,
      default: 4,
      description: 'Copies of an image in the features: the shifts of the learner "csi", and the image itself.',
    }),
  },
  {additionalProperties: false},
);

/**
 * The detection score of CSI (Tack et al. 2020, equations 6 to 9). Features, (n, shifts · (d + 1)), have for each copy S of an image its
 * projection z, and the logit l of its own shift. How normal an image is: Σ_S max_m cos(z, z_m) ‖z‖ / mean_m ‖z_m‖ + l / mean_m l_m.
 * An anomaly score is minus that. Where the learner has `shift_weight: 0`, its logits are those of the start, and the score says little.
 */
export const csiClassifier = defineClassifier({
  name: 'csi',
  version: 1,
  summary:
    'The score of CSI: over all shifted copies, the largest cosine to a training image times the length of the projection, and the logit of the shift.',
  paper: 'Tack et al. 2020 (CSI)',
  layer: 'csi',
  options,
  misfit({shifts}, learner) {
    const others = learner['shifts'];
    if (!Array.isArray(others) || others.length + 1 === shifts) return undefined;
    const copies = others.length + 1;
    return {
      message: `classifier "csi" reads features of ${shifts} copies of an image, but learner "${learner.type}" has ${copies}: the image and ${plural(others.length, 'shift')}`,
      hint: `Write {type: csi, shifts: ${copies}}.`,
    };
  },
  create: ({shifts}: Static<typeof options>): Classifier => ({
    fit: (features) => new NearestDirection(copiesOf(features, shifts).map(fitted)),
    heldOut: (features) => heldOut(copiesOf(features, shifts)),
    restore: (saved) => NearestDirection.restore(saved),
  }),
});

/** One copy of all images: projections (n, d), and logits (n). */
interface Copy {
  readonly z: Matrix;
  readonly logits: Float32Array;
}

/** Of the training images: directions z_m / ‖z_m‖, (M, d), and factors on the two parts of the score, float32. */
interface Fitted {
  readonly directions: Matrix;
  readonly similarity: number;
  readonly shift: number;
}

function copiesOf({rows, columns, data}: Matrix, shifts: number): readonly Copy[] {
  if (columns % shifts !== 0)
    throw new Error(
      `classifier "csi": expected the features of ${shifts} copies of an image, but ${columns} columns cannot be divided by ${shifts}; ` +
        'set "shifts" to the number of shifts of the learner and one',
    );
  const width = columns / shifts;
  return Array.from({length: shifts}, (_, copy) => {
    const z = new Float32Array(rows * (width - 1));
    const logits = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const from = row * columns + copy * width;
      z.set(data.subarray(from, from + width - 1), row * (width - 1));
      logits[row] = data[from + width - 1]!;
    }
    return {z: {rows, columns: width - 1, data: z}, logits};
  });
}

const lengths = (z: Matrix): Float64Array => squaredLengths(z).map(Math.sqrt);

const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/**
 * One divided by the mean of so many values; 0, which leaves the part out, for a mean of 0. Logits have a positive mean where shifts are
 * recognised; where they are not, a negative factor would turn the score around.
 */
const perMean = (total: number, count: number): number =>
  total === 0 ? 0 : Math.min(Math.fround(count / Math.abs(total)), largest);

/** Of float32. */
const largest = (2 - 2 ** -23) * 2 ** 127;

const fitted = ({z, logits}: Copy): Fitted => ({
  directions: normaliseRows(z),
  similarity: perMean(sum(lengths(z)), z.rows),
  shift: perMean(sum(logits), z.rows),
});

/** Rows of every product: a row's bits depend on how many there are, but not on what stands in the others. */
const rowsAtOnce = 64;

/** cos(z, z_m) ‖z‖ is the product of z with a direction. The visitor may change the products. */
function nearest(z: Matrix, directions: Matrix, visit: (row: number, products: Float32Array) => void): void {
  const {rows, columns, data} = z;
  const factor = openFactor(directions);
  try {
    for (let start = 0; start < rows; start += rowsAtOnce) {
      const block = new Float32Array(rowsAtOnce * columns);
      block.set(data.subarray(start * columns, Math.min(rows, start + rowsAtOnce) * columns));
      factor.times({rows: rowsAtOnce, columns, data: block}, (first, count, products) => {
        for (let row = first; row < Math.min(first + count, rows - start); row++)
          visit(start + row, products.subarray((row - first) * directions.rows, (row - first + 1) * directions.rows));
      });
    }
  } finally {
    factor.dispose();
  }
}

const greatest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, value), -Infinity);

/** Each row against the others: their directions, and their means. */
function heldOut(copies: readonly Copy[]): Float64Array {
  const {rows} = copies[0]!.z;
  const scores = new Float64Array(rows);
  for (const {z, logits} of copies) {
    const own = lengths(z);
    const [allLengths, allLogits] = [sum(own), sum(logits)];
    nearest(z, normaliseRows(z), (row, products) => {
      products[row] = -Infinity;
      scores[row]! -=
        greatest(products) * perMean(allLengths - own[row]!, rows - 1) +
        logits[row]! * perMean(allLogits - logits[row]!, rows - 1);
    });
  }
  return scores;
}

class NearestDirection implements Scorer {
  readonly #copies: readonly Fitted[];

  constructor(copies: readonly Fitted[]) {
    this.#copies = copies;
  }

  static restore(saved: NamedArrays): NearestDirection {
    const {shape, data} = saved.get('directions')!;
    const [shifts, rows, columns] = shape as readonly [number, number, number];
    const factors = saved.get('factors')!.data;
    return new NearestDirection(
      Array.from({length: shifts}, (_, copy) => ({
        directions: {rows, columns, data: data.subarray(copy * rows * columns, (copy + 1) * rows * columns)},
        similarity: factors[2 * copy]!,
        shift: factors[2 * copy + 1]!,
      })),
    );
  }

  save(): NamedArrays {
    const {rows, columns} = this.#copies[0]!.directions;
    const all = new Float32Array(this.#copies.length * rows * columns);
    for (const [copy, {directions}] of this.#copies.entries()) all.set(directions.data, copy * rows * columns);
    const factors = Float32Array.from(this.#copies.flatMap(({similarity, shift}) => [similarity, shift]));
    return new Map([
      ['directions', {shape: [this.#copies.length, rows, columns], data: all}],
      ['factors', {shape: [this.#copies.length, 2], data: factors}],
    ]);
  }

  score(features: Matrix): Float64Array {
    const scores = new Float64Array(features.rows);
    for (const [copy, {z, logits}] of copiesOf(features, this.#copies.length).entries()) {
      const {directions, similarity, shift} = this.#copies[copy]!;
      nearest(z, directions, (row, products) => {
        scores[row]! -= greatest(products) * similarity + logits[row]! * shift;
      });
    }
    return scores;
  }

  /** Of the nearest direction; where two are as near, of the first. */
  gradient(features: Matrix): Matrix {
    const {rows, columns} = features;
    const data = new Float32Array(rows * columns);
    const width = columns / this.#copies.length;
    for (const [copy, {z}] of copiesOf(features, this.#copies.length).entries()) {
      const {directions, similarity, shift} = this.#copies[copy]!;
      nearest(z, directions, (row, products) => {
        const best = products.indexOf(greatest(products)) * (width - 1);
        const from = row * columns + copy * width;
        for (let i = 0; i < width - 1; i++) data[from + i] = -similarity * directions.data[best + i]!;
        data[from + width - 1] = -shift;
      });
    }
    return {rows, columns, data};
  }

  graph(builder: GraphBuilder, features: Value): Value {
    const parts = this.#copies.flatMap(({similarity, shift}, copy) => {
      const {products, logits} = this.#copyGraph(builder, features, copy);
      return [
        builder.node('Mul', [maximumOfRows(builder, products), builder.double(-similarity)]),
        builder.node('Mul', [builder.node('Squeeze', [logits, builder.integers(1)]), builder.double(-shift)]),
      ];
    });
    return builder.node('Sum', parts);
  }

  /** `gradient` as ONNX nodes. */
  gradientGraph(builder: GraphBuilder, features: Value): Value {
    const parts = this.#copies.flatMap(({similarity, shift}, copy) => {
      const {products, logits, points} = this.#copyGraph(builder, features, copy);
      const best = builder.node('ArgMax', [products], {axis: 1, keepdims: 0});
      const nearest = builder.node('Gather', [points, best], {axis: 0});
      const minusShift = builder.constant(Float64Array.of(-shift));
      return [
        builder.node('Mul', [nearest, builder.double(-similarity)]),
        builder.node('Expand', [minusShift, builder.node('Shape', [logits])]),
      ];
    });
    return builder.toFloat(builder.node('Concat', parts, {axis: 1}));
  }

  /** Of one copy, float64: products of z with all directions (n, points), the logit (n, 1), and the directions. */
  #copyGraph(builder: GraphBuilder, features: Value, copy: number) {
    const {directions} = this.#copies[copy]!;
    const {rows, columns} = directions;
    const exact = builder.toDouble(features);
    const columnsOf = (from: number, to: number): Value =>
      builder.node('Slice', [exact, builder.integers(from), builder.integers(to), builder.integers(1)]);
    const from = copy * (columns + 1);
    const points = builder.toDouble(builder.constant(directions.data, [rows, columns]));
    const turned = builder.node('Transpose', [points], {perm: [1, 0]});
    return {
      points,
      products: builder.node('MatMul', [columnsOf(from, from + columns), turned]),
      logits: columnsOf(from + columns, from + columns + 1),
    };
  }
}

// @module-tag slow
/**
 * Three hundred convolutions of drawn shapes, forwards and both gradients, on every engine against plain loops in float64.
 * Libraries choose their kernels by shape, and a wrong one is wrong for some numbers of channels alone, mostly in the last of
 * them: so all remainders of 64 are drawn. Of a small tensor every value is looked at. Of a large one 300 places are, the last
 * channels and the borders always among them, and all values together by ⟨dy, y⟩ = ⟨x, dx⟩ = ⟨filter, dfilter⟩.
 */
import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {takeKernelChecks} from '../../../src/core/engine/check/findings.ts';
import {type Tensor, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {conv2d} from '../../../src/core/nn/convolution.ts';
import {onEachEngine, values} from '../../rig/tensors.ts';

interface Shape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly f: number;
  readonly k: number;
  readonly stride: number;
}

const count = 300;
const most = {channels: 400, batch: 5, h: 33, w: 33} as const;
/** Products of a convolution, at most: what keeps 300 of them on each engine within a minute. */
const budget = 12e6;
/** Products up to which the loops visit every place. */
const affordable = 1e6;
const samples = 300;

/**
 * Of the two numbers of channels one goes through all remainders of 64, in turns, and the other is drawn out of what the budget
 * leaves. Few are as frequent as many: kernels differ most below a block's 16 or 64. Sides are drawn first and halved where even one channel would be too much.
 */
function drawShapes(rng: Rng): readonly Shape[] {
  return Array.from({length: count}, (_, i) => {
    const k = [1, 3, 5, 7][rng.integer(4)]!;
    const stride = 1 + rng.integer(2);
    const n = 1 + rng.integer(most.batch);
    const remainder = Math.floor(i / 2) % 64;
    const blocks = Math.floor((most.channels - remainder) / 64);
    const least = remainder === 0 ? 1 : 0;
    const stratified = remainder + 64 * (rng.integer(2) === 0 ? least : least + rng.integer(blocks + 1 - least));
    let [h, w] = [1 + rng.integer(most.h), 1 + rng.integer(most.w)];
    const room = () => budget / (k * k * stratified * n * Math.ceil(h / stride) * Math.ceil(w / stride));
    while (room() < 1) [h, w] = [Math.ceil(h / 2), Math.ceil(w / 2)];
    const other = Math.floor(Math.exp(rng.uniform(0, Math.log(Math.min(most.channels, room()) + 1))));
    return {n, h, w, k, stride, ...(i % 2 === 0 ? {c: stratified, f: other} : {c: other, f: stratified})};
  });
}

type Place = readonly [number, number, number, number];

/** One value in float64, and √Σ of its terms' squares: what its rounding errors are in proportion to. */
interface Exact {
  readonly value: number;
  readonly size: number;
}

/** The definition: ⌊k/2⌋ zeros on every side; x (n, h, w, c), filter (k, k, c, f), dy (n, ⌈h/stride⌉, ⌈w/stride⌉, f). */
class Reference {
  readonly x: Float32Array;
  readonly filter: Float32Array;
  readonly dy: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly #shape: Shape;

  constructor(shape: Shape, seed: number) {
    this.#shape = shape;
    this.rows = Math.ceil(shape.h / shape.stride);
    this.columns = Math.ceil(shape.w / shape.stride);
    this.x = values(shape.n * shape.h * shape.w * shape.c, seed);
    this.filter = values(shape.k ** 2 * shape.c * shape.f, seed + 1);
    this.dy = values(shape.n * this.rows * this.columns * shape.f, seed + 2);
  }

  y([m, p, q, o]: Place): Exact {
    const {h, w, c, f, k, stride} = this.#shape;
    let [value, squares] = [0, 0];
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) {
        const [row, column] = [p * stride + i - (k >> 1), q * stride + j - (k >> 1)];
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        const from = ((m * h + row) * w + column) * c;
        const tap = (i * k + j) * c;
        for (let d = 0; d < c; d++) {
          const term = this.x[from + d]! * this.filter[(tap + d) * f + o]!;
          value += term;
          squares += term * term;
        }
      }
    return {value, size: Math.sqrt(squares)};
  }

  dx([m, row, column, d]: Place): Exact {
    const {c, f, k, stride} = this.#shape;
    let [value, squares] = [0, 0];
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) {
        const [p, q] = [(row - i + (k >> 1)) / stride, (column - j + (k >> 1)) / stride];
        if (!Number.isInteger(p) || !Number.isInteger(q)) continue;
        if (p < 0 || p >= this.rows || q < 0 || q >= this.columns) continue;
        const from = ((m * this.rows + p) * this.columns + q) * f;
        const tap = ((i * k + j) * c + d) * f;
        for (let o = 0; o < f; o++) {
          const term = this.dy[from + o]! * this.filter[tap + o]!;
          value += term;
          squares += term * term;
        }
      }
    return {value, size: Math.sqrt(squares)};
  }

  dfilter([i, j, d, o]: Place): Exact {
    const {n, h, w, c, f, k, stride} = this.#shape;
    let [value, squares] = [0, 0];
    for (let m = 0; m < n; m++)
      for (let p = 0; p < this.rows; p++) {
        const row = p * stride + i - (k >> 1);
        if (row < 0 || row >= h) continue;
        for (let q = 0; q < this.columns; q++) {
          const column = q * stride + j - (k >> 1);
          if (column < 0 || column >= w) continue;
          const term =
            this.x[((m * h + row) * w + column) * c + d]! * this.dy[((m * this.rows + p) * this.columns + q) * f + o]!;
          value += term;
          squares += term * term;
        }
      }
    return {value, size: Math.sqrt(squares)};
  }
}

/** All places of a tensor, or samples of them: the four ends of each axis weigh as much as all that is between. */
function placesOf(shape: readonly number[], cost: number, rng: Rng): readonly Place[] {
  const [a, b, c, d] = shape as [number, number, number, number];
  const size = a * b * c * d;
  if (size * cost <= affordable) {
    const at = (i: number): Place => [
      Math.floor(i / (b * c * d)),
      Math.floor(i / (c * d)) % b,
      Math.floor(i / d) % c,
      i % d,
    ];
    return Array.from({length: size}, (_, i) => at(i));
  }
  const coordinate = (side: number, last: boolean): number => {
    if (last) return side - 1 - rng.integer(Math.min(side, 16)); // within a block's remainder
    if (rng.integer(2) === 0) return rng.integer(side);
    return rng.integer(2) === 0 ? 0 : side - 1;
  };
  const corner: Place = [a - 1, b - 1, c - 1, d - 1];
  return [
    corner,
    ...Array.from({length: samples - 1}, (_, i): Place => {
      const ends = i % 2 === 0; // half of them in the last channels, of either kind
      return [coordinate(a, false), coordinate(b, false), coordinate(c, ends), coordinate(d, ends)];
    }),
  ];
}

/** Rounding errors of float32 stay a hundredth of this; a wrong value is off by its own size. */
const tolerance = 1e-4;

function expectPlaces(
  name: string,
  {shape, data}: {readonly shape: readonly number[]; readonly data: Float32Array},
  exact: (place: Place) => Exact,
  places: readonly Place[],
  computed: string,
): void {
  const [, b, c, d] = shape as [number, number, number, number];
  const wrong: string[] = [];
  for (const place of places) {
    const got = data[((place[0] * b + place[1]) * c + place[2]) * d + place[3]]!;
    const {value, size} = exact(place);
    if (!(Math.abs(got - value) <= 1e-6 + tolerance * size)) wrong.push(`[${place}] is ${got}, not ${value}`);
  }
  if (wrong.length > 0)
    expect.fail(
      `${name} [${shape}]: ${wrong.length} of ${places.length} values are wrong: ${wrong[0]}, … ${wrong.at(-1)} (${computed})`,
    );
}

/** ⟨a, b⟩ in float64. */
function inner(a: Float32Array, b: Float32Array): Exact {
  let [value, squares] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const term = a[i]! * b[i]!;
    value += term;
    squares += term * term;
  }
  return {value, size: Math.sqrt(squares)};
}

const shapes = drawShapes(new Rng('convolutions'));

test('the drawn shapes have all remainders of 64 in both numbers of channels, and all sizes and strides', () => {
  const remainders = (of: (shape: Shape) => number) => new Set(shapes.map((shape) => of(shape) % 64)).size;
  expect([remainders(({c}) => c), remainders(({f}) => f)]).toEqual([64, 64]);
  expect(new Set(shapes.map(({k, stride}) => `${k}/${stride}`)).size).toBe(8);
  for (const side of ['h', 'w'] as const) {
    const drawn = shapes.map((shape) => shape[side]);
    expect([Math.min(...drawn), Math.max(...drawn)]).toEqual([1, most[side]]);
  }
  expect(Math.max(...shapes.map(({c}) => c))).toBeGreaterThan(384);
  // Where writes outside of memory were seen.
  const small = shapes.filter(
    ({c, k, stride, h, w}) => c < 16 && k === 1 && stride === 2 && h % 2 === 0 && w % 2 === 0,
  );
  expect(small.length).toBeGreaterThan(2);
  expect(new Set(shapes.map(({n}) => n)).size).toBe(most.batch);
});

onEachEngine(() => {
  describe('a convolution and its gradients equal float64 loops', () => {
    test.for(shapes.map((shape, i) => ({...shape, i: i + 1})))(
      '$i: $n × $h × $w × $c, $f filters $k × $k, stride $stride',
      async ({i, ...shape}) => {
        const {n, h, w, c, f, k, stride} = shape;
        const reference = new Reference(shape, 3 * i);
        const {rows, columns} = reference;
        const x = tf.tensor4d(reference.x, [n, h, w, c]);
        const filter = tf.tensor4d(reference.filter, [k, k, c, f]);
        const dy = tf.tensor4d(reference.dy, [n, rows, columns, f]);
        const convolve = (a: Tensor, b: Tensor) => conv2d(a as Tensor4D, b as Tensor4D, stride);
        takeKernelChecks();
        const {value: y, grads: gradients} = tf.valueAndGrads(convolve)([x, filter], dy);
        const [dx, dfilter] = gradients;
        const valuesOf = async (tensor: Tensor) => ({
          shape: tensor.shape,
          data: (await tensor.data()) as Float32Array,
        });
        const ours = {y: await valuesOf(y), dx: await valuesOf(dx!), dfilter: await valuesOf(dfilter!)};
        tf.dispose([x, filter, dy, y, dx!, dfilter!]);
        expect(ours.y.shape).toEqual([n, rows, columns, f]);
        expect(ours.dx.shape).toEqual([n, h, w, c]);
        expect(ours.dfilter.shape).toEqual([k, k, c, f]);
        const checks = takeKernelChecks();
        const ways = checks?.replaced.map(({kernel, verdict, way}) => `${kernel} ${verdict}, by "${way}"`).join(', ');
        const computed = `${checks?.kernels.length ?? 0} kernels checked; computed another way: ${ways || 'none'}`;
        const rng = new Rng(`places ${i}`);
        const costs = {y: k * k * c, dx: k * k * f, dfilter: n * rows * columns};
        for (const name of ['y', 'dx', 'dfilter'] as const) {
          const places = placesOf(ours[name].shape, costs[name], rng);
          expectPlaces(name, ours[name], (place) => reference[name](place), places, computed);
        }
        const forward = inner(reference.dy, ours.y.data);
        for (const [name, back] of [
          ['⟨x, dx⟩', inner(reference.x, ours.dx.data)],
          ['⟨filter, dfilter⟩', inner(reference.filter, ours.dfilter.data)],
        ] as const)
          expect(
            Math.abs(back.value - forward.value),
            `${name} = ${back.value}, ⟨dy, y⟩ = ${forward.value}`,
          ).toBeLessThanOrEqual(tolerance * (back.size + forward.size));
      },
    );
  });
});

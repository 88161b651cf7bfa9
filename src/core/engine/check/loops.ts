/** Plain loops in float64, the reference that shares nothing with the library; and the sums by which a batch becomes one image. */

/** Of a convolution or a pooling. Images (n, h, w, c), outputs (n, p, q, f), windows kh × kw. */
export interface Geometry {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly p: number;
  readonly q: number;
  readonly f: number;
  readonly kh: number;
  readonly kw: number;
  readonly strides: readonly [number, number];
  readonly top: number;
  readonly left: number;
}

type Numbers = Float32Array | Float64Array;

/** Every product of the convolution of one image with one channel: place of the output, place of the image, tap of the filter. */
export function eachTap(
  {h, w, p, q, kh, kw, strides, top, left}: Geometry,
  visit: (output: number, input: number, tap: number) => void,
): void {
  for (let row = 0; row < p; row++)
    for (let column = 0; column < q; column++)
      for (let k = 0; k < kh; k++) {
        const i = row * strides[0] + k - top;
        if (i < 0 || i >= h) continue;
        for (let l = 0; l < kw; l++) {
          const j = column * strides[1] + l - left;
          if (j >= 0 && j < w) visit(row * q + column, i * w + j, k * kw + l);
        }
      }
}

/** How often `eachTap` visits. */
export function tapsOf(g: Geometry): number {
  let taps = 0;
  eachTap(g, () => taps++);
  return taps;
}

/** x (h, w, c), filter (kh, kw, c, f) → (p, q, f), for one image of `c` and `f` channels, which need not be the geometry's. */
export function convolve(g: Geometry, x: Numbers, filter: Numbers, c: number, f: number): Float64Array {
  const y = new Float64Array(g.p * g.q * f);
  eachTap(g, (output, input, tap) => {
    for (let channel = 0; channel < c; channel++) {
      const value = x[input * c + channel]!;
      const row = (tap * c + channel) * f;
      for (let feature = 0; feature < f; feature++) y[output * f + feature]! += value * filter[row + feature]!;
    }
  });
  return y;
}

/** dy (p, q, f), filter (kh, kw, c, f) → (h, w, c). */
export function convolveBack(g: Geometry, dy: Numbers, filter: Numbers, c: number, f: number): Float64Array {
  const dx = new Float64Array(g.h * g.w * c);
  eachTap(g, (output, input, tap) => {
    for (let channel = 0; channel < c; channel++) {
      const row = (tap * c + channel) * f;
      let sum = 0;
      for (let feature = 0; feature < f; feature++) sum += dy[output * f + feature]! * filter[row + feature]!;
      dx[input * c + channel]! += sum;
    }
  });
  return dx;
}

/** x (h, w, c), dy (p, q, f) → (kh, kw, c, f), added to `sum`. */
export function correlate(
  g: Geometry,
  x: Numbers,
  dy: Numbers,
  c: number,
  f: number,
  sum = new Float64Array(g.kh * g.kw * c * f),
): Float64Array {
  eachTap(g, (output, input, tap) => {
    for (let channel = 0; channel < c; channel++) {
      const value = x[input * c + channel]!;
      const row = (tap * c + channel) * f;
      for (let feature = 0; feature < f; feature++) sum[row + feature]! += value * dy[output * f + feature]!;
    }
  });
  return sum;
}

/** The three of a depthwise convolution, filter (kh, kw, c): `to[target] += a[…] · b[…]` for every channel of every tap. */
export function depthwise(g: Geometry, of: 'output' | 'input' | 'tap', a: Numbers, b: Numbers): Float64Array {
  const {c} = g;
  const places = {output: g.p * g.q, input: g.h * g.w, tap: g.kh * g.kw};
  const sum = new Float64Array(places[of] * c);
  eachTap(g, (output, input, tap) => {
    const [to, first, second] =
      of === 'output' ? [output, input, tap] : of === 'input' ? [input, output, tap] : [tap, input, output];
    for (let channel = 0; channel < c; channel++)
      sum[to * c + channel]! += a[first * c + channel]! * b[second * c + channel]!;
  });
  return sum;
}

/** Σ weights[row] · values[row, …] of `rows` rows of `size` values. */
export function combined(values: Numbers, rows: number, size: number, weights: Numbers): Float64Array {
  const sum = new Float64Array(size);
  for (let row = 0, at = 0; row < rows; row++) {
    const weight = weights[row]!;
    for (let i = 0; i < size; i++, at++) sum[i]! += weight * values[at]!;
  }
  return sum;
}

/** ⟨values[row, …], weights⟩ of `rows` rows of `size` values. */
export function dots(values: Numbers, rows: number, size: number, weights: Numbers): Float64Array {
  const sums = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < size; i++, at++) sum += values[at]! * weights[i]!;
    sums[row] = sum;
  }
  return sums;
}

/** a ⊗ b. */
export function outer(a: Numbers, b: Numbers): Float64Array {
  const product = new Float64Array(a.length * b.length);
  for (let i = 0, at = 0; i < a.length; i++) for (let j = 0; j < b.length; j++, at++) product[at] = a[i]! * b[j]!;
  return product;
}

/** (rows, columns) → (columns, rows). */
export function transposed(values: Numbers, rows: number): Float64Array {
  const columns = values.length / rows;
  const turned = new Float64Array(values.length);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) turned[column * rows + row] = values[at]!;
  return turned;
}

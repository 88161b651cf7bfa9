/** Vectors in double arithmetic. Each function says in which order it adds: that decides the last bits of what is cached. */

export type Numbers = Float32Array | Float64Array;

/** Σ a[i] b[i], added in the order of i; equally long. */
export function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Σ a[i + k] b[j + k], k < length: four sums at a time, as one alone would wait for each addition. */
export function dotInFours(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let [s, t, u, v] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s += a[i + k]! * b[j + k]!;
    t += a[i + k + 1]! * b[j + k + 1]!;
    u += a[i + k + 2]! * b[j + k + 2]!;
    v += a[i + k + 3]! * b[j + k + 3]!;
  }
  for (; k < length; k++) s += a[i + k]! * b[j + k]!;
  return s + t + (u + v);
}

/** into[i] += factor · from[at + i], for all of `into`. */
export function addScaled(into: Float64Array, factor: number, from: Numbers, at = 0): void {
  for (let i = 0; i < into.length; i++) into[i]! += factor * from[at + i]!;
}

import type {ParameterSpec} from '../../../src/core/nn/layers.ts';

/** Uniform in [-1, 1): murmur3's finaliser of the index, as in `scripts/make-network-fixtures.py`. */
export function pattern(count: number, salt: number): Float64Array {
  return Float64Array.from({length: count}, (_, i) => {
    let x = (Math.imul(i + 1, 2654435761) + salt * 40503) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    x = (x ^ (x >>> 16)) >>> 0;
    return x / 2147483648 - 1;
  });
}

/** The script's value of the parameter that stands at `index` of the network's list. */
export function patternValues({name, shape}: ParameterSpec, index: number): Float32Array {
  const count = shape.reduce((product, side) => product * side, 1);
  const fanOut = count / shape.at(-2)!;
  const scale = name.endsWith('/kernel') ? Math.sqrt(6 / fanOut) : 0.25;
  const centre = /gamma$|variance$/.test(name) ? 1 : 0;
  return Float32Array.from(pattern(count, index + 1), (u) => centre + scale * u);
}

/** Numbers that training changes by gradient. */
export const countTrainable = (specs: readonly ParameterSpec[]): number =>
  specs
    .filter(({trainable}) => trainable)
    .reduce((sum, {shape}) => sum + shape.reduce((product, side) => product * side, 1), 0);

/** Norm, product with a pattern, first four values. */
export function digest(values: ArrayLike<number>): number[] {
  const all = Float64Array.from(values);
  const weights = pattern(all.length, 99);
  const norm = Math.sqrt(all.reduce((sum, v) => sum + v * v, 0));
  return [norm, all.reduce((sum, v, i) => sum + v * weights[i]!, 0), ...all.subarray(0, 4)];
}

/** Largest difference of two digests, relative to the array's norm. */
export function distance(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!))) / Math.max(theirs[0]!, 1e-6);
}

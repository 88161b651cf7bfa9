/**
 * Sobol's sequence: points that fill the unit cube evenly, every prefix of them. Scrambled, every point is uniform in the cube.
 */
import type {Rng} from '../../core/base/random.ts';
import {joeKuo} from './sobol-numbers.ts';

const bits = 32;
export const sobolDimensions = joeKuo.length + 1;

/** `point(n)` has n < 2^32 and coordinates in [0, 1). */
export interface Sobol {
  point(n: number): Float64Array;
}

/**
 * In the order of Gray code (Antonov and Saleev), as most libraries have it. With an `rng`, scrambled by a random linear matrix
 * and a digital shift in each dimension (Matoušek, "On the L2-discrepancy for anchored boxes", 1998), which keeps how evenly any
 * 2^k points lie.
 */
export function sobol(dimensions: number, rng?: Rng): Sobol {
  const plain = Array.from({length: dimensions}, (_, d) => directions(d));
  const scrambled = plain.map((numbers, d) => scramble(numbers, rng?.fork(`dimension ${d}`)));
  return {
    point(n) {
      const code = (n ^ (n >>> 1)) >>> 0;
      return Float64Array.from(scrambled, ({numbers, shift}) => {
        let x = shift;
        for (let k = 0; k < bits; k++) if ((code >>> k) & 1) x ^= numbers[k]!;
        return (x >>> 0) / 2 ** bits;
      });
    },
  };
}

/** v_k = m_k / 2^k of a dimension, as integers with 32 bits after the point. */
function directions(dimension: number): Uint32Array {
  const v = new Uint32Array(bits);
  if (dimension === 0) {
    for (let k = 0; k < bits; k++) v[k] = 1 << (bits - 1 - k);
    return v;
  }
  const [polynomial, ...initial] = joeKuo[dimension - 1]!;
  const degree = initial.length;
  for (let k = 0; k < degree; k++) v[k] = initial[k]! << (bits - 1 - k);
  for (let k = degree; k < bits; k++) {
    let next = v[k - degree]! ^ (v[k - degree]! >>> degree);
    for (let j = 1; j < degree; j++) if ((polynomial! >>> (degree - j)) & 1) next ^= v[k - j]!;
    v[k] = next;
  }
  return v;
}

/** Each number times a random lower triangular matrix over GF(2) with ones on the diagonal. */
function scramble(numbers: Uint32Array, rng: Rng | undefined): {numbers: Uint32Array; shift: number} {
  if (!rng) return {numbers, shift: 0};
  // Row i makes bit i, counted from the highest, of itself and higher bits.
  const rows = Uint32Array.from({length: bits}, (_, i) => {
    const diagonal = 2 ** (bits - 1 - i);
    const higher = 2 ** bits - 2 * diagonal;
    return (rng.bits() & higher) | diagonal;
  });
  const times = (v: number) => {
    let product = 0;
    for (let i = 0; i < bits; i++) product |= parity(v & rows[i]!) << (bits - 1 - i);
    return product;
  };
  return {numbers: numbers.map(times), shift: rng.bits()};
}

function parity(word: number): number {
  let folded = word;
  for (const shift of [16, 8, 4, 2, 1]) folded ^= folded >>> shift;
  return folded & 1;
}

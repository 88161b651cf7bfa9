/** Reproducible random numbers, made fast: tens of millions for one kernel. */

// A prime, so that no image or row begins at the same value as another. Larger tensors repeat it.
const period = 1_048_583;
let pool: Float32Array | undefined;

function xorshift(seed: number): () => number {
  let state = (seed * 2654435761 + 88172645) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Uniform in [−1, 1), of variance 1/3. */
export function noise(size: number, seed: number): Float32Array {
  if (pool === undefined) {
    const next = xorshift(1);
    pool = Float32Array.from({length: period}, () => (next() >>> 8) / 2 ** 23 - 1);
  }
  const values = new Float32Array(size);
  let from = (seed * 374_761_393) % period;
  for (let at = 0; at < size; from = 0) {
    const part = pool.subarray(from, from + size - at);
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** ±1. */
export function signs(size: number, seed: number): Float64Array {
  const next = xorshift(seed + 7919);
  return Float64Array.from({length: size}, () => (next() & 0x10000 ? 1 : -1));
}

/**
 * NumPy's legacy generator, `numpy.random.RandomState(seed)`: the splits of published data were drawn with it, so we need exactly
 * the same numbers. Everything else uses `Rng`.
 */

const size = 624;
const shift = 397;

/** Mersenne Twister (MT19937, Matsumoto and Nishimura 1998), seeded as NumPy does by an integer below 2^32. */
export class NumpyRandom {
  readonly #state = new Uint32Array(size);
  #at = size;

  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < size; i++) {
      const last = state[i - 1]! ^ (state[i - 1]! >>> 30);
      state[i] = Math.imul(1812433253, last) + i;
    }
  }

  /** `permutation(n)`: Fisher–Yates from the end. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({length: n}, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.#upTo(i);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }

  /** Uniform in 0..most: draws as many low bits as `most` has, again and again until they are at most `most`. */
  #upTo(most: number): number {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    for (;;) {
      const value = (this.#bits() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  /** The next 32 bits. */
  #bits(): number {
    if (this.#at === size) this.#twist();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + shift) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }
}

import {createHash} from 'node:crypto';

/**
 * Seeded generator (sfc32) with named sub-streams: `rng.fork('shuffle')` depends only on the seed and the names, not on earlier
 * draws, so that an added draw does not change the others. 0 is a valid seed.
 */
export class Rng {
  /** Seed and names of the forks: `new Rng(path)` is the same stream in another thread. */
  readonly path: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  #spare: number | undefined;

  constructor(seed: number | string) {
    this.path = String(seed);
    // 96 bits of state from a cryptographic hash: neighbouring seeds and names give unrelated streams.
    const hash = createHash('sha256').update(this.path).digest();
    this.#a = hash.readInt32LE(0);
    this.#b = hash.readInt32LE(4);
    this.#c = hash.readInt32LE(8);
    for (let i = 0; i < 12; i++) this.bits();
  }

  fork(name: string | number): Rng {
    return new Rng(`${this.path}/${name}`);
  }

  /** 32 random bits as a signed integer. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t;
  }

  /** Uniform in [low, high), 32 bits of resolution. */
  uniform(low = 0, high = 1): number {
    return low + ((high - low) * (this.bits() >>> 0)) / 4294967296;
  }

  /** Uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    for (;;) {
      const u = this.uniform(-1, 1);
      const v = this.uniform(-1, 1);
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        this.#spare = v * scale;
        return u * scale;
      }
    }
  }

  /** A permutation of 0..n-1 (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({length: n}, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }
}

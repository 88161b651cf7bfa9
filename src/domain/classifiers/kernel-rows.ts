import type {Matrix} from '../../core/contracts/data.ts';
import {type Finish, forEachProductBlock} from '../../core/linalg/products.ts';

/** A kernel among training points that is a function of inner products: k(xᵢ, xⱼ) = finish(leftᵢ · rightⱼ). */
export interface KernelSource {
  readonly count: number;
  /** k(xᵢ, xᵢ), exact. */
  diagonal(): Float64Array;
  left(rows: ArrayLike<number>): Matrix;
  right(): Matrix;
  readonly finish: Finish;
}

/** Rows of the Gram matrix as the solver reads them. */
export interface KernelRows {
  readonly count: number;
  readonly diagonal: Float64Array;
  /** k(xᵢ, ·). Stays whole until two other rows have been asked for. `likely` lists rows that may be asked for next. */
  row(i: number, likely: (count: number) => ArrayLike<number>): Float32Array;
  /** into += Σᵢ weightᵢ k(xᵢ, ·), over the rows of weight other than 0. */
  accumulate(weights: Float64Array, into: Float64Array): void;
}

// 256 MB; beyond it rows are computed when the solver asks for them, and kept in at most 512 MB.
const wholeUpTo = 8192;
const cacheBytes = 512 * 2 ** 20;

export const kernelRows = (source: KernelSource, largestWhole = wholeUpTo, bytes = cacheBytes): KernelRows =>
  source.count <= largestWhole ? new WholeGram(source) : new CachedRows(source, bytes);

class WholeGram implements KernelRows {
  readonly count: number;
  readonly diagonal: Float64Array;
  readonly #rows: readonly Float32Array[];

  constructor(source: KernelSource) {
    const n = source.count;
    const gram = gramMatrix(source);
    this.count = n;
    this.diagonal = source.diagonal();
    this.#rows = Array.from({length: n}, (_, i) => gram.subarray(i * n, (i + 1) * n));
  }

  row(i: number): Float32Array {
    return this.#rows[i]!;
  }

  accumulate(weights: Float64Array, into: Float64Array): void {
    for (let i = 0; i < this.count; i++) if (weights[i] !== 0) addRow(weights[i]!, this.#rows[i]!, into);
  }
}

/** (n, n), exactly symmetric: the upper triangle computed in bands, then mirrored. */
function gramMatrix(source: KernelSource): Float32Array {
  const n = source.count;
  const right = source.right();
  const band = 512;
  const gram = new Float32Array(n * n);
  for (let start = 0; start < n; start += band) {
    const own = source.left(Array.from({length: Math.min(band, n - start)}, (_, k) => start + k));
    const width = n - start;
    const rest = {...right, rows: width, data: right.data.subarray(start * right.columns)};
    const copy = (first: number, count: number, values: Float32Array) => {
      for (let row = first; row < first + count; row++) {
        const i = start + row;
        gram.set(values.subarray((row - first) * width + row, (row - first + 1) * width), i * n + i);
      }
    };
    forEachProductBlock(own, rest, copy, {finish: source.finish});
  }
  const diagonal = source.diagonal();
  for (let i = 0; i < n; i++) gram[i * n + i] = diagonal[i]!;
  mirror(gram, n);
  return gram;
}

/** Copies the upper triangle to the lower, tile by tile: both sides then stay in the processor's cache. */
function mirror(gram: Float32Array, n: number): void {
  const tile = 32;
  for (let top = 0; top < n; top += tile) {
    for (let left = top; left < n; left += tile) {
      const right = Math.min(left + tile, n);
      const bottom = Math.min(top + tile, n);
      for (let i = left; i < right; i++) {
        const last = Math.min(bottom, i);
        for (let j = top; j < last; j++) gram[i * n + j] = gram[j * n + i]!;
      }
    }
  }
}

/** Rows computed a batch at a time, the least recently used forgotten. */
class CachedRows implements KernelRows {
  readonly count: number;
  readonly diagonal: Float64Array;
  readonly #source: KernelSource;
  readonly #right: Matrix;
  readonly #slots: Float32Array[] = [];
  readonly #capacity: number;
  /** Slot of a row, -1 where it is not held. */
  readonly #slotOf: Int32Array;
  readonly #rowOf: Int32Array;
  readonly #used: Float64Array;
  #clock = 0;

  constructor(source: KernelSource, bytes: number) {
    this.#source = source;
    this.#right = source.right();
    this.count = source.count;
    this.diagonal = source.diagonal();
    // Two rows are in use at a time, and a batch must not push them out.
    this.#capacity = Math.min(this.count, Math.max(4 * batchRows, Math.floor(bytes / (4 * this.count))));
    this.#slotOf = new Int32Array(this.count).fill(-1);
    this.#rowOf = new Int32Array(this.#capacity).fill(-1);
    this.#used = new Float64Array(this.#capacity);
  }

  row(i: number, likely: (count: number) => ArrayLike<number>): Float32Array {
    if (this.#slotOf[i]! < 0) this.#fetch(i, likely(2 * batchRows));
    const slot = this.#slotOf[i]!;
    this.#used[slot] = ++this.#clock;
    return this.#slots[slot]!;
  }

  accumulate(weights: Float64Array, into: Float64Array): void {
    const missing: number[] = [];
    for (let i = 0; i < this.count; i++) {
      if (weights[i] === 0) continue;
      const slot = this.#slotOf[i]!;
      if (slot < 0) missing.push(i);
      else addRow(weights[i]!, this.#slots[slot]!, into);
    }
    this.#compute(missing, (i, values) => addRow(weights[i]!, values, into));
  }

  /** One row alone would cost almost as much as a batch: the engine has to be given all points each time. */
  #fetch(i: number, likely: ArrayLike<number>): void {
    const wanted = [i];
    for (let k = 0; k < likely.length && wanted.length < Math.min(batchRows, this.#capacity); k++) {
      if (likely[k] !== i && this.#slotOf[likely[k]!]! < 0) wanted.push(likely[k]!);
    }
    const slots = this.#freeSlots(wanted.length);
    let next = 0;
    this.#compute(wanted, (row, values) => {
      const slot = slots[next++]!;
      if (this.#rowOf[slot]! >= 0) this.#slotOf[this.#rowOf[slot]!] = -1;
      this.#rowOf[slot] = row;
      this.#slotOf[row] = slot;
      this.#used[slot] = this.#clock;
      this.#slots[slot]!.set(values);
    });
  }

  #freeSlots(count: number): readonly number[] {
    const slots: number[] = [];
    while (slots.length < count && this.#slots.length < this.#capacity) {
      slots.push(this.#slots.push(new Float32Array(this.count)) - 1);
    }
    if (slots.length === count) return slots;
    const taken = new Set(slots);
    const oldest = Array.from(this.#used.keys())
      .filter((slot) => !taken.has(slot))
      .sort((a, b) => this.#used[a]! - this.#used[b]!);
    return [...slots, ...oldest.slice(0, count - slots.length)];
  }

  /** Visits k(xᵢ, ·) of each of the rows; the array is the visitor's only during the call. */
  #compute(rows: readonly number[], visit: (i: number, values: Float32Array) => void): void {
    for (let start = 0; start < rows.length; start += 8 * batchRows) {
      const some = rows.slice(start, start + 8 * batchRows);
      const each = (first: number, count: number, block: Float32Array) => {
        for (let k = 0; k < count; k++) {
          const i = some[first + k]!;
          const values = block.subarray(k * this.count, (k + 1) * this.count);
          values[i] = this.diagonal[i]!;
          visit(i, values);
        }
      };
      forEachProductBlock(this.#source.left(some), this.#right, each, {finish: this.#source.finish});
    }
  }
}

const batchRows = 128;

function addRow(weight: number, row: Float32Array, into: Float64Array): void {
  for (let j = 0; j < row.length; j++) into[j]! += weight * row[j]!;
}

import type {Matrix} from '../../core/contracts/data.ts';
import type {Tensor2D} from '../../core/engine/engine.ts';
import {
  diagonalOf,
  type Finish,
  forEachProductBlock,
  openFactor,
  valuesOf,
  weightedRows,
} from '../../core/linalg/products.ts';
import {addScaled} from '../../core/linalg/vectors.ts';

/** A kernel among training points that is a function of inner products: k(xᵢ, xⱼ) = finish(leftᵢ · rightⱼ). */
export interface KernelSource {
  readonly count: number;
  /** k(xᵢ, xᵢ), exact. */
  diagonal(): Float64Array;
  left(rows: ArrayLike<number>): Matrix;
  right(): Matrix;
  readonly finish: Finish;
  /** No kernel is below 0: a sum of them is as exact as they are. */
  readonly nonNegative: boolean;
  /** Makes what `finish` left of row i the kernels that float32 can't give. Absent: it gives them all. */
  readonly mend?: (i: number, values: Float32Array) => void;
}

/** Rows of the Gram matrix as the solver reads them. */
export interface KernelRows {
  readonly count: number;
  readonly diagonal: Float64Array;
  /** true: all rows are here, and `accumulate` computes none. */
  readonly whole: boolean;
  /** As of the source. */
  readonly nonNegative: boolean;
  /** k(xᵢ, ·). Stays whole until two other rows have been asked for. `likely` lists rows that may be asked for next. */
  row(i: number, likely: (count: number) => ArrayLike<number>): Float32Array;
  /** into += Σᵢ weightᵢ k(xᵢ, ·), over the rows of weight other than 0. */
  accumulate(weights: Float64Array, into: Float64Array): void;
  /** Σᵢ weightᵢ k(xᵢ, ·) in float32 on the engine, before any row was asked for; absent: not here, or not exact enough. */
  readonly roughly?: (weights: Float64Array) => Float64Array;
  dispose(): void;
}

// 256 MB; beyond it rows are computed when the solver asks for them, and kept in at most 512 MB.
const wholeUpTo = 8192;
const cacheBytes = 512 * 2 ** 20;
/** Of the Gram matrix at a time: 8 MB, which stay in a processor's cache from the product to the exponential. */
const gramBlockValues = 2 ** 21;

export const kernelRows = (source: KernelSource, largestWhole = wholeUpTo, bytes = cacheBytes): KernelRows =>
  source.count <= largestWhole ? new WholeGram(source) : new CachedRows(source, bytes);

/** Blocks of rows that stay on the engine until a row is asked for: many solutions need none. */
class WholeGram implements KernelRows {
  readonly whole = true;
  readonly nonNegative: boolean;
  readonly count: number;
  readonly diagonal: Float64Array;
  readonly roughly?: (weights: Float64Array) => Float64Array;
  readonly #source: KernelSource;
  /** Empty once they have been read. */
  #blocks: readonly Tensor2D[];
  readonly #read: Float32Array[] = [];

  constructor(source: KernelSource) {
    this.#source = source;
    this.count = source.count;
    this.diagonal = source.diagonal();
    this.nonNegative = source.nonNegative;
    const all = Array.from({length: this.count}, (_, i) => i);
    const factor = openFactor(source.right(), {finish: source.finish, blockValues: gramBlockValues});
    this.#blocks = factor.blocks(source.left(all));
    factor.dispose();
    if (source.nonNegative && source.mend === undefined) {
      const computed = this.#blocks.flatMap((block, k) => [...diagonalOf(block, this.#startOf(k))]);
      const wrongBy = this.diagonal.map((exact, i) => exact - computed[i]!);
      this.roughly = (weights) => this.#times(weights, wrongBy);
    }
  }

  /** Number of the first row of a block: all but the last have as many. */
  #startOf(block: number): number {
    return block * (this.#blocks[0]?.shape[0] ?? 0);
  }

  /** The matrix is symmetric: the sums of its columns are those of its rows. `wrongBy`: how far its diagonal is from exact. */
  #times(weights: Float64Array, wrongBy: Float64Array): Float64Array {
    const sums = weights.map((weight, i) => weight * wrongBy[i]!);
    for (const [k, block] of this.#blocks.entries()) {
      const start = this.#startOf(k);
      const own = weights.subarray(start, start + block.shape[0]);
      addScaled(sums, 1, weightedRows(block, Float32Array.from(own)));
    }
    return sums;
  }

  get #rows(): readonly Float32Array[] {
    const n = this.count;
    for (const block of this.#blocks) {
      const values = valuesOf(() => block);
      for (let at = 0; at < values.length; at += n) {
        const i = this.#read.length;
        const row = values.subarray(at, at + n);
        this.#source.mend?.(i, row);
        row[i] = this.diagonal[i]!;
        this.#read.push(row);
      }
    }
    this.#blocks = [];
    return this.#read;
  }

  dispose(): void {
    for (const block of this.#blocks) block.dispose();
    this.#blocks = [];
  }

  row(i: number): Float32Array {
    return this.#rows[i]!;
  }

  accumulate(weights: Float64Array, into: Float64Array): void {
    const rows = this.#rows;
    const chosen = Int32Array.from(weights.keys()).filter((i) => weights[i] !== 0);
    // Four rows at a time: each sum is fetched and put back a quarter as often.
    const inFours = chosen.length - (chosen.length % 4);
    for (let at = 0; at < inFours; at += 4) {
      const [i, j, k, l] = [chosen[at]!, chosen[at + 1]!, chosen[at + 2]!, chosen[at + 3]!];
      const [a, b, c, d] = [rows[i]!, rows[j]!, rows[k]!, rows[l]!];
      const [wa, wb, wc, wd] = [weights[i]!, weights[j]!, weights[k]!, weights[l]!];
      for (let t = 0; t < into.length; t++) into[t] = into[t]! + wa * a[t]! + wb * b[t]! + wc * c[t]! + wd * d[t]!;
    }
    for (const i of chosen.subarray(inFours)) addScaled(into, weights[i]!, rows[i]!);
  }
}

/** Rows computed a batch at a time, the least recently used forgotten. */
class CachedRows implements KernelRows {
  readonly whole = false;
  readonly nonNegative: boolean;
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
    this.nonNegative = source.nonNegative;
    this.count = source.count;
    this.diagonal = source.diagonal();
    // Two rows are in use at a time, and a batch must not push them out.
    this.#capacity = Math.min(this.count, Math.max(4 * batchRows, Math.floor(bytes / (4 * this.count))));
    this.#slotOf = new Int32Array(this.count).fill(-1);
    this.#rowOf = new Int32Array(this.#capacity).fill(-1);
    this.#used = new Float64Array(this.#capacity);
  }

  dispose(): void {}

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
      else addScaled(into, weights[i]!, this.#slots[slot]!);
    }
    this.#compute(missing, (i, values) => addScaled(into, weights[i]!, values));
  }

  /** A single row would cost almost as much as a batch, because the engine needs all points each time. */
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

  /** Visits k(xᵢ, ·) of each of the rows; the visitor may use the array only during the call. */
  #compute(rows: readonly number[], visit: (i: number, values: Float32Array) => void): void {
    for (let start = 0; start < rows.length; start += 8 * batchRows) {
      const some = rows.slice(start, start + 8 * batchRows);
      const each = (first: number, count: number, block: Float32Array) => {
        for (let k = 0; k < count; k++) {
          const i = some[first + k]!;
          const values = block.subarray(k * this.count, (k + 1) * this.count);
          this.#source.mend?.(i, values);
          values[i] = this.diagonal[i]!;
          visit(i, values);
        }
      };
      forEachProductBlock(this.#source.left(some), this.#right, each, {finish: this.#source.finish});
    }
  }
}

const batchRows = 128;

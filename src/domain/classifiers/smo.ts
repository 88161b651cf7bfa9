import type {KernelRows} from './kernel-rows.ts';
import {type Start, startFor} from './smo-start.ts';

export interface OneClassSolution {
  /** αᵢ in [0, 1], Σ αᵢ = ν n. */
  readonly alpha: Float64Array;
  readonly iterations: number;
  /** By how much the most violating pair of points is from optimal. */
  readonly gap: number;
}

/**
 * The dual of the one-class SVM in LIBSVM's scale: min ½ αᵀKα with 0 <= αᵢ <= 1 and Σ αᵢ = ν n (Schölkopf et al. 2001). Sequential
 * minimal optimisation with second-order selection of the pair (Fan, Chen, Lin 2005) and shrinking (Joachims 1998).
 * Deterministic. `tolerance` is LIBSVM's, in units of the mean k(x, x) (and of ν n where that is less than 1): features times a
 * constant give the same α.
 */
export function solveOneClass(kernel: KernelRows, nu: number, tolerance: number): OneClassSolution {
  return new Solver(kernel, nu, tolerance).solve();
}

class Solver {
  readonly #kernel: KernelRows;
  readonly #start: Start;
  readonly #alpha: Float64Array;
  /** Kα; out of date for points that are shrunk. */
  readonly #gradient: Float64Array;
  /** α and Kα when Kα was last known for all points. */
  readonly #alphaThen: Float64Array;
  readonly #gradientThen: Float64Array;
  /** Points that are not shrunk, ascending: the first `#activeCount`. */
  readonly #active: Int32Array;
  #activeCount: number;
  readonly #scale: number;
  readonly #tolerance: number;
  /** Of the active points: most worth raising (-1: none), and the largest gradient among those that can be lowered. */
  #up = -1;
  #largestDown = -Infinity;

  constructor(kernel: KernelRows, nu: number, tolerance: number) {
    const n = kernel.count;
    this.#kernel = kernel;
    this.#active = Int32Array.from({length: n}, (_, i) => i);
    this.#activeCount = n;
    this.#scale = mean(kernel.diagonal) || 1;
    // A gradient is a sum of kernels of weight ν n: where that is below 1, so is what counts as equal. Kernel values are float32:
    // beyond their digits the solver would follow noise.
    this.#tolerance = Math.max(tolerance * Math.min(1, nu * n), nu * n * 2 ** -27) * this.#scale;
    this.#start = startFor(kernel, nu, this.#tolerance);
    this.#alpha = this.#start.alpha.slice();
    this.#gradient = this.#start.gradient.slice();
    this.#alphaThen = this.#start.alpha.slice();
    this.#gradientThen = this.#start.gradient.slice();
  }

  solve(): OneClassSolution {
    const {alpha, gap: first} = this.#start;
    // No row is asked for: they may not be here yet.
    if (first < this.#tolerance) return {alpha, iterations: 0, gap: Math.max(first, 0)};
    const n = this.#kernel.count;
    const limit = Math.max(10_000_000, 100 * n);
    const shrinkEvery = Math.min(n, 1000);
    let untilShrink = shrinkEvery;
    let nearEnd = false;
    this.#findUp();
    for (let iterations = 0; ; iterations++) {
      const i = this.#up;
      const rowI = i < 0 ? undefined : this.#kernel.row(i, this.#mostViolating);
      const j = rowI ? this.#findDown(i, rowI) : -1;
      const gap = i < 0 ? -Infinity : this.#largestDown - this.#gradient[i]!;
      if (!rowI || j < 0 || gap < this.#tolerance) {
        if (this.#activeCount === n) return {alpha: this.#alpha, iterations, gap: Math.max(gap, 0)};
        this.#unshrink();
        untilShrink = 1;
        continue;
      }
      if (iterations === limit) {
        throw new Error(
          `one-class SVM: ${limit} iterations did not reach tolerance ${this.#tolerance / this.#scale} (still at ` +
            `${gap / this.#scale}); raise \`tolerance\` or use the rbf kernel`,
        );
      }
      this.#step(i, j, rowI);
      if (--untilShrink === 0) {
        untilShrink = shrinkEvery;
        // Once, near the end: what was shrunk on an early guess is looked at again (LIBSVM does the same).
        if (!nearEnd && gap <= 10 * this.#tolerance) {
          nearEnd = true;
          this.#unshrink();
        }
        this.#shrink();
      }
    }
  }

  /** i = argmin gradient over α < 1. */
  #findUp(): void {
    const active = this.#active;
    const gradient = this.#gradient;
    const alpha = this.#alpha;
    let up = -1;
    let smallest = Infinity;
    for (let k = 0; k < this.#activeCount; k++) {
      const t = active[k]!;
      const g = gradient[t]!;
      if (g < smallest && alpha[t]! < 1) {
        smallest = g;
        up = t;
      }
    }
    this.#up = up;
  }

  /** j = the partner of i whose exchange lowers the objective most; -1 where none does. */
  #findDown(i: number, row: Float32Array): number {
    const active = this.#active;
    const gradient = this.#gradient;
    const alpha = this.#alpha;
    const diagonal = this.#kernel.diagonal;
    const smallest = gradient[i]!;
    const own = diagonal[i]!;
    const flat = 1e-12 * this.#scale;
    let largest = -Infinity;
    let best = 0;
    let down = -1;
    for (let k = 0; k < this.#activeCount; k++) {
      const t = active[k]!;
      if (alpha[t]! <= 0) continue;
      const g = gradient[t]!;
      if (g > largest) largest = g;
      const difference = g - smallest;
      if (difference <= 0) continue;
      const curvature = own + diagonal[t]! - 2 * row[t]!;
      const decrease = (difference * difference) / Math.max(curvature, flat);
      if (decrease > best) {
        best = decrease;
        down = t;
      }
    }
    this.#largestDown = largest;
    return down;
  }

  /** Moves weight from j to i, brings the gradient up to date, and finds the next i in the same pass. */
  #step(i: number, j: number, rowI: Float32Array): void {
    const {diagonal} = this.#kernel;
    const rowJ = this.#kernel.row(j, this.#mostViolating);
    const active = this.#active;
    const gradient = this.#gradient;
    const alpha = this.#alpha;
    const curvature = Math.max(diagonal[i]! + diagonal[j]! - 2 * rowI[j]!, 1e-12 * this.#scale);
    const wanted = (gradient[j]! - gradient[i]!) / curvature;
    const room = Math.min(1 - alpha[i]!, alpha[j]!);
    // Exactly at a bound, not a rounding beside it: membership of the bounds is tested by equality.
    const before = alpha[i]!;
    const beforeJ = alpha[j]!;
    const moved = Math.min(wanted, room);
    alpha[i] = moved === 1 - before ? 1 : before + moved;
    alpha[j] = moved === beforeJ ? 0 : beforeJ - moved;
    const gainI = alpha[i]! - before;
    const gainJ = alpha[j]! - beforeJ;
    let up = -1;
    let smallest = Infinity;
    for (let k = 0; k < this.#activeCount; k++) {
      const t = active[k]!;
      const g = gradient[t]! + gainI * rowI[t]! + gainJ * rowJ[t]!;
      gradient[t] = g;
      if (g < smallest && alpha[t]! < 1) {
        smallest = g;
        up = t;
      }
    }
    this.#up = up;
  }

  /** Leaves out points that sit at a bound and want to go beyond it: they are unlikely to move again. */
  #shrink(): void {
    const active = this.#active;
    const gradient = this.#gradient;
    const alpha = this.#alpha;
    const smallestUp = this.#up < 0 ? Infinity : gradient[this.#up]!;
    let largestDown = -Infinity;
    for (let k = 0; k < this.#activeCount; k++) {
      const t = active[k]!;
      if (alpha[t]! > 0 && gradient[t]! > largestDown) largestDown = gradient[t]!;
    }
    let kept = 0;
    for (let k = 0; k < this.#activeCount; k++) {
      const t = active[k]!;
      const fixed = (alpha[t] === 1 && gradient[t]! < smallestUp) || (alpha[t] === 0 && gradient[t]! > largestDown);
      if (!fixed) active[kept++] = t;
    }
    this.#activeCount = kept;
  }

  /** Takes all points in again; their gradients come from what α has changed since they were last known. */
  #unshrink(): void {
    const n = this.#kernel.count;
    if (this.#activeCount < n) {
      const gradient = this.#gradientThen;
      const change = this.#alphaThen;
      for (let i = 0; i < n; i++) change[i] = this.#alpha[i]! - change[i]!;
      this.#kernel.accumulate(change, gradient);
      this.#gradient.set(gradient);
      change.set(this.#alpha);
      for (let i = 0; i < n; i++) this.#active[i] = i;
      this.#activeCount = n;
    }
    this.#findUp();
  }

  /** The points furthest from optimal, worst first: the rows that will be asked for next. */
  readonly #mostViolating = (count: number): ArrayLike<number> => {
    const gradient = this.#gradient;
    const alpha = this.#alpha;
    const active = this.#active.slice(0, this.#activeCount);
    let low = Infinity;
    let high = -Infinity;
    for (const t of active) {
      if (alpha[t]! < 1) low = Math.min(low, gradient[t]!);
      if (alpha[t]! > 0) high = Math.max(high, gradient[t]!);
    }
    const middle = (low + high) / 2;
    const violation = (t: number): number =>
      Math.max(alpha[t]! < 1 ? middle - gradient[t]! : -Infinity, alpha[t]! > 0 ? gradient[t]! - middle : -Infinity);
    return active.sort((a, b) => violation(b) - violation(a) || a - b).subarray(0, count);
  };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

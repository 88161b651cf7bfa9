import {dot} from '../../core/linalg/vectors.ts';
import type {KernelRows} from './kernel-rows.ts';

/** Where the solver begins: 0 <= αᵢ <= 1, Σ αᵢ = ν n. */
export interface Start {
  readonly alpha: Float64Array;
  /** Kα. */
  readonly gradient: Float64Array;
  /** By how much the most violating pair of points is from optimal. */
  readonly gap: number;
}

type Product = (weights: Float64Array) => Float64Array;

/** Another step is only made if the last three left at most so much of the violation each; the first alone decides for itself. */
const mostLeft = 0.7;
const mostSteps = 30;
/** Of a sum of kernels, the share that float32 may lose. */
const lost = 2 ** -18;

/**
 * The optimum, or a point near it, where the kernel is near the identity, as in many dimensions: a few products with the whole Gram
 * matrix are then worth thousands of the solver's pairs. Elsewhere the first of them shows that they lead nowhere, and the point is LIBSVM's.
 */
export function startFor(kernel: KernelRows, nu: number, tolerance: number): Start {
  const n = kernel.count;
  const {roughly} = kernel;
  const exactly: Product = (weights) => {
    const sums = new Float64Array(n);
    kernel.accumulate(weights, sums);
    return sums;
  };
  const steps = {step: n / kernel.diagonal.reduce((sum, value) => sum + value, 0), tolerance};
  const usual = () => startAt(boundFirst(n, nu), exactly);
  if (!kernel.whole || !kernel.nonNegative || !Number.isFinite(steps.step)) return usual();
  const uniform = startAt(new Float64Array(n).fill(nu), roughly ?? exactly);
  const found = descend(roughly ?? exactly, uniform, steps);
  const largest = found.gradient.reduce((most, value) => Math.max(most, value), 0);
  const doubt = roughly === undefined ? 0 : 2 * lost * largest;
  if (found.gap + doubt < tolerance) return found;
  if (found === uniform) return usual();
  return roughly === undefined ? found : descend(exactly, startAt(found.alpha, exactly), steps);
}

const startAt = (alpha: Float64Array, times: Product): Start => {
  const gradient = times(alpha);
  return {alpha, gradient, gap: violation(alpha, gradient)};
};

/** LIBSVM's: the first ⌊νn⌋ points at the bound, the next takes the rest. */
function boundFirst(n: number, nu: number): Float64Array {
  const alpha = new Float64Array(n);
  const full = Math.min(n, Math.floor(nu * n));
  alpha.fill(1, 0, full);
  if (full < n) alpha[full] = nu * n - full;
  return alpha;
}

/** A change of α, and what it changes Kα by. */
interface Move {
  readonly change: Float64Array;
  readonly effect: Float64Array;
}

/**
 * Moves all points at once, until no pair violates by `tolerance`: each step to the minimum over the direction of projected gradient
 * descent and the last move, which is conjugate gradients as long as no bound is met. Returns `from` itself where the first is no good.
 */
function descend(
  times: Product,
  from: Start,
  {step, tolerance}: {readonly step: number; readonly tolerance: number},
): Start {
  const total = from.alpha.reduce((sum, value) => sum + value, 0);
  const gaps = [from.gap];
  let at = from;
  let last: Move | undefined;
  while (at.gap >= tolerance && gaps.length <= mostSteps) {
    const {alpha, gradient} = at;
    const wanted = alpha.map((value, i) => value - step * gradient[i]!);
    const shift = shiftTo(total, wanted);
    const change = wanted.map((value, i) => within(value + shift) - alpha[i]!);
    const downhill = {change, effect: times(change)};
    const move = (last && bestOfBoth(at, downhill, last)) ?? bestAlong(at, downhill);
    const moved = alpha.map((value, i) => within(value + move.change[i]!));
    const movedGradient = gradient.map((value, i) => value + move.effect[i]!);
    const gap = violation(moved, movedGradient);
    gaps.push(gap);
    const span = Math.min(3, gaps.length - 1);
    if (gap > mostLeft ** span * gaps.at(-1 - span)!) return at;
    at = {alpha: moved, gradient: movedGradient, gap};
    last = move;
  }
  return at;
}

/** At most as far as the bounds allow. */
function bestAlong({gradient}: Start, {change, effect}: Move): Move {
  const curvature = dot(change, effect);
  const share = curvature > 0 ? Math.min(1, -dot(gradient, change) / curvature) : 1;
  return {change: change.map((value) => share * value), effect: effect.map((value) => share * value)};
}

/** Undefined where it lies beyond the bounds. */
function bestOfBoth({alpha, gradient}: Start, a: Move, b: Move): Move | undefined {
  const [aa, ab, bb] = [dot(a.change, a.effect), dot(a.change, b.effect), dot(b.change, b.effect)];
  const [slopeA, slopeB] = [dot(gradient, a.change), dot(gradient, b.change)];
  const determinant = aa * bb - ab * ab;
  if (!(determinant > 1e-9 * aa * bb)) return undefined;
  const shareA = (slopeB * ab - slopeA * bb) / determinant;
  const shareB = (slopeA * ab - slopeB * aa) / determinant;
  const change = a.change.map((value, i) => shareA * value + shareB * b.change[i]!);
  const allowed = change.every((value, i) => Math.abs(within(alpha[i]! + value) - alpha[i]! - value) < 1e-12);
  return allowed ? {change, effect: a.effect.map((value, i) => shareA * value + shareB * b.effect[i]!)} : undefined;
}

const within = (value: number): number => Math.min(1, Math.max(0, value));

/** By how much the largest gradient among points that can be lowered exceeds the smallest among those that can be raised. */
function violation(alpha: Float64Array, gradient: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < alpha.length; i++) {
    if (alpha[i]! < 1) low = Math.min(low, gradient[i]!);
    if (alpha[i]! > 0) high = Math.max(high, gradient[i]!);
  }
  return high - low;
}

/** s with Σ within(valueᵢ + s) = total, to the last digits: by halving. */
function shiftTo(total: number, values: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, -value), Math.max(high, 1 - value)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    let sum = 0;
    for (const value of values) sum += within(value + middle);
    if (sum < total) low = middle;
    else high = middle;
  }
  return high;
}

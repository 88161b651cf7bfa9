import {dot} from '../../core/linalg/vectors.ts';
import type {KernelRows} from './kernel-rows.ts';

/**
 * Another step, which costs a product with the whole Gram matrix, is only made if the last one left at most this share of the
 * violation.
 */
const mostLeft = 0.7;
const mostSteps = 30;

/**
 * Moves α (0 <= αᵢ <= 1, Σ αᵢ kept) and its gradient Kα towards the optimum, all points at once: projected gradient descent with exact
 * line search, until no pair violates by `tolerance`. Where the kernel is near the identity, as in many dimensions, this takes a few
 * steps and the solver's pairs thousands; where it is not, the first step shows it, and nothing is changed.
 */
export function descend(kernel: KernelRows, alpha: Float64Array, gradient: Float64Array, tolerance: number): void {
  const n = alpha.length;
  const step = n / kernel.diagonal.reduce((sum, value) => sum + value, 0);
  if (!Number.isFinite(step)) return;
  const total = alpha.reduce((sum, value) => sum + value, 0);
  let gap = violation(alpha, gradient);
  for (let steps = 0; steps < mostSteps && gap >= tolerance; steps++) {
    const wanted = alpha.map((value, i) => value - step * gradient[i]!);
    const shift = shiftTo(total, wanted);
    const direction = wanted.map((value, i) => within(value + shift) - alpha[i]!);
    const change = new Float64Array(n);
    kernel.accumulate(direction, change);
    const along = dot(direction, change);
    const share = along > 0 ? Math.min(1, -dot(gradient, direction) / along) : 1;
    const moved = alpha.map((value, i) => within(value + share * direction[i]!));
    const movedGradient = gradient.map((value, i) => value + share * change[i]!);
    const left = violation(moved, movedGradient);
    // The first step has to be nearly a whole one: shorter ones only take points off their bounds.
    if (left > mostLeft * gap || (steps === 0 && share < 0.8)) return;
    alpha.set(moved);
    gradient.set(movedGradient);
    gap = left;
  }
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

/** Logistic regression with an L2 penalty, fitted by L-BFGS (Nocedal & Wright, algorithm 7.5), in doubles. */
import type {Matrix} from '../../core/contracts/data.ts';
import {addScaled, dot} from '../../core/linalg/vectors.ts';

export interface LogisticModel {
  /** One a column. */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** Number of past steps that approximate the curvature. */
const memory = 10;

/**
 * Minimises ½‖w‖² + c Σᵢ log(1 + exp(-yᵢ (w·xᵢ + b))), y = 1 for label 1 and -1 for label 0: scikit-learn's objective. Ends
 * when no slope is larger than `tolerance` times the number of rows.
 */
export function fitLogistic(
  x: Matrix,
  labels: Uint8Array,
  {c, tolerance = 1e-8, steps = 1000}: {readonly c: number; readonly tolerance?: number; readonly steps?: number},
): LogisticModel {
  const d = x.columns;
  let at = new Float64Array(d + 1); // the intercept last
  let here = lossAt(x, labels, c, at);
  const past: {readonly step: Float64Array; readonly change: Float64Array; readonly curvature: number}[] = [];
  for (let k = 0; k < steps && largest(here.slope) > tolerance * x.rows * c; k++) {
    const direction = descent(here.slope, past);
    const downhill = dot(direction, here.slope);
    // The first step is not scaled by any curvature yet.
    let length = past.length === 0 ? Math.min(1, 1 / largest(here.slope)) : 1;
    let next = at;
    let there = here;
    for (let halving = 0; halving < 60; halving++) {
      next = Float64Array.from(at, (value, i) => value + length * direction[i]!);
      there = lossAt(x, labels, c, next);
      if (there.loss <= here.loss + 1e-4 * length * downhill) break;
      length /= 2;
    }
    if (!(there.loss < here.loss)) break; // double precision allows no further progress
    const step = Float64Array.from(next, (value, i) => value - at[i]!);
    const change = Float64Array.from(there.slope, (value, i) => value - here.slope[i]!);
    const curvature = dot(step, change);
    if (curvature > 0) past.push({step, change, curvature});
    if (past.length > memory) past.shift();
    [at, here] = [next, there];
  }
  return {weights: at.subarray(0, d), intercept: at[d]!};
}

/** w·x + b, one a row. */
export function decide(x: Matrix, {weights, intercept}: LogisticModel): Float64Array {
  const decisions = new Float64Array(x.rows);
  for (let row = 0; row < x.rows; row++) decisions[row] = decision(x, row, weights, intercept);
  return decisions;
}

function decision({columns, data}: Matrix, row: number, weights: Float64Array, intercept: number): number {
  let sum = intercept;
  for (let j = 0, i = row * columns; j < columns; j++, i++) sum += weights[j]! * data[i]!;
  return sum;
}

function lossAt(x: Matrix, labels: Uint8Array, c: number, at: Float64Array) {
  const d = x.columns;
  const slope = at.slice();
  const ofWeights = slope.subarray(0, d);
  slope[d] = 0; // the intercept is not penalised
  let loss = 0;
  for (let j = 0; j < d; j++) loss += (at[j]! * at[j]!) / 2;
  for (let row = 0; row < x.rows; row++) {
    const y = labels[row] === 1 ? 1 : -1;
    const margin = y * decision(x, row, at, at[d]!);
    // log(1 + exp(-margin)) and its slope, without overflow on either side.
    const small = Math.exp(-Math.abs(margin));
    loss += c * (Math.max(0, -margin) + Math.log1p(small));
    const pull = (-y * c * (margin > 0 ? small : 1)) / (1 + small);
    addScaled(ofWeights, pull, x.data, row * d);
    slope[d]! += pull;
  }
  return {loss, slope};
}

/** -H·slope, where H is the inverse curvature estimated from the past steps. */
function descent(
  slope: Float64Array,
  past: readonly {readonly step: Float64Array; readonly change: Float64Array; readonly curvature: number}[],
): Float64Array {
  const direction = slope.map((value) => -value);
  const shares: number[] = [];
  for (const {step, change, curvature} of past.toReversed()) {
    const share = dot(step, direction) / curvature;
    shares.unshift(share);
    addScaled(direction, -share, change);
  }
  const last = past.at(-1);
  if (last) {
    const scale = last.curvature / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (const [i, {step, change, curvature}] of past.entries())
    addScaled(direction, shares[i]! - dot(change, direction) / curvature, step);
  return direction;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

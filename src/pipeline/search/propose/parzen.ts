/** Parzen estimators: densities over a search space made of one kernel around each of some trials. */
import type {Rng} from '../../../core/base/random.ts';
import {type Domain, isChoice, levels} from '../domain.ts';
import {compose, type Point, type Space} from '../space.ts';

export interface Density {
  sample(rng: Rng): Point;
  /** The logarithm of the density at coordinates in [0, 1] (`encode`). */
  log(units: Float64Array): number;
}

export interface Kernels {
  /** The width of numbers' kernels for a single trial, in [0, 1]. */
  readonly width: number;
  /** Whether the width is that share of the trials' own deviation in a dimension, relative to that of uniform numbers. */
  readonly adaptive: boolean;
}

/** No kernel is narrower: at most a hundred different numbers are distinguished in a dimension. */
const narrowest = 0.01;
/** The part of a choice's kernel that is spread over all of its values. */
const spread = 0.5;
/** The weight of the uniform density, in trials. */
const prior = 1;
const uniformDeviation = Math.sqrt(1 / 12);

/**
 * The mixture of the uniform density and of a kernel a trial (`rows`: its coordinates, NaN for parameters that it does not have).
 * A kernel is the product of one factor a dimension: a normal density, truncated to [0, 1], or for a choice its trial's value or
 * any other; and uniform where the trial does not have the parameter. So one density has all branches of a conditional space, and
 * what they share is learnt from all trials. Widths shrink as Scott's rule has it.
 */
export function parzen(
  space: Space,
  rows: readonly Float64Array[],
  weights: ArrayLike<number>,
  {width, adaptive}: Kernels,
): Density {
  const {parameters} = space;
  const shrunk = width * (rows.length + 1) ** (-1 / (parameters.length + 4));
  const widths = parameters.map(({domain}, d) => {
    const own = adaptive ? shrunk * (deviation(rows, weights, d) / uniformDeviation) : shrunk;
    return Math.max(own, narrowest, halfLevel(domain));
  });
  /** Of choices: the logarithm of the factor at the trial's own value, and at another. */
  const choices = parameters.map(({domain}) =>
    isChoice(domain)
      ? {same: Math.log(spread + (1 - spread) * domain.values.length), other: Math.log(spread)}
      : undefined,
  );
  const logMass = rows.map((row) =>
    row.map((unit, d) => {
      const w = widths[d]!;
      return Math.log(w * Math.sqrt(2 * Math.PI) * (normal((1 - unit) / w) - normal(-unit / w)));
    }),
  );
  let total = prior;
  for (let i = 0; i < rows.length; i++) total += weights[i]!;

  /** The row of a component, drawn by weight; undefined: the uniform one. */
  function draw(rng: Rng): Float64Array | undefined {
    let at = rng.uniform() * total - prior;
    if (at < 0) return undefined;
    let i = 0;
    while (i < rows.length - 1 && at >= weights[i]!) at -= weights[i++]!;
    return rows[i];
  }

  return {
    sample(rng) {
      const row = draw(rng);
      return compose(space, (d) => {
        const centre = row?.[d] ?? Number.NaN;
        if (Number.isNaN(centre)) return rng.uniform();
        if (choices[d]) return rng.uniform() < spread ? rng.uniform() : centre;
        for (;;) {
          const unit = centre + widths[d]! * rng.normal();
          if (unit >= 0 && unit <= 1) return unit;
        }
      });
    },
    log(units) {
      let sum = prior;
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        let log = 0;
        for (let d = 0; d < row.length; d++) {
          const distance = units[d]! - row[d]!;
          if (Number.isNaN(distance)) continue;
          const choice = choices[d];
          if (choice) log += Math.abs(distance) < 1e-9 ? choice.same : choice.other;
          else log -= (distance / widths[d]!) ** 2 / 2 + logMass[i]![d]!;
        }
        sum += weights[i]! * Math.exp(log);
      }
      return Math.log(sum / total);
    },
  };
}

/** Kernels of levels reach the neighbouring ones. */
const halfLevel = (domain: Domain): number => 0.5 / (levels(domain) ?? Number.POSITIVE_INFINITY);

/** Weighted standard deviation in a dimension, of the trials that have it and of the prior. */
function deviation(rows: readonly Float64Array[], weights: ArrayLike<number>, d: number): number {
  let weight = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < rows.length; i++) {
    const unit = rows[i]![d]!;
    if (Number.isNaN(unit)) continue;
    weight += weights[i]!;
    sum += weights[i]! * unit;
    squares += weights[i]! * unit * unit;
  }
  const around = weight > 0 ? Math.max(0, squares - (sum * sum) / weight) : 0;
  return Math.sqrt((around + prior * uniformDeviation ** 2) / (weight + prior));
}

/** The standard normal distribution function, to 1e-7 (Abramowitz and Stegun, 7.1.26). */
function normal(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (series * Math.exp(-z * z)) / 2;
  return x > 0 ? 1 - tail : tail;
}

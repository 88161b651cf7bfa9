/** What values one parameter of a search can have, and how they lie in [0, 1], where proposals are made. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';

/** Numbers from `low` to `high`, both included: all of them, or those `step` apart from `low` on. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** Whether factors count, not differences. */
  readonly log: boolean;
  /** Undefined: every number. Integers have steps of at least 1. */
  readonly step: number | undefined;
}

/** One of several values, in no order. Of parameters with several paths: lists, with a value for each path. */
export interface Choice {
  readonly values: readonly Json[];
}

export type Domain = Range | Choice;

export const isChoice = (domain: Domain): domain is Choice => 'values' in domain;

/** The number of different values; undefined: it is continuous. */
export function levels(domain: Domain): number | undefined {
  if (isChoice(domain)) return domain.values.length;
  return domain.step === undefined ? undefined : Math.round((domain.high - domain.low) / domain.step) + 1;
}

/** The value of level i. A step of 0.05 gives 0.15, not 0.15000000000000002; integers are exact. */
export function valueAt(domain: Domain, level: number): Json {
  if (isChoice(domain)) return domain.values[level]!;
  const exact = domain.low + level * domain.step!;
  return Math.min(domain.high, Number.isInteger(exact) ? exact : Number(exact.toPrecision(12)));
}

const known = new WeakMap<Choice, ReadonlyMap<string, number>>();

/** The levels by canonical JSON of their values, made once: every proposal asks for those of all trials. */
function levelsOf(choice: Choice): ReadonlyMap<string, number> {
  const levels = known.get(choice) ?? new Map(choice.values.map((value, level) => [canonicalJson(value), level]));
  known.set(choice, levels);
  return levels;
}

/** The level of a value, -1 if it is not one. */
function levelOf(domain: Domain, value: Json): number {
  if (isChoice(domain)) return levelsOf(domain).get(canonicalJson(value)) ?? -1;
  if (typeof value !== 'number') return -1;
  const level = Math.round((value - domain.low) / domain.step!);
  return level >= 0 &&
    level < levels(domain)! &&
    Math.abs((valueAt(domain, level) as number) - value) <= 1e-9 * domain.step!
    ? level
    : -1;
}

/**
 * The part [from, to) of [0, 1] that means level i. Levels share it equally; on a log scale a level has as much as it
 * has of the logarithms, half a step below the lowest and above the highest included.
 */
export function cellOf(domain: Domain, level: number): readonly [from: number, to: number] {
  const count = levels(domain)!;
  if (isChoice(domain) || !domain.log) return [level / count, (level + 1) / count];
  const {low, step} = domain;
  const edge = (at: number) => Math.log((low + (at - 0.5) * step!) / (low - 0.5 * step!));
  return [edge(level) / edge(count), edge(level + 1) / edge(count)];
}

/** The level of a unit in [0, 1]. */
export function levelAt(domain: Domain, unit: number): number {
  const count = levels(domain)!;
  if (isChoice(domain) || !domain.log) return Math.min(count - 1, Math.floor(unit * count));
  const {low, step} = domain;
  const width = Math.log((low + (count - 0.5) * step!) / (low - 0.5 * step!));
  const value = (low - 0.5 * step!) * Math.exp(unit * width);
  return Math.max(0, Math.min(count - 1, Math.round((value - low) / step!)));
}

/**
 * The value of a unit in [0, 1]. Numbers of a continuous range are rounded to six digits, so that the text that people read and
 * type again is the same number; where the range is narrow beside its bounds, to as many as distinguish a million values.
 */
export function fromUnit(domain: Domain, unit: number): Json {
  if (levels(domain) !== undefined) return valueAt(domain, levelAt(domain, unit));
  const {low, high, log} = domain as Range;
  // By the difference of logarithms: the bounds' quotient may be beyond the largest number.
  const exact = log ? low * Math.exp(unit * logWidth(low, high)) : low + unit * (high - low);
  const narrow = Math.floor(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)));
  const rounded = Number(exact.toPrecision(Math.min(15, 6 + Math.max(0, narrow))));
  return Math.max(low, Math.min(high, rounded));
}

/** The unit of a value: of a level, the middle of its cell. NaN for a value that the domain does not have. */
export function toUnit(domain: Domain, value: Json): number {
  if (levels(domain) !== undefined) {
    const level = levelOf(domain, value);
    if (level < 0) return Number.NaN;
    const [from, to] = cellOf(domain, level);
    return (from + to) / 2;
  }
  const {low, high, log} = domain as Range;
  if (typeof value !== 'number' || value < low || value > high) return Number.NaN;
  return log ? logWidth(low, value) / logWidth(low, high) : (value - low) / (high - low);
}

const logWidth = (low: number, high: number): number =>
  high / low < Number.MAX_VALUE && low / high > 0 ? Math.log(high / low) : Math.log(high) - Math.log(low);

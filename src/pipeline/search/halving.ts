/**
 * Successive halving: trials that are not among the best at a rung, a number of epochs, end there. It is asynchronous in its
 * stopping form (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020): nobody waits for a rung to be
 * full. Unlike there, what a trial is compared with does not depend on which ends first: only trials with smaller numbers count.
 */

export interface Halving {
  /** Epochs of the first rung, at least 1. */
  readonly first: number;
  /** Each rung has this many times the epochs of the one before, and lets one in so many go on; above 1. */
  readonly factor: number;
}

/** The epochs at which a trial of `maximum` epochs is compared; its end is not a rung. */
export function rungsOf({first, factor}: Halving, maximum: number): readonly number[] {
  const rungs: number[] = [];
  for (let k = 0; ; k++) {
    const epochs = Math.round(first * factor ** k);
    if (epochs >= maximum) return rungs;
    rungs.push(epochs);
  }
}

/** A trial as far as it has come. */
export interface Climber {
  readonly number: number;
  /** How many rungs it has, and its value at each that it has reached, from the first: higher is better, NaN the worst. */
  readonly rungs: number;
  readonly values: readonly number[];
  /** It will reach no further rung. */
  readonly failed?: boolean;
}

/**
 * `climbing`: it trains on, up to `rung` if it has one more, else to its end. `stopped`: at `rung`. `waiting`: at `rung`, for the
 * value of trial `on` there, or for what decides whether that one gets there.
 */
export type Fate =
  | {readonly state: 'climbing' | 'stopped'; readonly rung: number}
  | {readonly state: 'waiting'; readonly rung: number; readonly on: number};

/**
 * What becomes of each trial. At a rung, trial n goes on if it is among the best ⌈m / factor⌉ of the m trials up to n that reach
 * that rung, itself included; of equal values the smaller number is the better.
 */
export function climb(climbers: readonly Climber[], {factor}: Pick<Halving, 'factor'>): ReadonlyMap<number, Fate> {
  const fates = new Map<number, Fate>();
  const earlier: Climber[] = [];
  for (const climber of [...climbers].sort((a, b) => a.number - b.number)) {
    fates.set(climber.number, fateOf(climber, earlier, fates, factor));
    earlier.push(climber);
  }
  return fates;
}

function fateOf(climber: Climber, earlier: readonly Climber[], fates: ReadonlyMap<number, Fate>, factor: number): Fate {
  for (const [rung, value] of climber.values.entries()) {
    let reached = 1;
    let better = 0;
    for (const other of earlier) {
      const arrival = valueAt(rung, other, fates.get(other.number)!);
      if (arrival === 'unknown') return {state: 'waiting', rung, on: other.number};
      if (arrival === 'never') continue;
      reached++;
      if (arrival >= value || Number.isNaN(value)) better++;
    }
    if (Number.isNaN(value) || better >= Math.ceil(reached / factor)) return {state: 'stopped', rung};
  }
  return {state: 'climbing', rung: climber.values.length};
}

/** The value of a trial at a rung, as far as it is decided. */
function valueAt(rung: number, {rungs, values, failed}: Climber, fate: Fate): number | 'never' | 'unknown' {
  if (rung >= rungs || (fate.state === 'stopped' && fate.rung < rung)) return 'never';
  if (fate.state === 'waiting' && fate.rung < rung) return 'unknown';
  return values[rung] ?? (failed ? 'never' : 'unknown');
}

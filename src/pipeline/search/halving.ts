/**
 * Successive halving: trials that are not among the best at a rung, a number of epochs, end there. It is asynchronous in its
 * stopping form (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020): nobody waits for a rung to be
 * full. Unlike there, what a trial is compared with does not depend on which ends first: only trials with smaller numbers count.
 */
import {placeOf, type Rule} from './ladder.ts';

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

/** At a rung, a trial goes on if it is among the best ⌈m / factor⌉ of the m trials up to it that come there, itself included. */
export const amongTheBest =
  (factor: number): Rule =>
  (value, earlier) => {
    const better = earlier.length - placeOf(value, earlier); // of equal values the smaller number is the better
    return better < Math.ceil((earlier.length + 1) / factor);
  };

/**
 * Successive halving: trials that are not among the best at a rung, a number of epochs, end there. It is asynchronous in its
 * stopping form (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020): nobody waits for a rung to be
 * full. Unlike there, a trial is compared with those of smaller numbers only (`ladder.ts`).
 */
import {placeOf, type Rule} from './ladder.ts';

export interface Halving {
  /** Epochs of the first rung, at least 1. */
  readonly first: number;
  /** Each rung has this many times the epochs of the one before, and lets one in so many go on; above 1. */
  readonly factor: number;
}

/**
 * At a rung, a trial goes on if it is among the best ⌈m / factor⌉ of the m trials up to it that come there, itself included; of equal
 * values the smaller number is the better.
 */
export const halving = ({first, factor}: Halving): Rule => ({
  rungsOf(epochs) {
    const rungs: number[] = [];
    for (let k = 0; ; k++) {
      const rung = Math.round(first * factor ** k);
      if (rung >= epochs) return rungs;
      rungs.push(rung);
    }
  },
  standing: (values) => values.at(-1)!,
  countsEnded: false,
  goesOn(value, earlier) {
    const better = earlier.length - placeOf(value, earlier);
    return better < Math.ceil((earlier.length + 1) / factor);
  },
});

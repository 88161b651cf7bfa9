/**
 * Asynchronous successive halving in its stopping form (Li et al., "A system for massively parallel hyperparameter tuning", MLSys
 * 2020): nobody waits for a rung to be full. Unlike there, a trial is compared with smaller numbers only (`rungs.ts`).
 */
import type {Rule} from './rungs.ts';

export interface Halving {
  /** Epochs of the first rung, at least 1. */
  readonly first: number;
  /** Each rung has this many times the epochs of the one before, and lets one in so many go on; above 1. */
  readonly factor: number;
}

/**
 * At a rung, a trial goes on if it is among the best ⌈m / factor⌉ of the m that reach it, itself included; of equal values the smaller
 * number is the better.
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
  goesOn(own, others) {
    const rung = own.length - 1;
    const there = others.filter(({length}) => length > rung);
    const better = there.filter((values) => values[rung]! >= own[rung]!);
    return better.length < Math.ceil((there.length + 1) / factor);
  },
});

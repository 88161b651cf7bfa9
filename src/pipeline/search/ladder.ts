/**
 * Which trainings end early. At each rung a trial is compared with the trials of smaller numbers that have come there, so that nothing
 * depends on which ends first. Each is decided once, when all that it depends on is known: the time grows with the number of trials.
 */

/** Decides which trials end early. */
export interface Rule {
  /** The epochs at which a training of `epochs` is compared, rising; its end is not a rung. */
  rungsOf(epochs: number): readonly number[];
  /** What is compared of a trial: of its values, from the first rung to this one. */
  standing(values: readonly number[]): number;
  /** Whether trials that have ended at an earlier rung count at later ones, as the worst. */
  readonly countsEnded: boolean;
  /**
   * Whether a trial with this value goes on. `earlier`: the values of the trials before it that have come to the same rung, in
   * ascending order; −∞: no number.
   */
  goesOn(value: number, earlier: readonly number[]): boolean;
}

interface Trial {
  /** How many rungs it has. */
  readonly rungs: number;
  /** At each rung that it has come to, from the first: higher is better, −∞: no number. */
  readonly values: number[];
  /** At how many rungs it was decided that it goes on. */
  passed: number;
  /** It ends at the rung after those. */
  isStopped: boolean;
}

interface Rung {
  /** What becomes of the trials before this one is decided here. */
  next: number;
  /** Of those of them that have come here, in ascending order. */
  readonly values: number[];
}

/** `waits`: at a rung, for the value of an earlier trial. `stopped`: at rung `rung`. */
export type Fate = {readonly state: 'climbing' | 'waits'} | {readonly state: 'stopped'; readonly rung: number};

export class Ladder {
  readonly #rule: Rule;
  readonly #trials: Trial[] = [];
  readonly #rungs: Rung[] = [];

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  /** The next trial begins: they are numbered from 0. `rungs`: how many it has. */
  begin(rungs: number): void {
    this.#trials.push({rungs, values: [], passed: 0, isStopped: false});
    while (this.#rungs.length < rungs) this.#rungs.push({next: 0, values: []});
  }

  /** A trial has come to its next rung. NaN: it has no value, which is the worst. */
  reached(trial: number, value: number): void {
    this.#trials[trial]!.values.push(Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
    this.#decide();
  }

  fateOf(trial: number): Fate {
    const {passed, isStopped, values} = this.#trials[trial]!;
    if (isStopped) return {state: 'stopped', rung: passed};
    return {state: values.length > passed ? 'waits' : 'climbing'};
  }

  /** From the lowest rung to the highest: whether a trial comes to a rung is decided below it. */
  #decide(): void {
    for (const [at, rung] of this.#rungs.entries()) {
      for (; rung.next < this.#trials.length; rung.next++) {
        const trial = this.#trials[rung.next]!;
        const value = valueAt(at, trial, this.#rule);
        if (value === 'unknown') break;
        if (value === 'never') continue;
        // One that has ended earlier is only counted.
        if (value > Number.NEGATIVE_INFINITY && this.#rule.goesOn(value, rung.values)) trial.passed++;
        else trial.isStopped = true;
        rung.values.splice(placeOf(value, rung.values), 0, value);
      }
    }
  }
}

/** The value of a trial at a rung at which it is not decided yet, as far as it is known. */
function valueAt(
  rung: number,
  {rungs, values, passed, isStopped}: Trial,
  {standing, countsEnded}: Rule,
): number | 'never' | 'unknown' {
  if (rung >= rungs) return 'never';
  if (isStopped) return countsEnded ? Number.NEGATIVE_INFINITY : 'never';
  if (passed < rung || values.length <= rung) return 'unknown';
  return values[rung] === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : standing(values.slice(0, rung + 1));
}

/** Index of the first that is not below `value`. */
export function placeOf(value: number, ascending: readonly number[]): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

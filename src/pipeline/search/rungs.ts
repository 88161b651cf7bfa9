/**
 * Trainings that end early. Trials are compared at rungs, numbers of epochs, and a rule (`halving.ts`, `stopping.ts`) decides which go on.
 * Only trials with smaller numbers count, and only what they have reached at that rung. So the same trials end in every repetition,
 * whatever is computed first.
 */

export interface Rule {
  /** The epochs at which a training of `epochs` is compared, rising; its end is not a rung. */
  rungsOf(epochs: number): readonly number[];
  /**
   * Whether a trial goes on from a rung. `own`: its values, from the first rung to this one; higher is better. `others`: the same of each
   * trial with a smaller number that has this rung; of one that has ended at an earlier rung, the values up to there. −∞: it has failed there.
   */
  goesOn(own: readonly number[], others: readonly (readonly number[])[]): boolean;
}

/** A trial as far as it has come. */
export interface Climber {
  /** How many rungs it has, and its value at each that it has reached, from the first: higher is better, NaN: it has failed. */
  readonly rungs: number;
  readonly values: readonly number[];
  /** It reaches no further rung. */
  readonly hasEnded: boolean;
}

/** `waits`: for a trial that may still reach the rung. */
export type Fate = 'goes on' | 'ends' | 'waits';

/** What becomes of a trial at the last rung that it has reached. `others`: the trials with smaller numbers. */
export function fateOf({values}: Climber, others: readonly Climber[], rule: Rule): Fate {
  const reached = values.length;
  if (Number.isNaN(values.at(-1))) return 'ends';
  const compared = others.filter(({rungs}) => rungs >= reached);
  if (compared.some((other) => other.values.length < reached && !other.hasEnded)) return 'waits';
  return rule.goesOn(
    values,
    compared.map((other) =>
      other.values.slice(0, reached).map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value)),
    ),
  )
    ? 'goes on'
    : 'ends';
}

/** How far computed values are from expected ones. */

/**
 * The largest difference, relative to the root mean square of what was expected; or to `usual`, a part of what such values are in the
 * mean, where few values happen to be small. Infinity for what is not a number.
 */
export function errorOf(got: ArrayLike<number>, want: ArrayLike<number>, usual = 0): number {
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    squares += want[i]! ** 2;
  }
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  return worst === 0 ? 0 : worst / Math.max(Math.sqrt(squares / want.length), usual);
}

/** A tenth of what a sum of so many products of two values of `noise` is in the mean. */
export const usualSum = (terms: number): number => (0.1 * Math.sqrt(terms)) / 3;

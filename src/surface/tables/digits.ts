/** How many digits numbers need: different ones must not look the same. */

/** Of one, that tells nothing about others; and the most. */
const [least, most] = [1, 4];

/** The fewest decimals with which different values have different texts, as far as four decimals can. */
export function decimalsOf(values: readonly number[]): number {
  const texts = (decimals: number): number => new Set(values.map((value) => value.toFixed(decimals))).size;
  let decimals = least;
  while (decimals < most && texts(decimals) < texts(most)) decimals++;
  return decimals;
}

/** The fewest with which one value has another text than each of the others that are different. */
export const decimalsBeside = (value: number, others: readonly number[]): number =>
  Math.max(least, ...others.map((other) => decimalsOf([value, other])));

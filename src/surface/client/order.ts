/** The order of cells by what stands in them. */

/** The number that a text begins with, as a table prints it (`−1,204.5 ± 3`); NaN: it begins with none. */
export function leadingNumber(text: string): number {
  const found = /^[-−+]?\d[\d,]*\.?\d*(e[-+−]?\d+)?/.exec(text.trim());
  return found ? Number(found[0].replaceAll('−', '-').replaceAll(',', '')) : Number.NaN;
}

/** Numbers by value, other texts by their characters; a cell without a number comes last in both directions. */
export function compareCells(a: string, b: string, down: boolean): number {
  const sign = down ? -1 : 1;
  const [x, y] = [leadingNumber(a), leadingNumber(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return sign * (Number.isNaN(x) ? (a < b ? -1 : a > b ? 1 : 0) : x - y);
}

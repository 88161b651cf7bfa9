/** Where new images are called anomalous: above almost all that normal training images score when they are held out. */

/** Share `q` of the values lies at or below it; linear between two of them, as NumPy's default. NaN where there is none. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below === above ? below : below + (at - Math.floor(at)) * (above - below);
}

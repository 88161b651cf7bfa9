/** The threshold for new images: they are anomalous if they score higher than almost all held-out normal training images. */

/**
 * The `q`-quantile, `q` in [0, 1], of what `values` are a sample of: of n values the one at place q (n + 1), between two of them by linear
 * interpolation (NumPy's method "weibull"), the highest at most. A new value of the same kind is above it with probability 1 - q, as long as
 * q (n + 1) <= n; quantiles of the sample itself are too low for few values. NaN values are ignored; NaN if there is no other.
 */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = Math.min(Math.max(q * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below === above ? below : below + (at - Math.floor(at)) * (above - below);
}

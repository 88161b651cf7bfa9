/** The threshold for new images: they are anomalous if they score higher than almost all held-out normal training images. */

/** The `q`-quantile, `q` in [0, 1], with linear interpolation as NumPy's default. NaN values are ignored; NaN if there is no other. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below === above ? below : below + (at - Math.floor(at)) * (above - below);
}

/** How scores of normal and of anomalous images are spread. */
import {sortAscending} from '../../domain/metrics/sort.ts';

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** Shares of their kind, in [0, 1]: both kinds can be seen where there are nine times as many of one. */
  readonly normal: number;
  readonly anomalous: number;
}

/**
 * Equal bins from the lowest to the highest score, but no farther than Tukey's outer fences, three interquartile ranges beyond
 * the quartiles: densities have long tails, which would leave one bin for all the rest. What is beyond counts in the outermost
 * bin. Label 1 = anomalous.
 */
export function histogramOf(scores: Float64Array, labels: Uint8Array, bins = 32): readonly Bin[] {
  if (scores.length === 0) return [];
  const sorted = sortAscending(scores.slice());
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))]!;
  const reach = 3 * (at(0.75) - at(0.25));
  const low = Math.max(at(0), at(0.25) - reach);
  const high = Math.min(at(1), at(0.75) + reach);
  const width = (high - low) / bins || 1;
  const counts = [new Float64Array(bins), new Float64Array(bins)] as const;
  for (const [i, score] of scores.entries()) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((score - low) / width)));
    counts[labels[i] === 0 ? 0 : 1][bin]!++;
  }
  const [normal, anomalous] = counts.map((of) => of.reduce((sum, count) => sum + count, 0)) as [number, number];
  return Array.from({length: bins}, (_, bin) => ({
    from: low + bin * width,
    to: low + (bin + 1) * width,
    normal: counts[0][bin]! / (normal || 1),
    anomalous: counts[1][bin]! / (anomalous || 1),
  }));
}

/** How scores of normal and of anomalous images are spread. */
import {sortAscending} from '../../../domain/metrics/sort.ts';

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** Shares of their kind, in [0, 1]: both kinds can be seen where there are nine times as many of one. */
  readonly normal: number;
  readonly anomalous: number;
}

/**
 * Equal bins from the lowest to the highest score, but for half a percent at either end: densities have long tails, which
 * would leave one bin for all the rest. What is beyond counts in the outermost bin. Label 1 = anomalous.
 */
export function histogramOf(scores: Float64Array, labels: Uint8Array, bins = 32): readonly Bin[] {
  if (scores.length === 0) return [];
  const sorted = sortAscending(scores.slice());
  const beyond = Math.floor(0.005 * sorted.length);
  const [low, high] = [sorted[beyond]!, sorted[sorted.length - 1 - beyond]!];
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

/** Precision-recall curves that fit on a page. */
import {rank} from '../../domain/metrics/ranking.ts';

/** Share of the anomalies that are found, and share of anomalies among what is called anomalous; both in [0, 1]. */
export type PrecisionPoint = readonly [recall: number, precision: number];

/**
 * A point for each distinct score as threshold, the highest first; of more than `most` those nearest to equal steps of recall. Empty
 * where either kind is missing. Label 1 = anomalous.
 */
export function precisionRecall(scores: Float64Array, labels: Uint8Array, most = 200): readonly PrecisionPoint[] {
  const {positives, negatives} = rank(scores, labels);
  if (positives.length === 0 || negatives.length === 0) return [];
  let [p, n] = [positives.length, negatives.length]; // those below the threshold
  const curve: PrecisionPoint[] = [];
  let next = 0;
  while (p > 0) {
    const threshold = Math.max(positives[p - 1]!, negatives[n - 1] ?? Number.NEGATIVE_INFINITY);
    while (p > 0 && positives[p - 1]! === threshold) p--;
    while (n > 0 && negatives[n - 1]! === threshold) n--;
    const [found, alarms] = [positives.length - p, negatives.length - n];
    const recall = found / positives.length;
    if (recall < next && p > 0) continue;
    curve.push([recall, found / (found + alarms)]);
    next = recall + 1 / most;
  }
  return curve;
}

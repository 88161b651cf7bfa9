/** The threshold with which a page begins, and what it decides. */
import {sortAscending} from '../../domain/metrics/sort.ts';

/** Share of the normal test images that may lie above it. */
export const allowed = 0.05;

export interface Threshold {
  /** An image whose score is at least this one is called anomalous. */
  readonly score: number;
  /** Number of test images below it. */
  readonly below: number;
}

/**
 * Between two neighbouring scores, the lowest one that at most the share `allowed` of the normal images reaches. Label 1 = anomalous. It
 * is chosen on the test images: good for looking at them, not for a claim. Without normal images it is below all scores.
 */
export function thresholdOf(scores: Float64Array, labels: Uint8Array): Threshold {
  const sorted = sortAscending(scores.slice());
  const normal = sortAscending(scores.filter((_, i) => labels[i] === 0));
  const last = normal[normal.length - 1 - Math.floor(allowed * normal.length)];
  let below = 0;
  if (last !== undefined) while (below < sorted.length && sorted[below]! <= last) below++;
  return {score: between(sorted, below), below};
}

/** Halfway between the score at this place and the one before; beyond the ends the score at the end. */
function between(sorted: Float64Array, place: number): number {
  const [low, high] = [sorted[place - 1], sorted[place]];
  if (high === undefined) return Number.POSITIVE_INFINITY;
  return low === undefined ? high : low + (high - low) / 2 || high;
}

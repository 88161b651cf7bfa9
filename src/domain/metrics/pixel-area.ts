/**
 * The area under the ROC curve of many million pixels. Sorting all of them is limited by memory: the first access to so much of it
 * takes longer than the computation. So only the rarer class, mostly the defects, is sorted as a whole, the other in parts.
 */
import {checkedScore, twiceOrderedPairs} from './ranking.ts';
import {sortSingles} from './sort.ts';

/** Pixels of a part: the two arrays that they are sorted in stay in a processor's cache. */
const partSize = 2 ** 18;

/**
 * The share of pairs (anomaly, normal) in which the anomaly scores higher, ties counting half: `areaUnderRoc`, to the last bit.
 * Infinite scores are allowed, NaN is not. The result is NaN if either class is empty.
 */
export function areaUnderRocOfPixels(scores: Float32Array, labels: Uint8Array): number {
  let anomalous = 0;
  for (let i = 0; i < labels.length; i++) anomalous += labels[i]! === 0 ? 0 : 1;
  const normal = labels.length - anomalous;
  const anomaliesAreRarer = anomalous <= normal;
  const rarer = new Float32Array(Math.min(anomalous, normal));
  fill(rarer, scores, labels, 0, anomaliesAreRarer);
  const sorted = sortSingles(rarer);

  // Each part is merged with the whole rarer class: it must be longer, so that merging costs little compared with sorting.
  const part = new Float32Array(Math.min(labels.length - rarer.length, Math.max(partSize, 4 * rarer.length)));
  const scratch = new Float32Array(part.length);
  // Twice the pairs in which a pixel of the rarer class scores lower, once the ties: a whole number, exact up to 2^53.
  let twice = 0;
  for (let from = 0, left = labels.length - rarer.length; left > 0; ) {
    const some = part.subarray(0, left);
    from = fill(some, scores, labels, from, !anomaliesAreRarer);
    twice += twiceOrderedPairs(sortSingles(some, scratch.subarray(0, left)), sorted);
    left -= some.length;
  }
  const all = 2 * anomalous * normal;
  return (anomaliesAreRarer ? all - twice : twice) / all;
}

/** Fills `values` with the next scores, from pixel `from` on, of pixels that are `anomalous`, or are not; returns where it stopped. */
function fill(
  values: Float32Array,
  scores: Float32Array,
  labels: Uint8Array,
  from: number,
  anomalous: boolean,
): number {
  let i = from;
  for (let n = 0; n < values.length; i++) {
    if ((labels[i]! !== 0) === anomalous) values[n++] = checkedScore(scores, i);
  }
  return i;
}

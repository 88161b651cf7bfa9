/**
 * What the ranking metrics share: the scores of each class in ascending order. Anomalies are the positives; two scores are tied
 * when they are equal, and a threshold t calls an image anomalous if its score is at least t.
 */
import {sortAscending, sortSingles} from './sort.ts';

export interface Ranking {
  /** Ascending. */
  readonly positives: Numbers;
  readonly negatives: Numbers;
}

/** Of images in double precision, of pixels in single. */
type Numbers = Float64Array | Float32Array;

/** Infinite scores are allowed; NaN is refused, because its rank would be random. */
export function rank(scores: Numbers, labels: Uint8Array): Ranking {
  if (scores.length !== labels.length) {
    throw new Error(`expected a label for every score, but got ${labels.length} labels and ${scores.length} scores`);
  }
  let anomalous = 0;
  for (let i = 0; i < labels.length; i++) anomalous += labels[i]! === 0 ? 0 : 1;
  const [positives, negatives] =
    scores instanceof Float32Array
      ? [new Float32Array(anomalous), new Float32Array(labels.length - anomalous)]
      : [new Float64Array(anomalous), new Float64Array(labels.length - anomalous)];
  let p = 0;
  let n = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = checkedScore(scores, i);
    if (labels[i] === 0) negatives[n++] = score;
    else positives[p++] = score;
  }
  return {positives: sorted(positives), negatives: sorted(negatives)};
}

/** Score i; throws where it is NaN. */
export function checkedScore(scores: Numbers, i: number): number {
  const score = scores[i]!;
  if (Number.isNaN(score)) throw new Error(`score ${i} is not a number; its classifier is wrong`);
  return score;
}

const sorted = (values: Numbers): Numbers =>
  values instanceof Float32Array ? sortSingles(values) : sortAscending(values);

/**
 * Area under the ROC curve: the share of pairs (anomaly, normal) in which the anomaly scores higher, ties counting half
 * (Mann–Whitney). NaN if either class is empty.
 */
export function areaUnderRoc({positives, negatives}: Ranking): number {
  return twiceOrderedPairs(positives, negatives) / (2 * positives.length * negatives.length);
}

/**
 * Of two ascending lists: twice the pairs in which the one of `upper` is the greater, and once the ties. A whole number: exact up
 * to 2^53, 67 million scores in either.
 */
export function twiceOrderedPairs(upper: Numbers, lower: Numbers): number {
  let below = 0;
  let upTo = 0;
  let twice = 0;
  for (let i = 0; i < upper.length; i++) {
    const score = upper[i]!;
    while (below < lower.length && lower[below]! < score) below++;
    if (upTo < below) upTo = below;
    while (upTo < lower.length && lower[upTo]! <= score) upTo++;
    twice += below + upTo;
  }
  return twice;
}

/**
 * Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct thresholds, from the highest (scikit-learn's definition: no interpolation, equal scores enter
 * together). NaN if either class is empty.
 */
export function averagePrecision({positives, negatives}: Ranking): number {
  if (positives.length === 0 || negatives.length === 0) return Number.NaN;
  let falsePositives = 0;
  let sum = 0;
  let i = positives.length - 1;
  while (i >= 0) {
    const threshold = positives[i]!;
    const before = i;
    while (i >= 0 && positives[i]! === threshold) i--;
    while (falsePositives < negatives.length && negatives[negatives.length - 1 - falsePositives]! >= threshold) {
      falsePositives++;
    }
    const truePositives = positives.length - 1 - i;
    sum += (before - i) * (truePositives / (truePositives + falsePositives));
  }
  return sum / positives.length;
}

/**
 * The smallest false-positive rate among the thresholds that catch at least the share `rate` of the anomalies, as in the
 * out-of-distribution literature. NaN if either class is empty.
 */
export function falsePositiveRateAt(rate: number, {positives, negatives}: Ranking): number {
  if (positives.length === 0 || negatives.length === 0) return Number.NaN;
  // The highest sufficient threshold is the score of the anomaly that completes the share.
  let needed = Math.ceil(rate * positives.length);
  while (needed > 1 && (needed - 1) / positives.length >= rate) needed--; // if the product was rounded up
  while (needed / positives.length < rate) needed++;
  const threshold = positives[positives.length - needed]!;
  let caught = 0;
  while (caught < negatives.length && negatives[negatives.length - 1 - caught]! >= threshold) caught++;
  return caught / negatives.length;
}

/**
 * The largest F1 = 2 TP / (2 TP + FP + FN) over all thresholds, equal scores on one side. The choice of the threshold uses the
 * labels. NaN if either class is empty.
 */
export function largestF1({positives, negatives}: Ranking): number {
  if (positives.length === 0 || negatives.length === 0) return Number.NaN;
  let largest = 0;
  let falsePositives = 0;
  let i = positives.length - 1;
  // A threshold between two anomalies only adds false positives: the anomalies' own scores are all that matter.
  while (i >= 0) {
    const threshold = positives[i]!;
    while (i >= 0 && positives[i]! === threshold) i--;
    while (falsePositives < negatives.length && negatives[negatives.length - 1 - falsePositives]! >= threshold) {
      falsePositives++;
    }
    const caught = positives.length - 1 - i;
    largest = Math.max(largest, (2 * caught) / (caught + falsePositives + positives.length));
  }
  return largest;
}

/**
 * How much too good the best of several configurations looks on the images by which it was chosen: bootstrap bias correction
 * (Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
 * cross-validation", Machine Learning 107, 2018). In each round the best on resampled images is evaluated on the images that were
 * not drawn: the choice knows nothing of them. It chooses by fewer different images than the real choice, so
 * that the correction is a little larger.
 */
import type {Rng} from '../../core/base/random.ts';

/** Test images of one normal class, as all configurations scored them. */
export interface TestSet {
  /** 1: anomalous. At least two images of either label. */
  readonly labels: Uint8Array;
  /** Of each configuration: of each seed: the score of each image, none NaN; higher is more anomalous. */
  readonly scores: readonly (readonly Float64Array[])[];
}

export interface Optimism {
  /** The configuration with the highest value on all images; the first of equal ones. */
  readonly chosen: number;
  /** Its AUC: mean over seeds, then over test sets. */
  readonly value: number;
  /** What the choice has added to it, at least 0. */
  readonly optimism: number;
  /** `value − optimism`: what to expect on other images, and with other seeds where there are several. */
  readonly corrected: number;
  /** The share of rounds that chose the same configuration. */
  readonly agreement: number;
}

/**
 * Images are drawn within each label, seeds as well if there are several. The time is rounds × all scores. `rounds`: 200 leave an
 * error of a few ten-thousandths.
 */
export function optimismOfBest(sets: readonly TestSet[], rng: Rng, rounds: number): Optimism {
  const count = sets[0]!.scores.length;
  const apparent = new Float64Array(count);
  // Round r, configuration c: at r × count + c.
  const drawn = new Float64Array(rounds * count);
  const left = new Float64Array(rounds * count);
  for (const [s, {labels, scores}] of sets.entries()) {
    const seeds = scores[0]!.length;
    const draws = Array.from({length: rounds}, (_, r) => draw(labels, seeds, rng.fork(`set ${s}`).fork(`round ${r}`)));
    const all = new Uint32Array(labels.length).fill(1);
    for (const [c, ofSeeds] of scores.entries())
      for (const [k, ofImages] of ofSeeds.entries()) {
        const order = orderOf(ofImages);
        apparent[c]! += weightedAuc(ofImages, order, labels, all) / (seeds * sets.length);
        for (const [r, {images, rest, seedWeights, restWeights}] of draws.entries()) {
          const at = r * count + c;
          if (seedWeights[k]! > 0)
            drawn[at]! += (seedWeights[k]! * weightedAuc(ofImages, order, labels, images)) / sets.length;
          if (restWeights[k]! > 0)
            left[at]! += (restWeights[k]! * weightedAuc(ofImages, order, labels, rest)) / sets.length;
        }
      }
  }
  const chosen = largest(apparent);
  const value = apparent[chosen]!;
  if (count === 1) return {chosen, value, optimism: 0, corrected: value, agreement: 1};
  let sum = 0;
  let agreed = 0;
  for (let r = 0; r < rounds; r++) {
    const best = largest(drawn.subarray(r * count, (r + 1) * count));
    sum += left[r * count + best]!;
    agreed += best === chosen ? 1 : 0;
  }
  const optimism = Math.max(0, value - sum / rounds);
  return {chosen, value, optimism, corrected: value - optimism, agreement: agreed / rounds};
}

interface Draw {
  /** How often each image was drawn, and 1 for those that were not. */
  readonly images: Uint32Array;
  readonly rest: Uint32Array;
  /** The shares of seeds in the mean of either. */
  readonly seedWeights: Float64Array;
  readonly restWeights: Float64Array;
}

function draw(labels: Uint8Array, seeds: number, rng: Rng): Draw {
  const images = new Uint32Array(labels.length);
  for (const label of [0, 1]) {
    const own = Array.from(labels.keys()).filter((i) => (labels[i] === 0 ? 0 : 1) === label);
    for (const [i, times] of resample(own.length, rng).entries()) images[own[i]!] = times;
  }
  const times = seeds === 1 ? undefined : resample(seeds, rng);
  const restSeeds = times?.filter((one) => one === 0).length ?? 1;
  return {
    images,
    rest: images.map((one) => (one === 0 ? 1 : 0)),
    seedWeights: Float64Array.from({length: seeds}, (_, k) => (times ? times[k]! / seeds : 1)),
    restWeights: Float64Array.from({length: seeds}, (_, k) => (times ? (times[k] === 0 ? 1 / restSeeds : 0) : 1)),
  };
}

/** How often each of n ≥ 2 is drawn in n draws; at least one is not. */
function resample(n: number, rng: Rng): Uint32Array {
  if (n < 2) throw new RangeError(`${n} can't be resampled: every sample would have it`);
  for (;;) {
    const times = new Uint32Array(n);
    for (let i = 0; i < n; i++) times[rng.integer(n)]!++;
    if (times.includes(0)) return times;
  }
}

const orderOf = (scores: Float64Array): Uint32Array =>
  Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);

/** Area under the ROC curve of images that count several times or not at all; `order`: by ascending score. Ties count half. */
function weightedAuc(scores: Float64Array, order: Uint32Array, labels: Uint8Array, weights: Uint32Array): number {
  let positives = 0;
  let negatives = 0;
  let twice = 0;
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i]!]!;
    let p = 0;
    let n = 0;
    for (; i < order.length && scores[order[i]!] === score; i++) {
      const image = order[i]!;
      if (labels[image] === 0) n += weights[image]!;
      else p += weights[image]!;
    }
    twice += p * (2 * negatives + n);
    positives += p;
    negatives += n;
  }
  return twice / (2 * positives * negatives);
}

function largest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

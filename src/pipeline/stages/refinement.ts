/**
 * What an ensemble of one-class classifiers removes from its training data (Yoon, Sohn, Li, Arik, Lee & Pfister 2021, "Self-supervise,
 * Refine, Repeat", algorithm 1): each is fitted on one of disjoint parts and judges all rows; a row stays if no classifier has it
 * among the most anomalous.
 */
import type {Rng} from '../../core/base/random.ts';
import type {Classifier} from '../../core/contracts/classifier.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {pickRows} from '../../core/linalg/matrix.ts';
import {leastRows} from '../config/refine.ts';
import type {Refinement} from '../config/spec.ts';
import {StageError} from './shared.ts';

/**
 * Numbers of the rows of `features` (n, d) to remove, ascending. `ratio`: share of the rows that each classifier calls anomalous, in
 * (0, ½): ⌊ratio · n⌋ rows, or fewer if scores are equal there. Deterministic for a given `rng`. Throws a `StageError` if a part has
 * fewer than two rows, or nothing would be left.
 */
export function rowsToRemove(
  classifier: Classifier,
  features: Matrix,
  {parts, ratio}: Pick<Refinement, 'parts' | 'ratio'>,
  rng: Rng,
): Uint32Array {
  const {rows} = features;
  if (rows < leastRows * parts)
    throw new StageError(
      `"refine" divides ${rows} training images into ${parts} parts, but each needs at least two`,
      'Use more images ("limit.train"), or fewer parts ("refine.parts").',
    );
  const removed = new Set<number>();
  partsOf(rows, parts, rng).forEach((part, p) => {
    const scorer = classifier.fit(pickRows(features, part), rng.fork(`part ${p}`));
    for (const row of largest(scorer.score(features), Math.floor(ratio * rows))) removed.add(row);
  });
  if (removed.size === rows)
    throw new StageError(
      `"refine" would remove all ${rows} training images: the classifiers of its ${parts} parts agree on none`,
      'Lower "refine.ratio".',
    );
  return Uint32Array.from(removed).sort();
}

/** Disjoint, in random order, and of sizes that differ by at most one. */
const partsOf = (rows: number, parts: number, rng: Rng): readonly Uint32Array[] => {
  const order = rng.fork('parts').permutation(rows);
  return Array.from({length: parts}, (_, p) =>
    order.subarray(Math.floor((p * rows) / parts), Math.floor(((p + 1) * rows) / parts)),
  );
};

/** The rows whose scores are larger than all but `count` of them; of equal scores all stay. */
function largest(scores: Float64Array, count: number): readonly number[] {
  const threshold = scores.toSorted()[scores.length - 1 - count]!;
  return [...scores.keys()].filter((row) => scores[row]! > threshold);
}

/** The numbers from 0 to `rows` - 1 that are not in `removed`. */
export function rowsLeft(rows: number, removed: Uint32Array): Uint32Array {
  const gone = new Set(removed);
  return Uint32Array.from({length: rows}, (_, row) => row).filter((row) => !gone.has(row));
}

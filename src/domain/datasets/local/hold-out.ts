/** Chooses normal images for testing if all that are given are for training. */
import {groupBy} from '../../../core/base/group.ts';

/**
 * The items to test on: every fifth of each class. A class with two to four items gives its last one; a single item stays for
 * training.
 */
export function heldOut<T>(items: readonly T[], classOf: (item: T) => string): ReadonlySet<T> {
  const chosen = [...groupBy(items, classOf).values()].flatMap((own) =>
    own.filter((_, at) => (own.length < 5 ? at > 0 && at === own.length - 1 : at % 5 === 4)),
  );
  return new Set(chosen);
}

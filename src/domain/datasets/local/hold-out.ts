/** Normal images for testing, where all that are given are for training. */
import {groupBy} from '../../../core/base/group.ts';

/**
 * Those of the items that are for testing: every fifth of each class. Of a class with fewer than five the last one is; a single one
 * stays for training.
 */
export function heldOut<T>(items: readonly T[], classOf: (item: T) => string): ReadonlySet<T> {
  const chosen = [...groupBy(items, classOf).values()].flatMap((own) =>
    own.filter((_, at) => (own.length < 5 ? at > 0 && at === own.length - 1 : at % 5 === 4)),
  );
  return new Set(chosen);
}

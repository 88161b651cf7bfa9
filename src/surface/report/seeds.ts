/** The numbers behind a mean: one a seed. */
import {groupBy} from '../../core/base/group.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';
import type {RunRows} from '../../pipeline/store/results/rows.ts';

interface SeedValue {
  readonly seed: number;
  /** As stored. */
  readonly value: number;
}

/** Of a row of a comparison; empty for means over classes and for ensembles, which are not means over seeds. */
export type SeedValues = (row: ComparisonRow) => readonly SeedValue[];

export function seedValuesOf({tasks, metrics}: RunRows): SeedValues {
  const taskOf = new Map(tasks.map((task) => [task['task'], task]));
  const ofTest = metrics.filter((row) => row['part'] === 'test');
  const groups = groupBy(ofTest, (row) => {
    const {config, inlier} = taskOf.get(row['task']) as {readonly [column: string]: unknown};
    return keyOf([config, row['definition'], inlier, row['metric']]);
  });
  return ({config, definition, inlier, metric, ensemble}) =>
    ensemble === null
      ? (groups.get(keyOf([config, definition, inlier, metric])) ?? [])
          .flatMap((row) =>
            row['value'] === null
              ? []
              : [{seed: taskOf.get(row['task'])!['seed'] as number, value: row['value'] as number}],
          )
          .sort((a, b) => a.seed - b.seed)
      : [];
}

const keyOf = (parts: readonly unknown[]): string => parts.join('\n');

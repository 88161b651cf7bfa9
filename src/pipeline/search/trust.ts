/** How what is known without test labels ranks the configurations of a search, against the test images. */
import {groupBy} from '../../core/base/group.ts';
import {spearman} from '../../core/linalg/spearman.ts';
import {metricsOf} from '../store/runs/numbers.ts';
import type {RunRecord} from '../store/runs/run-record.ts';
import {foundOf, type SearchResults, scoreOf} from './results.ts';

export interface Trust {
  /** A metric on the validation images. */
  readonly criterion: string;
  /** Spearman's ρ of its values and the objective's metric on the test images, over `configurations`. */
  readonly correlation: number;
  readonly configurations: number;
}

/** Fewer say nothing. */
const fewest = 5;

/** Each metric that validation images have, over the configurations that were trained to their end. */
export function trustOf(record: RunRecord, {rows, search}: SearchResults): readonly Trust[] {
  const numbers = metricsOf(record);
  const values = groupBy(numbers, ({task}) => task);
  const criteria = [...new Set(numbers.filter(({part}) => part === 'validation').map(({metric}) => metric))];
  const whole = rows.filter(({until}) => until === undefined);
  return criteria.flatMap((criterion): readonly Trust[] => {
    const pairs = whole.flatMap(({tasks}) => {
      const [a, b] = [
        scoreOf(foundOf(tasks, values, criterion, 'validation')).value,
        scoreOf(foundOf(tasks, values, search.objective.metric, 'test')).value,
      ];
      return a === null || b === null ? [] : [[a, b] as const];
    });
    const correlation = spearman(
      Float64Array.from(pairs, ([a]) => a),
      Float64Array.from(pairs, ([, b]) => b),
    );
    if (pairs.length < fewest || Number.isNaN(correlation)) return [];
    return [{criterion, correlation, configurations: pairs.length}];
  });
}

/** The value of a configuration: the mean over normal classes of the mean over seeds. */
import {groupBy} from '../../core/base/group.ts';
import type {MeasuredValue, ResultRef} from '../stages/stage.ts';
import {isEvaluateSummary} from '../store/runs/shape.ts';
import type {Objective} from './read.ts';

/** What a task has measured. */
export interface Measured {
  readonly inlier: string;
  readonly seed: number;
  readonly values: readonly {readonly result: ResultRef; readonly summary: unknown}[];
}

/**
 * Higher is better, whatever the metric: where lower is better, the sign is turned. NaN if a class or a seed has no finite value, because
 * a mean over the rest would be of another problem.
 */
export function objectiveValue({metric, on, better}: Objective, tasks: readonly Measured[]): number {
  const numbers = oneEach(
    tasks.map(({inlier, seed, values}) => {
      const own = values.filter(
        ({result, summary}) => (result.part ?? 'test') === on && metricIn(summary, metric) !== undefined,
      );
      return {
        inlier,
        seed,
        single: own.find(({result}) => result.ensemble === undefined),
        shared: own.find(({result}) => result.ensemble !== undefined),
      };
    }),
  );
  const values = numbers.map(({inlier, one}) => ({inlier, value: one ? numberOf(one.summary, metric) : Number.NaN}));
  return (better === 'higher' ? 1 : -1) * meanOverClasses(values);
}

/** What a task has of a metric: a number of its own, or, at one task of its class, that of all seeds together. */
interface Numbers<T> {
  readonly inlier: string;
  readonly seed: number;
  readonly single: T | undefined;
  readonly shared: T | undefined;
}

/** One number a task; where only all seeds together have some, one a class. `one` is undefined where a number is missing. */
export function oneEach<T>(
  tasks: readonly Numbers<T>[],
): readonly {readonly inlier: string; readonly seed: number; readonly one: T | undefined}[] {
  const isShared = tasks.every(({single}) => single === undefined) && tasks.some(({shared}) => shared !== undefined);
  if (!isShared) return tasks.map(({inlier, seed, single}) => ({inlier, seed, one: single}));
  return [...groupBy(tasks, ({inlier}) => inlier).values()].map((own) => {
    const {inlier, seed, shared} = own.find((task) => task.shared !== undefined) ?? own[0]!;
    return {inlier, seed, one: shared};
  });
}

/** NaN if one of the values is. */
export function meanOverClasses(values: readonly {readonly inlier: string; readonly value: number}[]): number {
  const classes = [...groupBy(values, ({inlier}) => inlier).values()];
  return mean(classes.map((own) => mean(own.map(({value}) => value))));
}

const metricIn = (summary: unknown, metric: string): MeasuredValue | undefined =>
  isEvaluateSummary(summary) && Object.hasOwn(summary.metrics, metric) ? summary.metrics[metric] : undefined;

const numberOf = (summary: unknown, metric: string): number => {
  const value = metricIn(summary, metric);
  return typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN;
};

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The value of a configuration: the mean over normal classes of the mean over seeds. */
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
export function objectiveValue(objective: Objective, tasks: readonly Measured[]): number {
  const values = valuesOf(objective, tasks);
  const inliers = [...new Set(tasks.map(({inlier}) => inlier))];
  const means = inliers.map((inlier) => mean(values.filter((one) => one.inlier === inlier).map(({value}) => value)));
  return (objective.better === 'higher' ? 1 : -1) * mean(means);
}

/** Of each task its number as it was measured, NaN if it has none; a metric that all seeds have together appears once a class. */
function valuesOf(
  {metric, on}: Objective,
  tasks: readonly Measured[],
): readonly {readonly inlier: string; readonly value: number}[] {
  const found = tasks.map(({inlier, values}) => {
    const own = values.filter(
      ({result, summary}) => (result.part ?? 'test') === on && metricIn(summary, metric) !== undefined,
    );
    const single = own.find(({result}) => result.ensemble === undefined);
    const shared = own.find(({result}) => result.ensemble !== undefined);
    return {
      inlier,
      single: single && numberOf(single.summary, metric),
      shared: shared && numberOf(shared.summary, metric),
    };
  });
  const isShared = found.every(({single}) => single === undefined) && found.some(({shared}) => shared !== undefined);
  return found.flatMap(({inlier, single, shared}) => {
    const value = isShared ? shared : (single ?? Number.NaN);
    return value === undefined ? [] : [{inlier, value}];
  });
}

const metricIn = (summary: unknown, metric: string): MeasuredValue | undefined =>
  isEvaluateSummary(summary) && Object.hasOwn(summary.metrics, metric) ? summary.metrics[metric] : undefined;

const numberOf = (summary: unknown, metric: string): number => {
  const value = metricIn(summary, metric);
  return typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN;
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

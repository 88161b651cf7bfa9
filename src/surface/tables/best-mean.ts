/** The best number of a run, and where it comes from: groups of a run's numbers, from the database or from the run's record. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import {testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';

export interface Best {
  readonly metric: string;
  /** As stored: of a rate, at most 1. */
  readonly mean: number;
  /** `rotation epochs=12 · kde`. */
  readonly who: string;
  /** Of how many tasks it is the mean. */
  readonly tasks: number;
  /** Configurations with a classifier, this one included, that have as many. */
  readonly of: number;
}

/** Metrics of which more is better, most telling first. */
export const telling = ['auc', 'pixel-auc', 'aupro', 'average-precision'];

/** One configuration with one classifier and metric: the mean over its tasks, which are its classes and seeds. */
export interface MeanGroup {
  readonly dataset: string;
  readonly row: string;
  readonly point: Json;
  readonly classifier: string;
  readonly metric: string;
  readonly mean: number;
  readonly tasks: number;
}

export function meanGroupsOf(record: RunRecord): readonly MeanGroup[] {
  const tasks = new Map(record.tasks.map((task) => [task.id, task]));
  const values = testMetricsOf(record).flatMap(({task: id, classifier, metric, value, ensemble}) => {
    if (!telling.includes(metric) || ensemble !== null || value === null || !Number.isFinite(value)) return [];
    const {dataset, compare, point} = tasks.get(id)!;
    return [{dataset: dataset.type, row: compare.row, point: point as Json, classifier, metric, value}];
  });
  const keyOf = ({dataset, row, point, classifier, metric}: (typeof values)[number]) =>
    JSON.stringify([dataset, row, point, classifier, metric]);
  return [...groupBy(values, keyOf).values()].map((own) => ({
    ...own[0]!,
    mean: own.reduce((sum, {value}) => sum + value, 0) / own.length,
    tasks: own.length,
  }));
}

/** The highest mean of the most telling metric; undefined: there is none. */
export function bestMean(groups: readonly MeanGroup[]): Best | undefined {
  const metric = telling.find((name) => groups.some((one) => one.metric === name));
  const rivals = groups.filter((one) => one.metric === metric);
  // Of a mean over fewer tasks than others have it can't be said what it would be over all.
  const most = Math.max(...rivals.map(({tasks}) => tasks));
  const whole = rivals.filter(({tasks}) => tasks === most);
  const [first] = whole;
  if (metric === undefined || !first) return undefined;
  const best = whole.reduce((a, b) => (b.mean > a.mean ? b : a), first);
  const same = rivals.filter(({dataset, row}) => dataset === best.dataset && row === best.row);
  const tags = tellApart(same.map(({point}) => point))[same.indexOf(best)]!;
  return {
    metric,
    mean: best.mean,
    who: `${[best.row, ...tags].join(' ')} · ${best.classifier}`,
    tasks: best.tasks,
    of: whole.length,
  };
}

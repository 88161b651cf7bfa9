/** The best number of a run: of a search that of the configuration it chose, else the best of its configurations. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {headMetric} from '../../pipeline/config/spec.ts';
import {fromRecord} from '../../pipeline/search/record.ts';
import {searchResultsOf} from '../../pipeline/search/results.ts';
import {rowsOf} from '../../pipeline/store/results/rows.ts';
import {metricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Better} from './best-of.ts';
import {number} from './formats.ts';
import type {MeanOf} from './means.ts';
import {configurationName, type Named, namesOf} from './names.ts';
import {runNames} from './run-names.ts';
import {chosenOnTest, markOf} from './search.ts';

export interface Best extends MeanOf {
  readonly metric: string;
  /** As stored: of a rate, at most 1. */
  readonly mean: number;
  /** As it is printed, a rate × 100. */
  readonly text: string;
  /** `rotation epochs=12 · kde`. */
  readonly who: string;
  /** † or ‡: it was chosen from several by labels of anomalies, so it is too good; '': it was not. */
  readonly mark: string;
}

/** Of which a run's best is told where it is not known which metric its spec names first: most telling first. */
export const telling = ['auc', 'pixel-auc', 'aupro', 'average-precision'];

/** One configuration with one classifier and metric: the mean over its classes and seeds. */
export type MeanGroup = Omit<Named, 'ensemble'> & MeanOf & {readonly mean: number; readonly scale: string | null};

/** Of which a run is told: of a search the objective's, otherwise the one that its spec names first. */
export const metricOf = ({search, tasks}: Pick<RunRecord, 'search' | 'tasks'>): string | undefined =>
  search === undefined ? headMetric(tasks) : fromRecord(search).objective.metric;

export function bestOfRun(record: RunRecord, better: Better): Best | undefined {
  const metric = headMetric(record.tasks);
  return record.search
    ? bestOfSearch(record)
    : metric === undefined
      ? undefined
      : bestMean(meanGroupsOf(record, metric), metric, better);
}

/** What `pipeline best` chooses: a training that was ended early is no result. */
function bestOfSearch(record: RunRecord): Best | undefined {
  const results = searchResultsOf(record);
  const {best} = results ?? {};
  const [task] = best?.tasks ?? [];
  const score = best?.test?.value == null ? best?.objective : best.test;
  if (!results || !best || !task || score?.value == null) return undefined;
  const {methods, classifier} = runNames(record);
  const {metric, on} = results.search.objective;
  return {
    metric: score === best.test || on === 'test' ? metric : `${metric} on ${on} images`,
    mean: score.value,
    text: textOf(score.value, metricsOf(record).find((one) => one.metric === metric)?.scale ?? null),
    who: configurationName({
      label: methods.get(task.id)!,
      classifier: classifier(task.id, task.trial!.classifier),
    }),
    mark: results.rows.length > 1 ? markOf(results) : '',
    classes: new Set(best.tasks.map(({inlier}) => inlier)).size,
    seeds: new Set(best.tasks.map(({seed}) => seed)).size,
    n: best.tasks.length,
  };
}

const textOf = (mean: number, scale: string | null): string =>
  number(mean, null, scale !== 'number' && mean >= 0 && mean <= 1);

function meanGroupsOf(record: RunRecord, wanted: string): readonly MeanGroup[] {
  const rows = rowsOf(record);
  const tasks = new Map(rows.tasks.map((task) => [task['task'], task]));
  const values = rows.metrics.flatMap((row) => {
    const {part, ensemble, value, metric} = row as {
      readonly value: number | null;
      readonly metric: string;
    } & typeof row;
    if (part !== 'test' || ensemble !== null || value === null || metric !== wanted) return [];
    return Number.isFinite(value) ? [{row, task: tasks.get(row['task'])!, value, metric}] : [];
  });
  const keyOf = ({row, task}: (typeof values)[number]): string =>
    [task['dataset'], task['paper_row'], task['config'], row['definition']].join('\n');
  return [...groupBy(values, keyOf).values()].map((own) => {
    const {row, task, metric} = own[0]!;
    return {
      dataset: task['dataset'] as string,
      paperRow: task['paper_row'] as string,
      options: JSON.parse(task['options'] as string) as Named['options'],
      classifier: row['classifier'] as string,
      paperClassifier: row['paper_classifier'] as string,
      classifierOptions: JSON.parse(row['classifier_options'] as string) as Json,
      definitionOptions: JSON.parse(row['definition_options'] as string) as Json,
      metric,
      mean: own.reduce((sum, {value}) => sum + value, 0) / own.length,
      scale: row['scale'] as string | null,
      classes: new Set(own.map((one) => one.task['inlier'])).size,
      seeds: new Set(own.map((one) => one.task['seed'])).size,
      n: own.length,
    };
  });
}

/** The best mean of the metric; undefined: there is none, or it is not known which is better. `asked`: the spec's first one, if it is known. */
export function bestMean(groups: readonly MeanGroup[], asked: string | null, better: Better): Best | undefined {
  const metric = asked ?? telling.find((name) => groups.some((one) => one.metric === name));
  const direction = metric === undefined ? undefined : better(metric);
  const rivals = groups.filter((one) => one.metric === metric).map((one) => ({...one, ensemble: null}));
  // Of a mean over fewer numbers than others have it can't be said what it would be over all.
  const most = Math.max(...rivals.map(({n}) => n));
  const whole = rivals.filter(({n}) => n === most);
  const [first] = whole;
  if (metric === undefined || direction === undefined || !first) return undefined;
  const sign = direction === 'higher' ? 1 : -1;
  const best = whole.reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a), first);
  const {mean, scale, classes, seeds, n} = best;
  const who = configurationName(namesOf(rivals).get(best)!);
  return {metric, mean, text: textOf(mean, scale), who, mark: whole.length > 1 ? chosenOnTest : '', classes, seeds, n};
}

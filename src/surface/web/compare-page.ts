/** Ours beside the papers', over all runs or of one: a choice of datasets, learners, classifiers and a metric. */
import {join} from 'node:path';
import type {Baseline} from '../../pipeline/store/results/baselines.ts';
import type {ComparisonRow, Results} from '../../pipeline/store/results/results.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {listRuns} from '../../pipeline/store/runs/runs.ts';
import {html, type Markup} from '../html.ts';
import {metricOf, telling} from '../tables/best-mean.ts';
import type {Better} from '../tables/best-of.ts';
import {buildComparison} from '../tables/compare.ts';
import {footOf, tableOf} from '../tables/formats.ts';
import type {Departures} from '../tables/settings.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type Page, problemsHtml} from './page.ts';

export interface CompareSources {
  /** `runs/`. */
  readonly root: string;
  readonly results: Results;
  readonly baselines: readonly Baseline[];
  readonly departures: Departures;
  readonly better: Better;
}

const filters = ['dataset', 'learner', 'classifier'] as const;

/** `asked`: `run`, `dataset`, `learner`, `classifier`, `metric`; empty or absent: all, and of metrics the one of which the run is told. */
export async function comparePage(
  {root, results, baselines, departures, better}: CompareSources,
  asked: URLSearchParams,
): Promise<Page> {
  const run = asked.get('run') || undefined;
  const found = await results.comparisonRows(run === undefined ? {} : {runs: [run]});
  const title = 'Compare';
  if (!found.ok) return {title, body: html`<h1>${title}</h1>${problemsHtml(found.failures)}`};
  const rows = found.value;
  const metrics = distinct(rows.map((row) => row.metric));
  const metric = asked.get('metric') || firstOf(metrics, run === undefined ? undefined : specMetric(root, run));
  const wanted = rows.filter(
    (row) => row.metric === metric && filters.every((name) => !asked.get(name) || row[name] === asked.get(name)),
  );
  const comparison = buildComparison(wanted, {title, baselines, departures, better});
  return {
    title,
    body: html`<h1>${title}</h1>
<p class="faint">${run === undefined ? 'All runs. If several runs have the same number, the latest is shown.' : html`Run ${run}. <a href="/compare">All runs</a>`}</p>
<form class="filters" action="/compare">
${run !== undefined && html`<input type="hidden" name="run" value="${run}">`}
${filters.map((name) => select(name, distinct(rows.map((row) => row[name])), asked.get(name) ?? '', 'all'))}
${select('metric', metrics, metric ?? '')}
<button>Show</button>
</form>
${wanted.length > 0 && tableHtml(tableOf(comparison), {captionUnseen: true, cards: true, caption: "Ours beside the papers'"})}
${footOf(comparison).map((line) => html`<p class="faint">${line}</p>`)}`,
  };
}

const select = (name: string, values: readonly string[], chosen: string, all?: string): Markup =>
  html`<label>${name} <select name="${name}">${all !== undefined && html`<option value="">${all}</option>`}${values.map(
    (value) => html`<option${value === chosen && html` selected`}>${value}</option>`,
  )}</select></label>
`;

/** Of which the run is told; undefined: there is no such run, or it can't be read. */
function specMetric(root: string, run: string): string | undefined {
  if (!listRuns(root).includes(run)) return undefined;
  const record = readRecord(join(root, run));
  return record.ok ? metricOf(record.value) : undefined;
}

/** The one that is shown unasked: `wanted`, if there are values of it. */
export const firstOf = (metrics: readonly string[], wanted: string | undefined): string | undefined =>
  [wanted, ...telling].find((name) => name !== undefined && metrics.includes(name)) ?? metrics[0];

const distinct = (values: readonly ComparisonRow['metric'][]): readonly string[] => [...new Set(values)].sort();

/** All runs, newest first. */
import {join} from 'node:path';
import {groupBy} from '../../core/base/group.ts';
import type {Result} from '../../core/base/result.ts';
import {count, duration, plural} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import {type RunRecord, readRecord, recordState} from '../../pipeline/store/runs/record.ts';
import {nameIn} from '../../pipeline/store/runs/run-id.ts';
import {listRuns, runStateOf} from '../../pipeline/store/runs/runs.ts';
import {html, type Markup} from '../html.ts';
import {dateText} from '../tables/ls.ts';
import {methodsOf} from '../tables/names.ts';
import {having, isSettled} from './live-run.ts';
import {badge, type Page} from './page.ts';

/** Runs on one page. */
const most = 50;

/** Reads runs again only if their events have grown: the page is made again every second while it is open. */
export class RunList {
  readonly #root: string;
  readonly #known = new Map<string, {readonly stamp: string; readonly record: Result<RunRecord, Problem>}>();

  constructor(root: string) {
    this.#root = root;
  }

  /** `before`: only runs that are older than that one. `elsewhere`: ids of runs that a store has. */
  page(before: string | null, elsewhere: readonly string[] = []): Page {
    const older = before === null ? '' : html` older than ${before}`;
    return {
      title: 'Runs',
      ...(before === null && {events: '/events'}),
      body: html`<h1>Runs${older}</h1>
<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table class="runs">
<thead><tr><th scope="col">run</th><th scope="col">started</th><th scope="col">state</th><th scope="col" class="number">tasks</th><th scope="col">stages</th><th scope="col">best</th></tr></thead>
<tbody id="runs">${this.rows(before)}</tbody>
</table></div>
<p class="faint">Best: the highest mean over classes and seeds that one configuration with a classifier has reached, × 100.</p>
${this.#olderLink(before)}
${before === null && this.#elsewhereList(elsewhere)}`,
    };
  }

  #elsewhereList(ids: readonly string[]): Markup | undefined {
    const here = new Set(this.#ids(null));
    const others = ids
      .filter((id) => !here.has(id))
      .sort()
      .reverse();
    const shown = others.slice(0, most);
    return others.length > 0
      ? html`<h2>In the store, and not here</h2>
<ul>${shown.map((id) => html`<li>${nameIn(id)} <small>${id}</small></li>`)}</ul>
${others.length > shown.length && html`<p>… and ${count(others.length - shown.length)} older</p>`}
<p class="faint">To see one here, fetch it: <code>pipeline store pull ${shown[0]!}</code></p>`
      : undefined;
  }

  rows(before: string | null): Markup {
    const ids = this.#ids(before).slice(0, most);
    return ids.length === 0
      ? html`<tr><td colspan="6">There are no runs yet. Start one: <code>pipeline run pipelines/quickstart.yaml</code></td></tr>`
      : html`${ids.map((id) => {
          const record = this.#read(id);
          return record.ok ? rowOf(record.value) : damagedRow(id, record.failures[0]!);
        })}`;
  }

  #ids(before: string | null): readonly string[] {
    return listRuns(this.#root).filter((id) => before === null || id < before);
  }

  #olderLink(before: string | null): Markup | undefined {
    const ids = this.#ids(before);
    return ids.length > most
      ? html`<p><a href="/?before=${encodeURIComponent(ids[most - 1]!)}">Older runs</a></p>`
      : undefined;
  }

  #read(id: string): Result<RunRecord, Problem> {
    const folder = join(this.#root, id);
    const stamp = recordState(folder);
    const known = this.#known.get(id);
    // A run that is only just being written has no plan for a moment.
    if (known?.record.ok && known.stamp === stamp) return known.record;
    const record = readRecord(folder);
    this.#known.set(id, {stamp, record});
    return record;
  }
}

const damagedRow = (id: string, {message}: Problem): Markup => html`<tr>
<th scope="row"><a href="/runs/${id}">${id}</a></th>
<td>–</td>
<td>${badge('damaged')}</td>
<td class="number">–</td>
<td colspan="2">${message}</td>
</tr>
`;

function rowOf(record: RunRecord): Markup {
  const {id, name, tasks, stages, started, seconds} = record;
  const settled = stages.filter(isSettled).length;
  const failed = having(record, 'failed');
  return html`<tr>
<th scope="row"><a href="/runs/${id}">${name}</a><small>${id}</small></th>
<td>${started === undefined ? '–' : html`<time datetime="${started}">${dateText(started)}</time>`}${seconds !== undefined && html`<small>${duration(seconds)}</small>`}</td>
<td>${badge(runStateOf(record))}</td>
<td class="number">${count(tasks.length)}<span class="narrow"> ${tasks.length === 1 ? 'task' : 'tasks'}</span></td>
<td>${settled === stages.length ? html`${count(settled)}<span class="narrow"> stages</span>` : html`${count(settled)} of ${count(stages.length)} <progress max="${stages.length}" value="${settled}" aria-label="Stages done of ${name}"></progress>`}${failed > 0 && html`<small class="bad">${count(failed)} failed</small>`}</td>
<td>${bestText(record)}</td>
</tr>
`;
}

/** Metrics of which more is better, most telling first. */
const telling = ['auc', 'pixel-auc', 'aupro', 'average-precision'];

function bestText(record: RunRecord): Markup | string {
  const values = testMetricsOf(record).filter(({value, ensemble}) => Number.isFinite(value) && ensemble === null);
  const metric = telling.find((name) => values.some((one) => one.metric === name));
  if (metric === undefined) return '–';
  const datasets = new Map(record.tasks.map((task) => [task.id, task.dataset.type]));
  const methods = methodsOf(record.tasks);
  const groups = groupBy(
    values.filter((one) => one.metric === metric),
    ({task, classifier}) => `${datasets.get(task)}\n${methods.get(task)} · ${classifier}`,
  );
  const means = [...groups].map(([key, them]) => {
    const who = key.split('\n')[1]!;
    return {who, tasks: them.length, mean: them.reduce((sum, {value}) => sum + value!, 0) / them.length};
  });
  // Of a mean over fewer tasks than others have it can't be said what it would be over all.
  const most = Math.max(...means.map(({tasks}) => tasks));
  const best = means.filter(({tasks}) => tasks === most).reduce((a, b) => (b.mean > a.mean ? b : a));
  return html`${metric} <strong>${(100 * best.mean).toFixed(1)}</strong><small>${best.who}${best.tasks > 1 && `, ${plural(best.tasks, 'task')}`}</small>`;
}

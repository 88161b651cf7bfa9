/** All runs, newest first: a page of them, of which the script makes a list of all that is searched, sorted and filtered. */
import {setTimeout as wait} from 'node:timers/promises';
import {count} from '../../core/base/text.ts';
import type {Results} from '../../pipeline/store/results/results.ts';
import {nameIn} from '../../pipeline/store/runs/run-id.ts';
import {html, type Markup} from '../html.ts';
import type {Better} from '../tables/best-of.ts';
import type {EventStream} from './event-stream.ts';
import {type ListedRun, type RunsNews, runCells, runColumns} from './listed-run.ts';
import type {Page} from './page.ts';
import {RunIndex} from './run-index.ts';

/** Runs on one page. */
const most = 50;

/** Milliseconds that the page waits for the database, which may be busy; the records of its runs take about as long to read. */
const patience = 400;

export class RunList {
  readonly #index: RunIndex;

  constructor(root: string, results: Results, better: Better) {
    this.#index = new RunIndex(root, results, better);
  }

  /** `before`: only runs that are older than that one. `elsewhere`: ids of runs that a store has. */
  async page(before: string | null, elsewhere: readonly string[] = []): Promise<Page> {
    await Promise.race([this.#index.load(), wait(patience)]);
    const ids = this.#index.ids().filter((id) => before === null || id < before);
    const runs = this.#index.runs(ids.slice(0, most));
    const older = before === null ? '' : html` older than ${before}`;
    return {
      title: 'Runs',
      ...(before === null && {events: '/events'}),
      body: html`<h1>Runs${older}</h1>
<form action="/compare" id="list">
<p class="tools choice"><button>Compare the ticked runs</button> <span class="faint">2 to 8 of them</span></p>
<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table class="runs">
<thead><tr><td></td>${runColumns.map((name) => html`<th scope="col"${name === 'tasks' && html` class="number"`}>${name}</th>`)}</tr></thead>
<tbody id="runs">${runs.map((run) => html`<tr data-item>${runCells(run)}</tr>\n`)}${
        runs.length === 0 &&
        html`<tr><td colspan="7">There are no runs yet. Start one: <code>pipeline run pipelines/quickstart.yaml</code></td></tr>`
      }</tbody>
</table></div>
</form>
<p class="faint">Best: the best mean over classes and seeds that one configuration with a classifier has reached in the metric that the spec names first, rates × 100; of a search that of the configuration it chose. † chosen from several by the labels of the test images, so too good by chance alone; ‡ by labels of other anomalies.</p>
${ids.length > most && html`<p id="older"><a href="/?before=${encodeURIComponent(ids[most - 1]!)}">Older runs</a></p>`}
${before === null && this.#elsewhereList(elsewhere)}`,
    };
  }

  /** All runs first, then what changes. */
  async follow(stream: EventStream, every: number): Promise<void> {
    await this.#index.load();
    let sent = new Map<string, ListedRun>();
    while (!stream.signal.aborted) {
      const all = sent.size === 0 ? this.#index.runs(this.#index.ids()) : this.#index.again();
      const runs = new Map(all.map((run) => [run.id, run]));
      const news: RunsNews = {
        changed: [...runs.values()].filter((run) => sent.get(run.id) !== run),
        gone: [...sent.keys()].filter((id) => !runs.has(id)),
      };
      stream.send('runs', sent.size === 0 || news.changed.length + news.gone.length > 0 ? news : undefined);
      sent = runs;
      await stream.pause(every);
    }
  }

  #elsewhereList(ids: readonly string[]): Markup | undefined {
    const here = new Set(this.#index.ids());
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
}

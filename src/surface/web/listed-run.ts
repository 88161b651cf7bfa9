/** A run in the list of runs, and its row. Pure, and also run in the browser. */
import {count, dateText, duration} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import type {Best} from '../tables/best-mean.ts';
import {meanText} from '../tables/means.ts';
import {badge} from './badge.ts';

export interface ListedRun {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC; absent: it has not begun, or its record can't be read. */
  readonly started?: string;
  readonly state: string;
  /** Absent while it goes on. */
  readonly seconds?: number;
  readonly tasks: number;
  readonly stages: number;
  /** Stages that have had their turn. */
  readonly settled: number;
  readonly failed: number;
  /** Why its record can't be read, or what it has lost; absent: nothing is wrong with it. */
  readonly damage?: string;
  readonly datasets: readonly string[];
  readonly methods: readonly string[];
  /** Absent: it has no number of which is known what is better. */
  readonly best?: Best;
  readonly tags: readonly string[];
  /** '' if there is none. */
  readonly note: string;
}

/** What the open list hears. */
export interface RunsNews {
  readonly changed: readonly ListedRun[];
  /** Ids of runs that are not there any more. */
  readonly gone: readonly string[];
}

export const runColumns = ['run', 'started', 'state', 'tasks', 'stages', 'best'] as const;

export function runCells(run: ListedRun): Markup {
  const {id, name, tasks, stages, settled, failed, started, seconds, state, damage, best, tags, note} = run;
  const readable = tasks > 0 || stages > 0 || damage === undefined;
  return html`<td class="tick">${readable && html`<input type="checkbox" name="run" value="${id}" aria-label="Compare ${name}, ${id}">`}</td>
<th scope="row"><a href="/runs/${id}">${name}</a><small>${id}</small>${remarksHtml(tags, note)}</th>
<td>${started === undefined ? '–' : html`<time datetime="${started}">${dateText(started)}</time>`}${seconds !== undefined && html`<small>${duration(seconds)}</small>`}</td>
<td>${badge(state)}${damage !== undefined && html`<small class="bad damage">${state === 'damaged' ? '' : 'damaged: '}${damage}</small>`}</td>
${
  readable
    ? html`<td class="number">${count(tasks)}<span class="narrow"> ${tasks === 1 ? 'task' : 'tasks'}</span></td>
<td>${settled === stages ? html`${count(settled)}<span class="narrow"> stages</span>` : html`${count(settled)} of ${count(stages)} <progress max="${stages}" value="${settled}" aria-label="Stages done of ${name}"></progress>`}${failed > 0 && html`<small class="bad">${count(failed)} failed</small>`}</td>
<td>${best ? html`${best.metric} <strong>${best.text}</strong>${best.mark && ` ${best.mark}`}<small>${[best.who, meanText(best)].filter(Boolean).join(', ')}</small>` : '–'}</td>`
    : html`<td class="number">–</td><td>–</td><td>–</td>`
}`;
}

export const remarksHtml = (tags: readonly string[], note: string): Markup =>
  html`${tags.length > 0 && html`<span class="tags">${tags.map((tag) => html`<span class="tag">${tag}</span> `)}</span>`}${note !== '' && html`<small class="note">${note}</small>`}`;

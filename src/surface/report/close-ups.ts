/** Single tasks: curves, scores, maps of the features, images. One is seen at a time, where scripts run. */

import type {Result} from '../../core/base/result.ts';
import {count, plural} from '../../core/base/text.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import {mostTasks} from './chosen.ts';
import {type Embedding, embeddingFigures, embeddingOf} from './embedding.ts';
import {notice} from './figure.ts';
import {type Gallery, galleryOf, galleryView, type HeatGallery, heatGalleriesOf, heatView} from './gallery.ts';
import {type Made, madeFigures, madeOf, madeView} from './made.ts';
import {histogramFigures, rocFigure, type Scored, scoresOf} from './scores.ts';

/** One task, looked at closely. */
export interface CloseUp {
  readonly task: Task;
  readonly method: string;
  readonly scored: readonly Scored[];
  readonly embedding?: Embedding;
  readonly made?: Made;
  readonly gallery?: Gallery;
  readonly heat: readonly HeatGallery[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
}

export async function closeUpOf(record: RunRecord, task: Task, method: string, artifacts: Artifacts): Promise<CloseUp> {
  const missing = new Set<string>();
  const foundIn = <T>(result: Result<T, Problem>): T | undefined => {
    if (result.ok) return result.value;
    for (const {message, hint} of result.failures) missing.add([message, hint].filter(Boolean).join('. '));
    return undefined;
  };
  const scored = foundIn(await scoresOf(record, task, artifacts)) ?? [];
  const embedding = foundIn(await embeddingOf(task, scored, artifacts));
  const made = foundIn(await madeOf(record, task, scored, artifacts));
  const gallery = foundIn(await galleryOf(scored, artifacts));
  const heat = foundIn(await heatGalleriesOf(scored, artifacts)) ?? [];
  return {
    task,
    method,
    scored,
    ...(embedding && {embedding}),
    ...(made && {made}),
    ...(gallery && {gallery}),
    heat,
    missing: [...missing],
  };
}

/** Undefined where no task has anything to show. */
export async function closeUpsSection(closeUps: readonly CloseUp[], record: RunRecord): Promise<Markup | undefined> {
  const shown = closeUps.filter(({scored, missing}) => scored.length + missing.length > 0);
  if (shown.length === 0) return undefined;
  const articles: Markup[] = [];
  for (const [at, closeUp] of shown.entries()) articles.push(await article(closeUp, at));
  const chooser =
    shown.length > 1 &&
    html`<p class="chooser"><label for="task">Task</label> <select id="task" data-chooser>${shown.map(
      (closeUp, at) => html`<option value="task-${at}">${nameOf(closeUp)}</option>`,
    )}</select></p>`;
  const left = record.tasks.length - shown.length;
  return html`${
    left > 0 &&
    html`<p class="muted">${plural(shown.length, 'task')} of ${count(record.tasks.length)}: the first seed of each problem${
      shown.length === mostTasks && '; of many tasks, those with the worst result of each method'
    }. <code>pipeline report ${record.id} --task …</code> shows other tasks.</p>`
  }${chooser}${articles}`;
}

const nameOf = ({task, method}: CloseUp): string =>
  `${task.dataset.type} · ${task.inlier} · ${method} · seed ${task.seed}`;

async function article(closeUp: CloseUp, at: number): Promise<Markup> {
  const {task, scored, embedding, made, gallery, heat, missing} = closeUp;
  const figures = [
    ...(scored.some(({roc}) => roc.length > 0) ? [await rocFigure(scored)] : []),
    ...(await histogramFigures(scored)),
    ...(embedding ? await embeddingFigures(embedding) : []),
    ...(made ? await madeFigures(made) : []),
  ];
  return html`<article class="task" id="task-${at}" aria-labelledby="task-${at}-name">
<h3 id="task-${at}-name">${nameOf(closeUp)}</h3>
<p class="muted small"><span class="key normal"></span> normal: ${task.inlier} <span class="key anomalous"></span> anomalous: all else</p>
${notice(missing)}
<div class="figures">${figures}</div>
${made && madeView(made)}${gallery && galleryView(gallery)}${heat.map(heatView)}
</article>`;
}

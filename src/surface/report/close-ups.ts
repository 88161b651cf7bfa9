/** Single tasks: curves, scores, maps of the features, images. One is seen at a time, where scripts run. */

import {count, plural} from '../../core/base/text.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import {mostTasks} from './chosen.ts';
import type {CloseUp} from './close-up.ts';
import {copiesTable} from './copies.ts';
import {embeddingFigures} from './embedding.ts';
import {decidedTable, kindsTable} from './explorer.ts';
import {notice} from './figure.ts';
import {galleryView, heatView} from './gallery.ts';
import {madeFigures, madeView} from './made.ts';
import type {Pictures} from './pictures.ts';
import {histogramFigures, precisionFigure, rocFigure} from './scores.ts';

export const isShown = ({scored, missing}: CloseUp): boolean => scored.length + missing.length > 0;

/** Undefined where no task has anything to show. */
export async function closeUpsSection(
  closeUps: readonly CloseUp[],
  pictures: Pictures,
  record: RunRecord,
): Promise<Markup | undefined> {
  const shown = closeUps.filter(isShown);
  if (shown.length === 0) return undefined;
  const articles: Markup[] = [];
  for (const [at, closeUp] of shown.entries()) articles.push(await article(closeUp, at, pictures));
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

async function article(closeUp: CloseUp, at: number, {sets, setOf, heats}: Pictures): Promise<Markup> {
  const {task, scored, embedding, made, missing} = closeUp;
  const both = scored.some(({roc}) => roc.length > 0);
  const figures = [
    ...(await histogramFigures(scored)),
    ...(both ? [await rocFigure(scored), await precisionFigure(scored)] : []),
  ];
  const set = sets[setOf.get(closeUp) ?? -1];
  return html`<article class="task" id="task-${at}" aria-labelledby="task-${at}-name">
<div class="opening"><h3 id="task-${at}-name">${nameOf(closeUp)}</h3>
<p class="muted small"><span class="key normal"></span> normal: ${task.inlier} <span class="key anomalous"></span> anomalous: all else</p>
${notice(missing)}${scored.length > 0 && decidedTable(closeUp)}</div>
<div class="explorer"></div>
<div class="figures">${figures}</div>
${scored.length > 0 && kindsTable(closeUp)}
${(embedding || made) && html`<div class="figures">${embedding && (await embeddingFigures(embedding))}${made && (await madeFigures(made))}</div>`}
${embedding?.copies && copiesTable(embedding.copies)}
<div class="explored"></div>
${set && html`<div class="still">${galleryView(closeUp, set)}</div>`}${scored.map((one) => {
  const heat = heats.get(closeUp)?.get(one.classifier);
  return set && heat && heatView(closeUp, one, set, heat);
})}
${made && madeView(made)}
</article>`;
}

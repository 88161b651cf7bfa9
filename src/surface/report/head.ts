/** What a run was: name, state, when, on what, and what went wrong. */
import {count, dateText, duration, plural} from '../../core/base/text.ts';
import type {Outcome} from '../../pipeline/store/runs/record.ts';
import {type Content, html, type Markup} from '../html.ts';
import {answerView} from './answer.ts';
import type {ReportData} from './report-data.ts';

const tones: {readonly [outcome in Outcome]: string} = {
  done: 'good',
  failed: 'bad',
  interrupted: 'warn',
  unfinished: 'warn',
  damaged: 'bad',
};

export function head({record, report, description, answers}: ReportData): Markup {
  const facts: readonly (readonly [string, Content])[] = [
    ['Started', record.started && dateText(record.started)],
    ['Took', record.seconds !== undefined && duration(record.seconds)],
    ['Tasks', count(report.tasks)],
  ];
  return html`<header class="sheet head">
<p class="muted small">Report of run <code>${record.id}</code> <span class="badge ${tones[record.outcome]}">${record.outcome}</span></p>
<h1>${record.name}</h1>
${answerView(answers)}${description && html`<p class="lead">${description}</p>`}
<dl class="facts">${facts.map(([name, value]) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

/** Failures, skipped stages and warnings, with a title; undefined when all went well. */
export function troubles({report}: ReportData): {readonly title: string; readonly body: Markup} | undefined {
  const {failures, skipped, warnings} = report;
  if (failures.length + skipped.length + warnings.length === 0) return undefined;
  const title = failures.length + skipped.length > 0 ? 'What went wrong' : 'Warnings';
  const body = html`${failures.map(
    ({stage, message, hint}) =>
      html`<div class="notice bad"><p><strong class="bad">Failed:</strong> ${stage}</p><p>${message}</p>${hint && html`<p class="muted">${hint}</p>`}</div>`,
  )}${warnings.map((warning) => html`<p class="notice"><strong class="warn">Warning:</strong> ${warning}</p>`)}${
    skipped.length > 0 &&
    html`<details><summary>${plural(skipped.length, 'stage')} skipped because of it</summary><ul>${skipped.map(
      ({stage, because}) => html`<li>${stage}: ${because}</li>`,
    )}</ul></details>`
  }`;
  return {title, body};
}

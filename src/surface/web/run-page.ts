/** One run: how far it is, what goes on, what failed and why, what was measured. */
import {count, dateText, duration, plural} from '../../core/base/text.ts';
import {progressShare} from '../../pipeline/events.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Remarks} from '../../pipeline/store/runs/remarks.ts';
import {runStateOf} from '../../pipeline/store/runs/runs.ts';
import {html, type Markup} from '../html.ts';
import {endsText, progressText, queuedText} from '../live/lines.ts';
import {sparkline} from '../live/sparkline.ts';
import {jobText, reportRun, resultsOf} from '../tables/show.ts';
import {tableHtml} from '../tables/table-html.ts';
import {badge} from './badge.ts';
import {remarksHtml} from './listed-run.ts';
import {having, isSettled, type RunInView, type RunningStage} from './live-run.ts';
import type {Page} from './page.ts';
import type {Regions} from './regions.ts';
import type {PartName} from './run-parts.ts';
import {stagesRegions, stagesTab} from './stages-tab.ts';

export interface AboutRun {
  readonly now: number;
  readonly hasReport: boolean;
  readonly remarks: Remarks;
  /** Whether who looks may change tags and note. */
  readonly mayWrite: boolean;
  /** Text of the spec. */
  readonly spec: string;
}

export async function runPage(run: RunInView, about: AboutRun): Promise<Page> {
  const {now, hasReport, remarks, mayWrite, spec} = about;
  const {record} = run;
  const regions = regionsOf(run, now);
  const region = (id: string) => html`<div id="${id}">${regions.get(id)}</div>`;
  const {id, name, outcome, environment} = record;
  const tabs: readonly (readonly [id: string, title: string, body: Markup])[] = [
    [
      'overview',
      'Overview',
      html`${region('running')}
${region('problems')}
${partPlace(id, 'numbers', 'Numbers beside the papers')}
<h3>What every task measured</h3>
${region('results')}`,
    ],
    ['sweep', 'Sweep', partPlace(id, 'sweep', 'Effects of options, and the search')],
    ['training', 'Training', partPlace(id, 'training', 'Training curves')],
    ['tasks', 'Tasks', partPlace(id, 'tasks', 'Single tasks: scores, images, maps')],
    ['stages', 'Stages', html`${await stagesTab(record, regions)}${partPlace(id, 'timeline', 'Timeline')}`],
    ['logs', 'Logs', partPlace(id, 'logs', 'What the run and its jobs have said')],
    [
      'spec',
      'Spec',
      html`<pre>${spec}</pre>
<details><summary>Environment</summary>
<pre>${JSON.stringify(environment, null, 2)}</pre></details>
${partPlace(id, 'provenance', 'Resolved options, data, fingerprints')}`,
    ],
  ];
  return {
    title: name,
    ...(outcome === 'unfinished' && {events: `/runs/${id}/events`}),
    body: html`<h1>${name}</h1>
<p class="muted">${id}</p>
${remarksView(id, remarks, mayWrite)}
${region('summary')}
<p id="announcement" class="unseen" role="status" aria-live="polite">${regions.get('announcement')}</p>
<p class="links"><a href="/compare?run=${encodeURIComponent(id)}">Beside the papers</a>${hasReport && html` <a href="/runs/${id}/report.html">Report</a>`}</p>
<nav class="tabs" aria-label="Parts of the run">${tabs.map(([tab, title]) => html`<a href="#${tab}">${title}</a>`)}</nav>
${tabs.map(
  ([
    tab,
    title,
    body,
  ]) => html`<section class="tab" id="${tab}" aria-labelledby="${tab}-title"><h2 id="${tab}-title">${title}</h2>
${body}</section>
`,
)}`,
  };
}

/** Where the script puts a part of the report when it is seen. */
const partPlace = (run: string, name: PartName | 'logs', title: string): Markup =>
  html`<div data-part="/runs/${run}/parts/${name}" id="part-${name}"><p><a href="/runs/${run}/parts/${name}">${title}</a></p></div>`;

function remarksView(id: string, {tags, note, damage}: Remarks, mayWrite: boolean): Markup {
  const said = damage === undefined ? remarksHtml(tags, note) : html`<p class="bad">${damage}</p>`;
  if (!mayWrite || damage !== undefined) return said;
  return html`${said}<details class="remarks"><summary>Tags and note</summary>
<form method="post" action="/runs/${id}/remarks">
<label>Tags, between them blanks <input name="tags" value="${tags.join(' ')}" autocomplete="off" spellcheck="false"></label>
<label>Note <textarea name="note" rows="3" maxlength="4000">${note}</textarea></label>
<p><button>Save</button></p>
</form></details>`;
}

export const regionsOf = (run: RunInView, now: number): Regions =>
  new Map([...movingRegions(run, now), ...settledRegions(run.record)]);

/** What changes only with time. */
export const movingRegions = (run: RunInView, now: number): Regions =>
  new Map([
    ['summary', summaryOf(run, now)],
    ['running', runningOf(run, now)],
  ]);

/** What changes when a stage begins or ends: there may be thousands. */
function settledRegions(record: RunRecord): Regions {
  const report = reportRun(record);
  return new Map([
    ['announcement', announcementOf(record)],
    ['problems', problemsOf(record, report.warnings)],
    ['results', resultsHtml(report)],
    ...stagesRegions(record),
  ]);
}

function summaryOf(run: RunInView, now: number): Markup {
  const {record} = run;
  const {started, seconds, stages, tasks, engine} = record;
  const state = runStateOf(record);
  const settled = stages.filter(isSettled).length;
  const queued = stages.filter(({status}) => status === 'queued');
  const left = state === 'running' ? run.secondsLeft?.(now) : undefined;
  const elapsed =
    seconds ?? (state === 'running' && started !== undefined ? (now - Date.parse(started)) / 1000 : undefined);
  const facts = [
    ...(started === undefined ? ['not started'] : [`started ${dateText(started)}`]),
    ...(elapsed === undefined ? [] : [duration(Math.max(0, elapsed))]),
    ...(left === undefined ? [] : [endsText(left)]),
    plural(tasks.length, 'task'),
    `${count(settled)} of ${plural(stages.length, 'stage')}`,
    ...(queued.length > 0 ? [queuedText(queued.map((stage) => stage.queued?.because))] : []),
    ...(['cached', 'failed', 'skipped'] as const).flatMap((status) =>
      having(record, status) > 0 ? [`${count(having(record, status))} ${status}`] : [],
    ),
    ...(engine ? [`${engine.name} ${engine.version} on ${engine.device}`] : []),
  ];
  const note = {
    stopped:
      'Its process has ended without recording an end. Run the same command again; it continues from what is done.',
    unfinished: 'It is running on another machine, or it was killed there.',
  }[state as string];
  return html`<p>${badge(state)} ${facts.join(' · ')}</p>
${settled < stages.length && html`<progress class="whole" max="${stages.length}" value="${settled}" aria-label="Stages done"></progress>`}${note !== undefined && html`<p class="faint">${note}</p>`}`;
}

/** For who listens: a word at each tenth of the way, at failures and at the end. */
function announcementOf(record: RunRecord): Markup {
  const {stages, outcome} = record;
  const failed = having(record, 'failed');
  const failures = failed > 0 ? `, ${plural(failed, 'stage')} failed` : '';
  if (outcome !== 'unfinished') return html`The run has ended: ${outcome}${failures}.`;
  const tenths = Math.floor((10 * stages.filter(isSettled).length) / Math.max(1, stages.length));
  const part = tenths === 0 ? 'Less than 10' : `At least ${10 * tenths}`;
  return html`${part} % of ${plural(stages.length, 'stage')} done${failures}.`;
}

function runningOf(run: RunInView, now: number): Markup {
  if (run.running.length === 0) return html``;
  const state = runStateOf(run.record);
  const stages = run.running.map((stage) => runningHtml(run.record.id, stage, state === 'running' ? now : undefined));
  return html`<h2>${state === 'running' ? 'Running' : 'Running at the last sign of life'}</h2>
<ul class="running">${stages}</ul>`;
}

function runningHtml(
  run: string,
  {id, label, since, where, progress, losses}: RunningStage,
  now: number | undefined,
): Markup {
  const share = progress && progressShare(progress);
  const curve = losses.length > 2 && html` <span class="curve" aria-hidden="true">${sparkline(losses, 24)}</span>`;
  const detail = progress ? progressText(progress) : now === undefined ? '' : duration(Math.max(0, now - since) / 1000);
  const place = where && html` <span class="faint">${jobText(where)}</span>`;
  return html`<li><span><a href="/runs/${run}/stages/${id}">${label}</a>${place}</span>${share !== undefined && html`<progress max="1" value="${share.toFixed(4)}" aria-label="${label}"></progress>`}<span class="detail">${detail}${curve}</span></li>
`;
}

/** So many are shown whole. */
const most = 20;

function problemsOf(record: RunRecord, warnings: readonly string[]): Markup {
  const failures = record.stages.filter(({status}) => status === 'failed');
  return html`${failures.length > 0 && html`<h2>Failed</h2>`}${failures
    .slice(0, most)
    .map(
      ({label, message, hint}) =>
        html`<div class="problem"><h3>${label}</h3><pre>${message ?? 'no reason was recorded'}</pre>${hint !== undefined && html`<p>${hint}</p>`}</div>`,
    )}${failures.length > most && html`<p>… and ${count(failures.length - most)} more</p>`}
${warnings.length > 0 && html`<h2>Warnings</h2><ul>${warnings.slice(0, most).map((warning) => html`<li>${warning}</li>`)}</ul>`}`;
}

function resultsHtml({results}: ReturnType<typeof reportRun>): Markup {
  if (results.length === 0) return html`<p>No metric has been computed.</p>`;
  const {table, foot} = resultsOf(results);
  return html`${tableHtml(table, {captionUnseen: true, cards: true, caption: 'What every task measured'})}${foot.map((line) => html`<p class="faint">${line}</p>`)}
<p class="faint">Rates × 100.</p>`;
}

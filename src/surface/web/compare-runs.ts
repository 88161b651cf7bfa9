/** Two to eight runs beside each other: their numbers with verdicts, what differs between them, and their training curves on one chart. */
import {join} from 'node:path';
import {dateText} from '../../core/base/text.ts';
import {rowsOf} from '../../pipeline/store/results/rows.ts';
import {type RunRecord, readRecord} from '../../pipeline/store/runs/record.ts';
import {listRuns, runStateOf} from '../../pipeline/store/runs/runs.ts';
import {type Content, html, type Markup, raw, scriptElement} from '../html.ts';
import {Artifacts} from '../report/artifacts.ts';
import {pageDataText} from '../report/page-data.ts';
import {seedValuesOf} from '../report/seeds.ts';
import {trainingData, trainingSection} from '../report/training.ts';
import {type Trainings, trainingsOf} from '../report/trainings.ts';
import {metricOf} from '../tables/best-mean.ts';
import {buildComparison} from '../tables/compare.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {TextTable} from '../tables/text-table.ts';
import {badge} from './badge.ts';
import {type CompareSources, firstOf} from './compare-page.ts';
import type {DrawnStyles} from './drawn.ts';
import {type ComparedRun, numbersNotes, numbersTable} from './numbers-of-runs.ts';
import {type Page, problemsHtml} from './page.ts';
import {differencesOf} from './settings-of-runs.ts';

const most = 8;

/** Only the curves answer. */
const noData = {groups: {}, pictures: [], explorers: []};

/** `wanted`: ids of runs, of which the first is what the others are compared with. */
export async function compareRunsPage(
  sources: CompareSources,
  wanted: readonly string[],
  metric: string | undefined,
  drawn: DrawnStyles,
): Promise<Page> {
  const {root, results, baselines, departures, better} = sources;
  const known = new Set(listRuns(root));
  const title = `Compare ${wanted.length} runs`;
  const refused = (...problems: Parameters<typeof problemsHtml>[0]): Page => ({
    title,
    body: html`<h1>${title}</h1>${problemsHtml(problems)}<p><a href="/">All runs</a></p>`,
  });
  if (wanted.length > most) return refused({message: `${most} runs at most can be compared`, hint: 'Tick fewer.'});
  const unknown = wanted.find((id) => !known.has(id));
  if (unknown !== undefined) return refused({message: `there is no run ${unknown}`});
  const rows = await results.comparisonsOf(wanted);
  if (!rows.ok) return refused(...rows.failures);
  const records: RunRecord[] = [];
  for (const id of wanted) {
    const record = readRecord(join(root, id));
    if (!record.ok) return refused(...record.failures);
    records.push(record.value);
  }
  const lines = rows.value.map((own) => buildComparison(own, {title, baselines, departures, better}).lines);
  const names = namesOf(records);
  const metrics = [...new Set(lines.flat().map((line) => line.metric))].sort();
  const chosen = metric ?? firstOf(metrics, metricOf(records[0]!));
  const runs = records.map(
    (record, at): ComparedRun => ({
      name: names[at]!,
      lines: lines[at]!.filter((line) => line.metric === chosen),
      seeds: seedValuesOf(rowsOf(record)),
    }),
  );
  const {options, surroundings, notes} = differencesOf(records, names);
  const trainings = await trainingsOfAll(records, names, root);
  const training = await trainingSection(trainings);
  const curves = training && drawn.add(training);
  return {
    title,
    ...(curves && {styles: [curves.style]}),
    body: html`<h1>${title}</h1>
<ul class="compared">${records.map(
      (record, at) =>
        html`<li><a href="/runs/${record.id}">${names[at]}</a> ${badge(runStateOf(record))} <span class="muted">${record.started === undefined ? '' : dateText(record.started)}</span></li>`,
    )}</ul>
<form class="filters" action="/compare">${wanted.map((id) => html`<input type="hidden" name="run" value="${id}">`)}
<label>metric <select name="metric">${metrics.map((name) => html`<option${name === chosen && html` selected`}>${name}</option>`)}</select></label> <button>Show</button></form>
<h2 id="numbers">Numbers</h2>
${numbersOf(runs, chosen, numbersTable(runs, better))}
<h2 id="differences">What differs</h2>
${settingsTable('Options', options) ?? html`<p>The options are the same.</p>`}
${notes.map((note) => html`<p>${note}</p>`)}
${surroundings.rows.length > 0 && html`<details><summary>Engine and machine</summary>${settingsTable('Engine and machine', surroundings)}</details>`}
${curves && html`<h2 id="training">Training</h2><div id="curves">${curves.markup}</div>${scriptElement(pageDataText({...noData, training: trainingData(trainings)}), raw(' type="application/json" id="page-data"'))}`}`,
  };
}

/** The name of a run, with the last digits of its id where others are called the same. */
const namesOf = (records: readonly RunRecord[]): readonly string[] =>
  records.map(({id, name}) =>
    records.filter((other) => other.name === name).length > 1 ? `${name} ${id.slice(-4)}` : name,
  );

function numbersOf(runs: readonly ComparedRun[], metric: string | undefined, table: TextTable): Markup {
  if (metric === undefined || table.rows.length === 0) return html`<p>There are no numbers to compare.</p>`;
  const inCommon = table.rows.some(
    (cells) => cells.slice(-2 * runs.length + 1).filter((cell) => cell !== '–').length > 1,
  );
  return html`${!inCommon && html`<p>No two of the runs have a number of the same class, method and classifier. A method with other options is another method: the numbers stand below each other.</p>`}${tableHtml(table, {caption: `${metric}, class by class`, captionUnseen: true, cards: true, sortable: true})}
${numbersNotes.map((note) => html`<p class="muted small">${note}</p>`)}${
  runs.some(({lines}) => lines.length === 0) &&
  html`<p>${runs
    .filter(({lines}) => lines.length === 0)
    .map(({name}) => name)
    .join(', ')}: no number of this metric.</p>`
}`;
}

const settingsTable = (caption: Content, table: TextTable): Markup | undefined =>
  table.rows.length === 0 ? undefined : tableHtml(table, {caption, captionUnseen: true});

/** All trainings on one chart, the runs as the lines' colours. */
async function trainingsOfAll(
  records: readonly RunRecord[],
  names: readonly string[],
  root: string,
): Promise<Trainings> {
  const found: Trainings[] = [];
  for (const [at, record] of records.entries()) {
    const {curves, ...rest} = await trainingsOf(record, new Artifacts(record, join(root, 'cache')));
    const several = new Set(curves.map(({of}) => of.method)).size > 1;
    found.push({
      ...rest,
      curves: curves.map((curve) => ({
        ...curve,
        of: {...curve.of, method: several ? `${names[at]} · ${curve.of.method}` : names[at]!},
        name: `${names[at]} · ${curve.name}`,
      })),
    });
  }
  return {
    curves: found.flatMap(({curves}) => curves),
    epochs: Math.max(...found.map(({epochs}) => epochs)),
    isThinned: found.some(({isThinned}) => isThinned),
    trained: found.reduce((sum, {trained}) => sum + trained, 0),
    missing: found.flatMap(({missing}) => missing),
  };
}

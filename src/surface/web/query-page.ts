/** SQL on the results: one statement that reads. */

import type {Result} from '../../core/base/result.ts';
import {plural} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {ApartLimits} from '../../pipeline/store/results/apart.ts';
import type {QueryResult} from '../../pipeline/store/results/results.ts';
import {tables} from '../../pipeline/store/results/schema.ts';
import {html, type Markup, raw, scriptElement} from '../html.ts';
import {viewColumns} from '../reference/sql.ts';
import {formatQuery, queryTable} from '../tables/formats.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {DrawnStyles} from './drawn.ts';
import {type Page, problemsHtml} from './page.ts';
import {axesOf, chartForm, queryChart} from './query-chart.ts';
import {questions} from './questions.ts';

const limits = {rows: 1000, seconds: 10} as const satisfies ApartLimits;

/** Runs a statement, apart from all that the server does. */
export type Query = (sql: string, limits: ApartLimits) => Promise<Result<QueryResult, Problem>>;

/** Rows of a file. */
const mostInFile = 1_000_000;

/** Words of SQL that questions to these tables need. */
const keywords =
  'select from where group by order limit having join using left on as and or not in is null distinct filter avg sum count min max median any_value list desc asc case when then else end with qualify over partition'.split(
    ' ',
  );

/** What can be completed: names, each with what it is. */
function wordsOf(): readonly (readonly [word: string, about: string])[] {
  const columns = new Map<string, string[]>();
  for (const [table, names] of Object.entries(tables))
    for (const name of Object.keys(names)) columns.set(name, [...(columns.get(name) ?? []), table]);
  return [
    ...Object.keys(tables).map((name) => [name, 'table'] as const),
    ...views.map((name) => [name, 'view'] as const),
    ...[...columns].map(([name, of]) => [name, `column of ${of.join(', ')}`] as const),
    ...Object.keys(viewColumns)
      .filter((name) => !columns.has(name))
      .map((name) => [name, 'column of comparison'] as const),
    ...keywords.map((word) => [word, ''] as const),
  ];
}

const views = ['comparison', 'comparison_mean'];

/** The rows as CSV; what is wrong with the statement as text. */
export async function queryCsv(query: Query, sql: string): Promise<{readonly ok: boolean; readonly text: string}> {
  const found = await query(sql, {...limits, rows: mostInFile});
  return found.ok
    ? {ok: true, text: formatQuery(found.value, 'csv')}
    : {ok: false, text: found.failures.map(({message}) => message).join('\n')};
}

/** `asked`: the statement (`sql`), and the axes of its chart (`axesOf`). */
export async function queryPage(query: Query, asked: URLSearchParams, drawn: DrawnStyles): Promise<Page> {
  const sql = asked.get('sql') ?? '';
  const answered = sql.trim() === '' ? undefined : await answer(query, sql, asked, drawn);
  return {
    title: 'Query',
    ...(answered?.style !== undefined && {styles: [answered.style]}),
    body: html`<h1>Query</h1>
<form action="/query">
<label for="sql">One SQL statement; it can only read, for at most ${limits.seconds} s.</label>
<textarea id="sql" name="sql" rows="5" spellcheck="false" autocapitalize="off">${sql || questions[0]![1]}</textarea>
<p><button>Run</button> <span class="faint">or Ctrl+Enter</span></p>
</form>
${answered?.body}
<h2>Ready questions</h2>
<ul>${questions.map(([name, text]) => html`<li><a href="/query?sql=${encodeURIComponent(text)}">${name}</a></li>`)}</ul>
<details><summary>Tables</summary>
<dl>${Object.entries(tables).map(
      ([name, columns]) => html`<dt>${name}</dt><dd>${Object.keys(columns).join(', ')}</dd>`,
    )}<dt>comparison, comparison_mean</dt><dd>views: ours beside the papers', and the means over classes; ${Object.keys(viewColumns).join(', ')}</dd></dl></details>
${scriptElement(JSON.stringify(wordsOf()).replaceAll('<', '\\u003c'), raw(' type="application/json" id="sql-words"'))}`,
  };
}

interface Answer {
  readonly body: Markup;
  /** Address of the style sheet of its chart. */
  readonly style?: string;
}

async function answer(query: Query, sql: string, asked: URLSearchParams, drawn: DrawnStyles): Promise<Answer> {
  const found = await query(sql, limits);
  if (!found.ok) return {body: problemsHtml(found.failures)};
  const {rows, more} = found.value;
  const axes = axesOf(found.value, asked);
  const chart = axes && asked.has('value') ? drawn.add(await queryChart(found.value, axes)) : undefined;
  const body = html`<p role="status">${more ? `The first ${plural(rows.length, 'row')}; there are more.` : plural(rows.length, 'row')} <a href="/query.csv?sql=${encodeURIComponent(sql)}">CSV</a></p>
${axes && chartForm(found.value, axes, sql)}${chart?.markup}
${tableHtml(queryTable(found.value), {captionUnseen: true, cards: true, sortable: true, caption: 'Rows'})}`;
  return {body, ...(chart && {style: chart.style})};
}

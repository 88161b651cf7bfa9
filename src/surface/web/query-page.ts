/** SQL on the results: one statement that reads. */

import type {Result} from '../../core/base/result.ts';
import {plural} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {ApartLimits} from '../../pipeline/store/results/apart.ts';
import type {QueryResult} from '../../pipeline/store/results/results.ts';
import {tables} from '../../pipeline/store/results/schema.ts';
import {html, type Markup} from '../html.ts';
import {queryTable} from '../tables/formats.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type Page, problemsHtml} from './page.ts';

const limits = {rows: 1000, seconds: 10} as const satisfies ApartLimits;

/** Runs a statement, apart from all that the server does. */
export type Query = (sql: string, limits: ApartLimits) => Promise<Result<QueryResult, Problem>>;

const examples = [
  [
    'the best numbers',
    'from comparison select dataset, inlier, learner, classifier, metric, ours, paper order by ours desc limit 20',
  ],
  [
    'where the time went',
    "from stages select kind, count(*) as stages, sum(seconds) as seconds where status = 'computed' group by kind order by seconds desc",
  ],
  ['failures', "from stages select run, label, message where status = 'failed'"],
] as const;

export async function queryPage(query: Query, sql: string): Promise<Page> {
  return {
    title: 'Query',
    body: html`<h1>Query</h1>
<form action="/query">
<label for="sql">One SQL statement; it can only read, for at most ${limits.seconds} s.</label>
<textarea id="sql" name="sql" rows="5" spellcheck="false" autocapitalize="off">${sql || examples[0][1]}</textarea>
<p><button>Run</button> <span class="faint">or Ctrl+Enter</span></p>
</form>
${sql.trim() !== '' && (await answer(query, sql))}
<h2>Examples</h2>
<ul>${examples.map(([name, text]) => html`<li><a href="/query?sql=${encodeURIComponent(text)}">${name}</a></li>`)}</ul>
<details><summary>Tables</summary>
<dl>${Object.entries(tables).map(
      ([name, columns]) => html`<dt>${name}</dt><dd>${Object.keys(columns).join(', ')}</dd>`,
    )}<dt>comparison, comparison_mean</dt><dd>views: ours beside the papers', and the means over classes</dd></dl></details>`,
  };
}

async function answer(query: Query, sql: string): Promise<Markup> {
  const found = await query(sql, limits);
  if (!found.ok) return problemsHtml(found.failures);
  const {rows, more} = found.value;
  return html`<p role="status">${more ? `The first ${plural(rows.length, 'row')}; there are more.` : plural(rows.length, 'row')}</p>
${tableHtml(queryTable(found.value), {captionUnseen: true, cards: true, caption: 'Rows'})}`;
}

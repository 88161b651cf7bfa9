/** The script of the pages of `pipeline ui`: they can be read without it; with it they move, and are searched. */
import type {PageData} from '../report/page-data.ts';
import {followAddress} from './address.ts';
import {enliven} from './enliven.ts';
import {highlightSql} from './highlight.ts';
import {followKeys} from './keys.ts';
import {keepUpToDate} from './live.ts';
import {LongTable} from './long-table.ts';
import {loadParts} from './parts.ts';
import {openForPrint} from './printing.ts';
import {listRuns} from './runs.ts';
import {sortByHeads} from './sorting.ts';
import {completeSql} from './sql.ts';
import {followTabs} from './tabs.ts';

const list = document.getElementById('list') as HTMLFormElement | null;
const {events} = document.body.dataset;
const source = events === undefined ? undefined : keepUpToDate(events);
if (list && source) listRuns(list, source);
const area = document.querySelector<HTMLTextAreaElement>('#sql');
if (area) {
  const words = JSON.parse(document.getElementById('sql-words')!.textContent);
  completeSql(area, words);
  highlightSql(area, words);
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) area.form!.requestSubmit();
  });
}
loadParts();
// Of the page that compares runs: it has no other part of a report.
const curves = document.getElementById('curves');
if (curves) enliven(curves, JSON.parse(document.getElementById('page-data')!.textContent) as PageData, 'curves');
for (const [at, table] of [...document.querySelectorAll<HTMLTableElement>('main table.sortable')]
  .filter((one) => !curves?.contains(one))
  .entries())
  sortByHeads(new LongTable(table), `table-${at + 1}`);
followKeys();
followTabs();
openForPrint();
followAddress();

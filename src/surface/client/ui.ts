/** The script of the pages of `pipeline ui`: they can be read without it; with it they move, and are searched. */
import {followAddress} from './address.ts';
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
for (const [at, table] of [...document.querySelectorAll<HTMLTableElement>('main table.sortable')].entries())
  sortByHeads(new LongTable(table), `table-${at + 1}`);
followKeys();
followTabs();
openForPrint();
followAddress();

/** A report's script: the page is whole without it; with it the page answers. */
import type {PageData} from '../report/page-data.ts';
import {followAddress} from './address.ts';
import {explore} from './explorer.ts';
import {keepFoldedOut} from './folded.ts';
import {LongTable} from './long-table.ts';
import {brushParallel} from './parallel.ts';
import {pinLeads} from './pinned.ts';
import {openForPrint} from './printing.ts';
import {resultsTools} from './results.ts';
import {sortByHeads} from './sorting.ts';
import {chooseTasks} from './tasks.ts';
import {titlesOnDemand} from './titles.ts';
import {followTraining} from './training.ts';

const data = JSON.parse(document.getElementById('page-data')!.textContent) as PageData;
const all = <E extends Element>(selector: string): readonly E[] => [...document.querySelectorAll<E>(selector)];

const tables = all<HTMLTableElement>('main table').map((table) => new LongTable(table));
for (const [at, long] of tables.entries()) {
  const {table} = long;
  if (table.closest('#comparison')) pinLeads(table);
  if (table.classList.contains('sortable')) sortByHeads(long, `table-${at + 1}`);
  if (table.closest('[data-results]')) resultsTools(long, data);
}
for (const [at, box] of all<HTMLElement>('[data-parallel]').entries())
  brushParallel(box, tables, at === 0 ? 'brush' : `brush-${at + 1}`);
for (const [at, explorer] of data.explorers.entries())
  if (explorer)
    explore(
      document.getElementById(`task-${at}`)!,
      explorer,
      explorer.pictures === null ? undefined : data.pictures[explorer.pictures],
      `task-${at + 1}`,
    );
for (const section of all<HTMLElement>('[data-training]')) if (data.training) followTraining(section, data.training);
for (const chooser of all<HTMLSelectElement>('[data-chooser]')) chooseTasks(chooser, all('article.task'));
titlesOnDemand();
keepFoldedOut();
openForPrint();
followAddress();

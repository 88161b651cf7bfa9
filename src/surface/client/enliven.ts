/** Parts of a report answer, wherever they stand. */
import type {PageData} from '../report/page-data.ts';
import {explore} from './explorer.ts';
import {LongTable} from './long-table.ts';
import {brushParallel} from './parallel.ts';
import {pinLeads} from './pinned.ts';
import {resultsTools} from './results.ts';
import {sortByHeads} from './sorting.ts';
import {chooseTasks} from './tasks.ts';
import {followTraining} from './training.ts';

/** `root`: what the parts stand in; `name`: in the address, of what is chosen in its tables. */
export function enliven(root: ParentNode, data: PageData, name = 'table'): void {
  const all = <E extends Element>(selector: string): readonly E[] => [...root.querySelectorAll<E>(selector)];

  const tables = all<HTMLTableElement>('table').map((table) => new LongTable(table));
  for (const [at, long] of tables.entries()) {
    const {table} = long;
    if (table.closest('#comparison')) pinLeads(table);
    if (table.classList.contains('sortable')) sortByHeads(long, `${name}-${at + 1}`);
    if (table.closest('[data-results]')) resultsTools(long, data);
  }
  for (const [at, box] of all<HTMLElement>('[data-parallel]').entries())
    brushParallel(box, tables, at === 0 ? 'brush' : `brush-${at + 1}`);
  for (const [at, explorer] of data.explorers.entries())
    if (explorer && root.querySelector(`#task-${at}`))
      explore(
        root.querySelector<HTMLElement>(`#task-${at}`)!,
        explorer,
        explorer.pictures === null ? undefined : data.pictures[explorer.pictures],
        `task-${at + 1}`,
      );
  for (const section of all<HTMLElement>('[data-training]')) if (data.training) followTraining(section, data.training);
  for (const chooser of all<HTMLSelectElement>('[data-chooser]')) chooseTasks(chooser, all('article.task'));
}

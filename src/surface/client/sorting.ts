/** Column names sort their table: a press sorts upwards, another one downwards. */
import {kept} from './address.ts';
import type {LongTable} from './long-table.ts';

/** `key`: of the table in the address. */
export function sortByHeads(long: LongTable, key: string): void {
  const heads = [...long.table.tHead!.rows[0]!.cells];
  const nameOf = (head: HTMLTableCellElement): string => head.textContent.trim();
  const sort = (column: number, down: boolean): void => {
    for (const head of heads) head.removeAttribute('aria-sort');
    heads[column]?.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    long.sort(column < 0 ? undefined : {column, down});
  };
  const note = kept(`${key}.sort`, (value) => {
    const down = value.startsWith('-');
    sort(value === '' ? -1 : heads.findIndex((head) => nameOf(head) === (down ? value.slice(1) : value)), down);
  });
  for (const [column, head] of heads.entries())
    head.querySelector('button')?.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      sort(column, down);
      note(`${down ? '-' : ''}${nameOf(head)}`);
    });
}

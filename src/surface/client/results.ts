/** The table of results answers: a filter, a choice of the metric, groups, and a copy for a paper or a table program. */
import {plural} from '../../core/base/text.ts';
import {csvOf, dataRows, latexTable, markdownTable} from '../tables/exchange.ts';
import type {TextTable} from '../tables/text-table.ts';
import {kept} from './address.ts';
import {button, choice, choose, make} from './elements.ts';
import {type LongTable, textOf} from './long-table.ts';

/** `data`: what a row belongs to besides what its cells say: by name, a value for every row. */
export function resultsTools(
  long: LongTable,
  data: {readonly groups: {readonly [name: string]: readonly string[]}},
): void {
  const heads = [...long.table.tHead!.rows[0]!.cells].map((cell) => cell.textContent.trim());
  const place = new Map(long.rows.map((row, at) => [row, at]));
  const cellOf = (name: string): ((row: HTMLTableRowElement) => string) => {
    const column = heads.indexOf(name);
    return column >= 0 ? (row) => textOf(row.cells[column]!) : (row) => data.groups[name]?.[place.get(row)!] ?? '';
  };
  const several = (name: string): boolean => new Set(long.rows.map(cellOf(name))).size > 1;
  const bar = make('form', {class: 'tools', 'aria-label': 'Choose results'});
  bar.addEventListener('submit', (event) => event.preventDefault());
  const status = make('output', {class: 'muted'});
  const count = (): void => {
    const left = long.chosen().length;
    status.textContent =
      left === long.rows.length ? plural(left, 'number') : `${left} of ${plural(long.rows.length, 'number')}`;
  };

  long.changed = count;
  const box = make('input', {type: 'search', placeholder: 'bag kde', autocomplete: 'off', spellcheck: false});
  const search = (): void => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    long.filter('words', (row) => {
      const text = row.textContent.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  };
  const noteWords = kept('filter', (value) => {
    box.value = value;
    search();
  });
  box.addEventListener('input', () => {
    search();
    noteWords(box.value.trim());
  });
  bar.append(make('label', {}, 'Filter ', box));

  if (several('metric')) {
    const of = cellOf('metric');
    for (const row of [long.table.tHead!.rows[0]!, ...long.rows])
      row.cells[heads.indexOf('metric')]!.classList.add('metric');
    // First one that the papers have, too.
    const paper = cellOf('paper');
    const published = long.rows.find((row) => !['', '–'].includes(paper(row))) ?? long.rows[0]!;
    const metrics = new Set([of(published), ...long.rows.map(of)]);
    const {field, select} = choice('Metric', [...[...metrics].map((value) => [value, value] as const), ['all', 'all']]);
    const apply = (): void => {
      const wanted = select.value;
      long.table.classList.toggle('one-metric', wanted !== 'all');
      long.filter('metric', wanted === 'all' ? undefined : (row) => of(row) === wanted);
    };
    const note = kept('metric', (value) => {
      choose(select, value);
      apply();
    });
    select.addEventListener('change', () => {
      apply();
      note(select.selectedIndex === 0 ? '' : select.value);
    });
    apply();
    bar.append(field);
  }

  const names = ['dataset', 'normal class', 'method', 'classifier', 'metric', ...Object.keys(data.groups)].filter(
    several,
  );
  if (names.length > 0) {
    const {field, select} = choice('Group by', [['', 'nothing'], ...names.map((name) => [name, name] as const)]);
    const apply = (): void => long.group(select.value === '' ? undefined : cellOf(select.value));
    const note = kept('group', (value) => {
      choose(select, value);
      apply();
    });
    select.addEventListener('change', () => {
      apply();
      note(select.value);
    });
    bar.append(field);
  }

  const columns = [...long.table.tHead!.rows[0]!.cells].map((cell, at) => ({
    name: heads[at]!,
    align: cell.classList.contains('number') ? ('right' as const) : ('left' as const),
  }));
  const seen = (): TextTable => ({
    columns,
    rows: long.chosen().map((row) => [...row.cells].map(textOf)),
    lead: 0,
  });
  const formats: readonly (readonly [name: string, text: () => string])[] = [
    ['Markdown', () => markdownTable(seen())],
    ['LaTeX', () => latexTable(seen())],
    ['CSV', () => csvOf(dataRows(seen()))],
  ];
  const copies = make('span', {role: 'group', 'aria-label': 'Copy these rows'}, 'Copy as ');
  for (const [name, text] of formats)
    copies.append(
      button(name, () => void copy(text(), name, status)),
      ' ',
    );
  bar.append(copies, status);
  (long.table.closest('.scroll') ?? long.table).before(bar);
  count();
}

/** To the clipboard; where the browser refuses it, into a box from which it can be taken. */
async function copy(text: string, name: string, status: HTMLElement): Promise<void> {
  document.getElementById('copied')?.remove();
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = `Copied as ${name}`;
  } catch {
    const box = make('textarea', {id: 'copied', rows: 8, readOnly: true, value: text, 'aria-label': `As ${name}`});
    status.closest('form')!.append(box);
    box.select();
    status.textContent = 'The browser does not let this page copy: copy it from the box.';
  }
}

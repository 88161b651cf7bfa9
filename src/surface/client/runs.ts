/** The list of all runs: searched, filtered, sorted and ticked. Choices stand in the address; at most a page of rows is in the document. */
import {count, plural} from '../../core/base/text.ts';
import {type ListedRun, type RunsNews, runCells, runColumns} from '../web/listed-run.ts';
import {kept} from './address.ts';
import {button, make} from './elements.ts';

/** Rows that are seen at first, and more at a press. */
const page = 100;

/** Runs that can be compared. */
const ticks = {least: 2, most: 8};

const filters: readonly (readonly [name: string, of: (run: ListedRun) => readonly string[]])[] = [
  ['state', ({state}) => [state]],
  ['dataset', ({datasets}) => datasets],
  ['method', ({methods}) => methods],
  ['tag', ({tags}) => tags],
];

const orders: {readonly [column in (typeof runColumns)[number]]: (run: ListedRun) => string | number} = {
  run: ({name}) => name.toLowerCase(),
  started: ({started = ''}) => started,
  state: ({state}) => state,
  tasks: ({tasks}) => tasks,
  stages: ({settled}) => settled,
  best: ({best}) => best?.mean ?? Number.NEGATIVE_INFINITY,
};

/** What is searched of a run. */
const textOf = ({id, name, datasets, methods, tags, note, damage = '', best}: ListedRun): string =>
  [id, name, ...datasets, ...methods, ...tags, note, damage, best?.who ?? ''].join(' ').toLowerCase();

/** `source`: the news of the runs. */
export function listRuns(form: HTMLFormElement, source: EventSource): void {
  const table = form.querySelector('table')!;
  const body = table.tBodies[0]!;
  const rows = new Map<string, {readonly html: string; readonly row: HTMLTableRowElement}>();
  const texts = new WeakMap<ListedRun, string>();
  const ticked = new Set<string>();
  const chosen = new Map<string, string>();
  let runs: readonly ListedRun[] = [];
  let known = new Map<string, ListedRun>();
  let words: readonly string[] = [];
  let order: {readonly column: keyof typeof orders; readonly down: boolean} | undefined;
  let most = page;

  const bar = make('div', {class: 'tools', role: 'search', 'aria-label': 'Choose runs'});
  const box = make('input', {
    type: 'search',
    placeholder: 'name, dataset, method, tag',
    autocomplete: 'off',
    spellcheck: false,
  });
  const status = make('output', {class: 'faint'});
  const more = make('p', {class: 'more'});
  const selects = new Map(filters.map(([name]) => [name, make('select', {'aria-label': name})]));
  const compare = form.querySelector<HTMLButtonElement>('.choice button')!;
  const compareNote = form.querySelector('.choice .faint')!;

  const has = (run: ListedRun, except?: string): boolean => {
    for (const [name, of] of filters) {
      const wanted = chosen.get(name);
      if (name !== except && wanted && !of(run).includes(wanted)) return false;
    }
    if (words.length === 0) return true;
    const text = texts.get(run) ?? textOf(run);
    texts.set(run, text);
    return words.every((word) => text.includes(word));
  };

  const seen = (): readonly ListedRun[] => {
    const found = runs.filter((run) => has(run));
    if (!order) return found;
    const of = orders[order.column];
    const sign = order.down ? -1 : 1;
    return found.toSorted((a, b) => (of(a) < of(b) ? -sign : of(a) > of(b) ? sign : 0));
  };

  /** How many runs each choice would leave, the other filters as they are. */
  const drawChoices = (): void => {
    for (const [name, of] of filters) {
      const select = selects.get(name)!;
      const counts = new Map<string, number>();
      for (const run of runs) {
        const passes = has(run, name);
        for (const value of of(run)) counts.set(value, (counts.get(value) ?? 0) + Number(passes));
      }
      const wanted = chosen.get(name) ?? '';
      const values = [...new Set([...counts.keys(), ...(wanted === '' ? [] : [wanted])])].sort();
      const texts = [['', 'all'], ...values.map((value) => [value, `${value} (${count(counts.get(value) ?? 0)})`])];
      const is = [...select.options].map(({value, text}) => `${value}\n${text}`).join('\0');
      if (is !== texts.map((text) => text.join('\n')).join('\0'))
        select.replaceChildren(...texts.map(([value, text]) => make('option', {value}, text!)));
      select.value = wanted;
      select.closest('label')!.hidden = values.length < 2 && wanted === '';
    }
  };

  const rowOf = (run: ListedRun): HTMLTableRowElement => {
    const html = runCells(run).text;
    const made = rows.get(run.id);
    const row = made?.row ?? make('tr', {'data-item': ''});
    if (made?.html !== html) row.innerHTML = html;
    rows.set(run.id, {html, row});
    const tick = row.querySelector('input');
    if (tick) tick.checked = ticked.has(run.id);
    return row;
  };

  const draw = (): void => {
    drawChoices();
    const found = seen();
    const shown = found.slice(0, most).map(rowOf);
    const focus = document.activeElement as HTMLElement | null;
    if (shown.length !== body.rows.length || shown.some((row, at) => body.rows[at] !== row))
      body.replaceChildren(...shown);
    if (focus && focus !== document.activeElement && body.contains(focus)) focus.focus({preventScroll: true});
    if (runs.length > 0)
      status.textContent =
        found.length === runs.length
          ? plural(runs.length, 'run')
          : `${count(found.length)} of ${plural(runs.length, 'run')}`;
    const left = found.length - shown.length;
    more.hidden = left <= 0;
    more.replaceChildren(
      `${count(shown.length)} of ${count(found.length)} runs. `,
      button(`Show ${Math.min(page, left)} more`, () => {
        most += page;
        draw();
      }),
    );
    for (const [at, head] of heads) {
      if (order?.column === at) head.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    drawTicks();
  };

  const drawTicks = (): void => {
    const {size} = ticked;
    compare.disabled = size < ticks.least || size > ticks.most;
    compare.textContent = size === 0 ? 'Compare the ticked runs' : `Compare ${plural(size, 'run')}`;
    compareNote.textContent =
      size > ticks.most ? `${ticks.most} at most` : size < ticks.least ? 'tick 2 to 8 runs' : '';
  };

  const fresh = (): void => {
    most = page;
    if (runs.length > 0) draw();
  };

  const heads = [...table.tHead!.rows[0]!.cells].slice(1).map((head, at) => {
    const column = runColumns[at]!;
    head.replaceChildren(
      button(column, () => {
        // Numbers and times are first wanted from the highest on.
        const first = column !== 'run' && column !== 'state';
        order =
          order?.column !== column ? {column, down: first} : order.down === first ? {column, down: !first} : undefined;
        fresh();
        noteOrder(order ? `${order.down ? '-' : ''}${order.column}` : '');
      }),
    );
    return [column, head] as const;
  });

  const noteWords = kept('q', (value) => {
    box.value = value;
    words = value.toLowerCase().split(/\s+/).filter(Boolean);
    fresh();
  });
  box.addEventListener('input', () => {
    words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    fresh();
    noteWords(box.value.trim());
  });
  bar.append(make('label', {}, 'Search ', box));
  for (const [name, select] of selects) {
    const note = kept(name, (value) => {
      chosen.set(name, value);
      fresh();
    });
    select.addEventListener('change', () => {
      chosen.set(name, select.value);
      fresh();
      note(select.value);
    });
    bar.append(make('label', {hidden: true}, `${name} `, select));
  }
  bar.append(status);
  const noteOrder = kept('sort', (value) => {
    const column = value.replace(/^-/, '') as keyof typeof orders;
    order = column in orders ? {column, down: value.startsWith('-')} : undefined;
    fresh();
  });
  const noteTicks = kept('ticked', (value) => {
    ticked.clear();
    for (const id of value.split(',').filter(Boolean)) ticked.add(id);
    fresh();
  });
  body.addEventListener('change', ({target}) => {
    const {value, checked} = target as HTMLInputElement;
    if (checked) ticked.add(value);
    else ticked.delete(value);
    drawTicks();
    noteTicks([...ticked].join(','));
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.assign(`/compare?${new URLSearchParams([...ticked].map((id) => ['run', id]))}`);
  });

  form.querySelector('.choice')!.before(bar);
  form.append(more);
  document.getElementById('older')?.remove();
  source.addEventListener('runs', ({data}: MessageEvent<string>) => {
    const {changed, gone} = JSON.parse(data) as RunsNews;
    for (const run of changed) known.set(run.id, run);
    for (const id of gone) known.delete(id);
    known = new Map([...known].sort(([a], [b]) => (a < b ? 1 : -1)));
    runs = [...known.values()];
    if (runs.length > 0) draw();
  });
  drawTicks();
}

/**
 * A table whose rows are sorted, filtered and grouped, of which at most a page is in the document: a thousand rows of ten cells would make
 * the page slow. Its rows are those that the server made.
 */
import {groupBy} from '../../core/base/group.ts';
import {button, make} from './elements.ts';
import {compareCells} from './order.ts';
import {onPrint} from './printing.ts';

/** Rows that are seen at first, and more at a press. */
const page = 50;

type Test = (row: HTMLTableRowElement) => boolean;

export class LongTable {
  readonly table: HTMLTableElement;
  readonly rows: readonly HTMLTableRowElement[];
  /** Is called when other rows are left. */
  changed: () => void = () => {};
  readonly #body: HTMLTableSectionElement;
  readonly #tests = new Map<string, Test>();
  readonly #more = make('p', {class: 'more'});
  #sorted: {readonly column: number; readonly down: boolean} | undefined;
  #group: ((row: HTMLTableRowElement) => string) | undefined;
  #most = page;
  /** What it is folded in: its rows are in the document only while it is open. */
  readonly #fold: HTMLDetailsElement | null;

  constructor(table: HTMLTableElement) {
    this.table = table;
    this.#body = table.tBodies[0]!;
    this.rows = [...this.#body.rows];
    this.#fold = table.closest('details');
    this.#fold?.addEventListener('toggle', () => this.draw());
    (table.closest('.scroll') ?? table).after(this.#more);
    onPrint(() => {
      const most = this.#most;
      this.#most = Number.POSITIVE_INFINITY;
      this.draw();
      return () => {
        this.#most = most;
        this.draw();
      };
    });
    this.draw();
  }

  /** Only rows that pass the test of every name are shown; without a test, the name's is forgotten. */
  filter(name: string, test?: Test): void {
    if (test) this.#tests.set(name, test);
    else this.#tests.delete(name);
    this.#most = page;
    this.draw();
    this.changed();
  }

  /** undefined: in the order of the document. */
  sort(by?: {readonly column: number; readonly down: boolean}): void {
    this.#sorted = by;
    this.draw();
  }

  /** Rows of the same name come together, below it. */
  group(by?: (row: HTMLTableRowElement) => string): void {
    this.#group = by;
    this.draw();
  }

  /** Rows that pass, in their order. */
  chosen(): readonly HTMLTableRowElement[] {
    const rows = this.rows.filter((row) => [...this.#tests.values()].every((test) => test(row)));
    if (!this.#sorted) return rows;
    const {column, down} = this.#sorted;
    return rows.toSorted((a, b) => compareCells(textOf(a.cells[column]!), textOf(b.cells[column]!), down));
  }

  draw(): void {
    const chosen = this.chosen();
    const groups = this.#group ? groupBy(chosen, this.#group) : new Map([['', chosen]]);
    const ordered = [...groups.values()].flat();
    const isFolded = this.#fold?.open === false && this.#most !== Number.POSITIVE_INFINITY;
    const shown = new Set(ordered.slice(0, isFolded ? 0 : this.#most));
    const rows = [...groups].flatMap(([name, own]) => {
      const seen = own.filter((row) => shown.has(row));
      if (!this.#group || seen.length === 0) return seen;
      const head = make(
        'th',
        {scope: 'colgroup', colSpan: this.table.tHead!.rows[0]!.cells.length},
        `${name} (${own.length})`,
      );
      return [make('tr', {class: 'group'}, head), ...seen];
    });
    this.#body.replaceChildren(...rows);
    // Lines between classes mean nothing in another order.
    this.table.classList.toggle('reordered', this.#sorted !== undefined || this.#group !== undefined);
    const left = ordered.length - shown.size;
    const more = (step: number) => () => {
      this.#most += step;
      this.draw();
    };
    this.#more.replaceChildren(
      ...(left > 0
        ? [
            `${shown.size} of ${ordered.length} rows. `,
            button(`Show ${Math.min(left, page)} more`, more(page)),
            ...(left > page ? [' ', button('Show all', more(Number.POSITIVE_INFINITY))] : []),
          ]
        : []),
    );
    this.#more.hidden = left === 0;
  }
}

/** A cell's text; of one that folds something, what is always seen. */
export const textOf = (cell: HTMLTableCellElement): string =>
  (cell.querySelector('summary') ?? cell).textContent.trim();

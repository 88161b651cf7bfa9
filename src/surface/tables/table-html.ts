/** A table as HTML, for reports and for the pages of `pipeline ui`. */
import {type Content, html, type Markup, raw} from '../html.ts';
import type {TextTable} from './text-table.ts';

export interface HtmlTableOptions {
  /** What it holds. A screen reader reads it first. */
  readonly caption: Content;
  /** Only screen readers get the caption. */
  readonly captionUnseen?: boolean;
  /** A click on a column's name sorts the rows by it. */
  readonly sortable?: boolean;
  /** On a narrow screen each row becomes a card, if several columns name it. */
  readonly cards?: boolean;
  /** What a script knows a row by. */
  readonly key?: (row: number) => string | undefined;
  /** Content of a cell instead of its text. The caller then also chooses its colours. */
  readonly cell?: (text: string, row: number, column: string) => Content;
}

/** It scrolls within its own frame, which the keyboard reaches. */
export function tableHtml({columns, rows, lead, rules = [], tone}: TextTable, options: HtmlTableOptions): Markup {
  const {caption, captionUnseen = false, sortable = false, key, cell} = options;
  const cards = (options.cards ?? false) && lead > 1;
  const aligned = (column: number) => (columns[column]!.align === 'right' ? 'number' : undefined);
  const head = columns.map(({name}, at) => {
    const content = sortable && name !== '' ? html`<button type="button">${name}</button>` : name;
    return name === '' ? html`<td></td>` : html`<th scope="col"${classes(aligned(at))}>${content}</th>`;
  });
  const body = rows.map((row, i) => {
    const cells = row.map((text, at) => {
      const content = cell ? cell(text, i, columns[at]!.name) : text;
      const look = classes(aligned(at), cell ? undefined : tone?.(i, at));
      // An empty cell is below a name that several rows share, and names nothing itself.
      return at < lead && text !== ''
        ? html`<th scope="row"${look}>${content}</th>`
        : html`<td${look}${cards && html` data-name="${columns[at]!.name}"`}>${content}</td>`;
    });
    return html`<tr${classes(rules.includes(i) ? 'rule' : undefined)}${key?.(i) !== undefined && html` data-key="${key(i)}"`}>${cells}</tr>\n`;
  });
  const shown = captionUnseen ? undefined : html`<caption>${caption}</caption>`;
  const look = classes(cards ? 'cards' : undefined, sortable ? 'sortable' : undefined);
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${textOf(caption)}"><table${look}>
${shown}<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

const classes = (...names: readonly (string | undefined)[]): Markup | undefined => {
  const used = names.filter((one) => one !== undefined);
  return used.length > 0 ? html` class="${used.join(' ')}"` : undefined;
};

/** A caption's text, already escaped. */
const textOf = (caption: Content): Markup => raw(html`${caption}`.text.replace(/<[^>]*>/g, ''));

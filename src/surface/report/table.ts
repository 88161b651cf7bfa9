/** Tables of a page. */

import {type Content, html, type Markup, raw} from '../html.ts';
import type {TextTable} from '../tables/table.ts';

export interface TableOptions {
  /** What it holds: read first by a screen reader. */
  readonly caption: Content;
  /** Its rows can be put in the order of any column. */
  readonly sortable?: boolean;
  /** What stands in a cell instead of its text. */
  readonly cell?: (text: string, row: number, column: string) => Content;
}

/** The first column names the row. */
export function tableOf({columns, rows, rules = []}: TextTable, options: TableOptions): Markup {
  const {caption, sortable = false, cell = (text) => text} = options;
  const aligned = (at: number) => (columns[at]!.align === 'right' ? html` class="right"` : undefined);
  const head = columns.map(({name}, at) => {
    const content = sortable && name !== '' ? html`<button type="button">${name}</button>` : name;
    return name === '' ? html`<td></td>` : html`<th scope="col"${aligned(at)}>${content}</th>`;
  });
  const body = rows.map((row, i) => {
    const cells = row.map((text, at) => {
      const content = cell(text, i, columns[at]!.name);
      // Below a name that stands for several rows there is none.
      return at === 0 && text !== '' ? html`<th scope="row">${content}</th>` : html`<td${aligned(at)}>${content}</td>`;
    });
    return html`<tr${rules.includes(i) && html` class="rule"`}>${cells}</tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${attribute(caption)}"><table${sortable && html` class="sortable"`}>
<caption>${caption}</caption><thead><tr>${head}</tr></thead>
<tbody>${body.map((row) => html`${row}\n`)}</tbody></table></div>`;
}

/** The text of a caption, escaped already. */
const attribute = (caption: Content): Markup => raw(html`${caption}`.text.replace(/<[^>]*>/g, ''));

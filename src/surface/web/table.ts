import {html, type Markup} from '../html.ts';
import type {TextTable} from '../tables/table.ts';

/**
 * A table that scrolls within its own frame, which the keyboard reaches; on a narrow screen, where several columns name a
 * row, a row is a card. `name`: for who does not see it.
 */
export function tableHtml({columns, rows, lead, rules = [], tone}: TextTable, name: string): Markup {
  const cards = lead > 1;
  const aligned = (column: number) => (columns[column]!.align === 'right' ? 'number' : undefined);
  const classes = (...names: readonly (string | undefined)[]) => {
    const used = names.filter((one) => one !== undefined);
    return used.length > 0 && html` class="${used.join(' ')}"`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table${classes(cards ? 'cards' : undefined)}>
<thead><tr>${columns.map((column, at) => html`<th scope="col"${classes(aligned(at))}>${column.name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (cells, row) => html`<tr${classes(rules.includes(row) ? 'rule' : undefined)}>${cells.map((cell, at) => {
      const look = classes(aligned(at), tone?.(row, at));
      return at < lead
        ? html`<th scope="row"${look}>${cell}</th>`
        : html`<td${look}${cards && html` data-name="${columns[at]!.name}"`}>${cell}</td>`;
    })}</tr>
`,
  )}</tbody></table></div>`;
}

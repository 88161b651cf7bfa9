/** Ours beside the papers': the paper's own table where the run fills it, and every number with its seeds. */
import type {Comparison} from '../compare.ts';
import {footOf, gridTable, listTable, number} from '../formats.ts';
import type {SeedValues} from '../gather/seeds.ts';
import {type Content, html, type Markup} from './html.ts';
import {tableOf} from './table.ts';

/** Rows above which the list is folded where there is a grid. */
const manyRows = 40;

export function comparisonSection(comparison: Comparison, seeds: SeedValues): Markup {
  const {grid, lines} = comparison;
  const list = lines.length > 0 && linesTable(comparison, seeds);
  const [legend, notes] = [footOf(comparison).slice(0, -comparison.notes.length || undefined), comparison.notes];
  return html`${grid && tableOf(gridTable(grid), {caption: `${grid.table} (${grid.metric} × 100), ours below the paper's`})}
${grid && lines.length > manyRows ? html`<details><summary>All ${lines.length} numbers</summary>${list}</details>` : list}
<div class="legend small muted">${legend.map((line) => html`<p>${line}</p>`)}${
    notes.length > 0 &&
    html`<p>Not as in the paper:</p><ol class="notes">${notes.map((note, at) => html`<li id="note-${at + 1}">${note}</li>`)}</ol>`
  }</div>`;
}

function linesTable(comparison: Comparison, seeds: SeedValues): Markup {
  const {lines} = comparison;
  const metrics = [...new Set(lines.map(({metric}) => metric))];
  const cell = (text: string, row: number, column: string): Content => {
    const line = lines[row]!;
    if (column === 'verdict' && line.verdict) return html`<span class="verdict ${tones[line.verdict]}">${text}</span>`;
    if (column === 'note')
      return line.notes.map((note) => html`<a href="#note-${note}" aria-label="note ${note}">[${note}]</a>`);
    if (column !== 'n') return text;
    const values = seeds(line);
    if (values.length < 2) return text;
    const rate = line.scale !== 'number';
    const list = values.map(({seed, value}) => html`<li>seed ${seed}: ${number(value, null, rate)}</li>`);
    return html`<details class="seeds"><summary aria-label="${text} seeds">${text}</summary><ul>${list}</ul></details>`;
  };
  return tableOf(listTable(comparison), {
    caption: `${metrics.length === 1 ? `${metrics[0]}, rates` : 'Rates'} × 100. Press a column's name to sort; n unfolds to the seeds.`,
    sortable: true,
    cell,
  });
}

const tones = {matches: 'good', above: 'good', below: 'warn', 'below chance': 'bad'} as const;

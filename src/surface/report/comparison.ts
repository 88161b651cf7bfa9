/** Ours beside the papers': the paper's own table where the run fills it, and every number with its seeds. */

import {namesOf} from '../../core/base/tell-apart.ts';
import {type Content, html, type Markup} from '../html.ts';
import type {Comparison} from '../tables/compare.ts';
import {gridTable, listTable, number} from '../tables/formats.ts';
import type {Line} from '../tables/line.ts';
import {valueTexts} from '../tables/matrix-values.ts';
import {tableHtml} from '../tables/table-html.ts';
import {mostPrinted, notPrinted} from './paper.ts';
import type {SeedValues} from './seeds.ts';

/** What is more than this is folded: rows of the list where there is a grid; footnotes. */
const most = {rows: 40, notes: 8};

/** `keyOf`: the configuration that a number is of, as the page's script knows it. */
export function comparisonSection(
  comparison: Comparison,
  seeds: SeedValues,
  keyOf: (line: Line) => string | undefined,
): Markup {
  const {grid, lines, legend, notes} = comparison;
  const list = lines.length > 0 && html`<div data-results>${linesTable(comparison, seeds, keyOf)}</div>`;
  const foot =
    notes.length > 0 &&
    html`<ol class="notes">${notes.map((note, at) => html`<li id="note-${at + 1}">${note}</li>`)}</ol>`;
  return html`${grid && paperTable(grid)}
${grid && lines.length > most.rows ? html`<details><summary>All ${lines.length} numbers</summary>${list}</details>` : list}
<div class="legend small muted">${legend.map((line) => html`<p>${line}</p>`)}${
    notes.length > most.notes ? html`<details><summary>${notes.length} footnotes</summary>${foot}</details>` : foot
  }</div>`;
}

function paperTable(grid: NonNullable<Comparison['grid']>): Markup {
  const table = gridTable(grid);
  const isOurs = (row: number, column: string) =>
    grid.turned ? column.startsWith('ours') : table.rows[row]![2]!.startsWith('ours');
  return tableHtml(table, {
    caption: `${grid.table} (${grid.metric} × 100), ours ${grid.turned ? 'beside' : 'below'} the paper's`,
    cards: true,
    cell: (text, row, column) =>
      text !== '' && isOurs(row, column)
        ? html`<span class="ours">${column === '' ? linked(text) : text}</span>`
        : text,
  });
}

function linesTable(
  comparison: Comparison,
  seeds: SeedValues,
  configurationOf: (line: Line) => string | undefined,
): Markup {
  const {lines} = comparison;
  const metrics = [...new Set(lines.map(({metric}) => metric))];
  const withSeeds = lines.filter((line) => seeds(line).length > 1).length;
  const isLong = withSeeds > mostPrinted;
  const cell = (text: string, row: number, column: string): Content => {
    const line = lines[row]!;
    if (column === 'verdict' && line.verdict) return html`<span class="verdict ${tones[line.verdict]}">${text}</span>`;
    if (column === 'note') return linked(text);
    if (column !== 'n') return text;
    const values = seeds(line);
    if (values.length < 2) return text;
    const rate = line.scale !== 'number';
    const list = values.map(({seed, value}) => html`<li>seed ${seed}: ${number(value, null, rate)}</li>`);
    return html`<details class="seeds${isLong && ' unprinted'}"><summary>${text}</summary><ul>${list}</ul></details>`;
  };
  const table = tableHtml(listTable(comparison), {
    caption: html`${metrics.join(', ')}; rates × 100.<span class="on-screen"><span class="scripted"> Click a column name to sort.</span> Click n to see the seeds.</span>`,
    sortable: true,
    cards: true,
    cell,
    key: (row) => configurationOf(lines[row]!),
  });
  return html`${table}${isLong && notPrinted(`the seeds of ${withSeeds} rows`, 'pipeline query "from tasks join metrics using (run, task)" --format csv')}`;
}

/** The parameters of the matrix that vary over the numbers: the value of each number. */
export function groupsOf({lines}: Comparison): {readonly [name: string]: readonly string[]} {
  const paths = [...new Set(lines.flatMap(({point}) => Object.keys(point)))];
  const names = namesOf(paths);
  const groups = paths.map((path) => [names.get(path)!, lines.map(valueTexts(path, lines))] as const);
  return Object.fromEntries(groups.filter(([, values]) => new Set(values).size > 1));
}

const tones = {matches: 'good', above: 'good', below: 'warn', 'below chance': 'bad'} as const;

/** `ours [1][2]`, its marks leading to the footnotes. */
const linked = (text: string): Content =>
  text
    .split(/(\[\d+\])/)
    .map((part) => (part.startsWith('[') ? html`<a class="mark" href="#note-${part.slice(1, -1)}">${part}</a>` : part));

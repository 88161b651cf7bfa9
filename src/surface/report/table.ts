/** Plain tables of text: aligned for a terminal, and as Markdown, CSV, LaTeX. Pure. */
import {columnsOf} from '../../core/screen.ts';

export interface TextTable {
  readonly columns: readonly {readonly name: string; readonly align: 'left' | 'right'}[];
  readonly rows: readonly (readonly string[])[];
  /** The first so many columns name the row: they stand in every part of a table that is too wide for one. */
  readonly lead: number;
  /** Rows before which a line is drawn. */
  readonly rules?: readonly number[];
}

/** Lines no wider than `width` where columns can be moved into a further part below. */
export function terminalTable(table: TextTable, width = Number.POSITIVE_INFINITY): string {
  return parts(table, width)
    .map((columns) => part(table, columns))
    .join('\n\n');
}

/** Which columns stand in each part. */
function parts(table: TextTable, width: number): readonly (readonly number[])[] {
  const widths = widthsOf(table);
  const all = table.columns.map((_, column) => column);
  const lead = all.slice(0, table.lead);
  const leadWidth = lead.reduce((sum, column) => sum + widths[column]! + gap.length, 0);
  const folded: number[][] = [[...lead]];
  let used = leadWidth;
  for (const column of all.slice(table.lead)) {
    const last = folded.at(-1)!;
    if (used + widths[column]! > width && last.length > lead.length) {
      folded.push([...lead, column]);
      used = leadWidth + widths[column]! + gap.length;
    } else {
      last.push(column);
      used += widths[column]! + gap.length;
    }
  }
  return folded;
}

const gap = '  ';

function part(table: TextTable, columns: readonly number[]): string {
  const widths = widthsOf(table);
  const line = (cells: readonly string[]) =>
    columns
      .map((column) => {
        const cell = cells[column]!;
        const space = ' '.repeat(widths[column]! - columnsOf(cell));
        return table.columns[column]!.align === 'left' ? cell + space : space + cell;
      })
      .join(gap)
      .trimEnd();
  const rule = '─'.repeat(columns.reduce((sum, column) => sum + widths[column]! + gap.length, -gap.length));
  return [
    line(table.columns.map(({name}) => name)),
    rule,
    ...table.rows.flatMap((row, at) => (table.rules?.includes(at) ? [rule, line(row)] : [line(row)])),
  ].join('\n');
}

const widthsOf = (table: TextTable): readonly number[] =>
  table.columns.map(({name}, column) => Math.max(columnsOf(name), ...table.rows.map((row) => columnsOf(row[column]!))));

export function markdownTable({columns, rows}: TextTable): string {
  const cell = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [
    line(columns.map(({name}) => name)),
    `| ${columns.map(({align}) => (align === 'left' ? '---' : '---:')).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n');
}

/** RFC 4180, but with bare line feeds. */
export function csvText(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? '' : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}

/** A `tabular` in the style of the booktabs package. */
export function latexTable({columns, rows, rules}: TextTable): string {
  const line = (cells: readonly string[]) => `${cells.map(latexText).join(' & ')} \\\\`;
  return [
    `\\begin{tabular}{${columns.map(({align}) => (align === 'left' ? 'l' : 'r')).join('')}}`,
    '\\toprule',
    line(columns.map(({name}) => name)),
    '\\midrule',
    ...rows.flatMap((row, at) => (rules?.includes(at) ? ['\\midrule', line(row)] : [line(row)])),
    '\\bottomrule',
    '\\end{tabular}',
  ].join('\n');
}

const latexSpecial: {readonly [character: string]: string} = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '×': '$\\times$',
  '−': '$-$',
  '–': '--',
  Δ: '$\\Delta$',
  '<': '$<$',
  '>': '$>$',
  '=': '$=$',
  '+': '$+$',
};

export const latexText = (text: string): string =>
  text.replace(/[\\~^±×−–Δ<>=+]|[&%$#_{}]/g, (character) => latexSpecial[character] ?? `\\${character}`);

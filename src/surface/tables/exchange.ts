/** A table of text for other programs: Markdown, CSV, LaTeX. Pure, and also run in the browser. */
import type {TextTable} from './text-table.ts';

export function markdownTable({columns, rows}: TextTable): string {
  const cell = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [
    line(columns.map(({name}) => name)),
    `| ${columns.map(({align}) => (align === 'left' ? '---' : '---:')).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n');
}

/**
 * RFC 4180, but with bare line feeds. Programs for tables would run a text that begins with =, +, - or @: there an apostrophe stands
 * before it.
 */
export function csvOf(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const given = value === null ? '' : String(value);
    const text = /^[=+\-@]/.test(given) && Number.isNaN(Number(given)) ? `'${given}` : given;
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

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

const numeral = /^([−+-]?)((?:\d[\d,]*)?\.?\d+(?:e[+−-]?\d+)?)(?: ± ([\d.,]+(?:e[+−-]?\d+)?))?(.*)$/;

/**
 * A table as programs read it: in columns of numbers a number alone, without a sign for thousands and with the minus of ASCII. Its ± is in
 * a column of its own, and so is what stands behind it, such as a mark; – is an empty cell.
 */
export function dataRows({columns, rows}: TextTable): readonly (readonly string[])[] {
  const plain = (text: string): string => text.replaceAll(',', '').replaceAll('−', '-');
  const all = columns.flatMap(({name, align}, at): readonly (readonly string[])[] => {
    const texts = rows.map((row) => row[at]!);
    if (align === 'left') return [[name, ...texts]];
    const read = texts.map((text) => numeral.exec(text));
    const part = (suffix: string, of: (found: RegExpExecArray) => string) => {
      const own = read.map((found) => (found ? of(found) : ''));
      return own.some(Boolean) ? [[`${name} ${suffix}`, ...own]] : [];
    };
    const own = texts.map((text, row) => {
      const [, sign = '', digits] = read[row] ?? [];
      if (digits === undefined) return text === '–' ? '' : text;
      return plain(`${sign === '+' ? '' : sign}${digits}`);
    });
    return [
      [name, ...own],
      ...part('±', ([, , , spread = '']) => plain(spread)),
      ...part('mark', ([, , , , rest = '']) => rest.trim()),
    ];
  });
  return [...rows.keys(), rows.length].map((row) => all.map((column) => column[row]!));
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

/** Plain tables of text: aligned for a terminal, and as CSV. Pure. */
import {type Paint, plain, printable} from '../../core/base/screen.ts';
import {columnsOf, wrapTo} from '../../core/base/width.ts';
import {csvOf} from './exchange.ts';
import type {TextTable} from './text-table.ts';

/** The output for which tables are drawn. */
export interface Screen {
  /** Of the terminal; wider tables continue below. Absent: as wide as they are. */
  readonly columns?: number;
  readonly paint?: Paint;
}

const styles = {good: 'green', poor: 'yellow', bad: 'red', faint: 'dim'} as const;

/** On a narrower screen a table that is wider than it becomes a list. */
const narrow = 50;

/** Lines are at most `width` wide if columns can be moved into another part below. */
export function terminalTable(given: TextTable, width = Number.POSITIVE_INFINITY, paint = plain): string {
  const oneLine = (text: string): string => printable(text).replaceAll('\n', ' ');
  const table: TextTable = {
    ...given,
    columns: given.columns.map(({name, align}) => ({name: oneLine(name), align})),
    rows: given.rows.map((row) => row.map(oneLine)),
  };
  const whole = widthsOf(table).reduce((sum, column) => sum + column + gap.length, -gap.length);
  if (width < narrow && whole > width) return list(table, width, paint);
  return parts(table, width)
    .map((columns) => part(table, columns, paint))
    .join('\n\n');
}

const indent = '  ';

/** For each row what names it, and below it a line for each cell with the name of its column. */
function list({columns, rows, lead, tone}: TextTable, width: number, paint: Paint): string {
  return rows
    .map((cells, row) => {
      const name = cells.slice(0, lead).filter((cell) => cell !== '');
      const lines = cells.flatMap((cell, column) => {
        if (column < lead || cell === '') return [];
        const style = tone?.(row, column);
        const line = `${columns[column]!.name}: ${cell}`;
        const fits = columnsOf(line) + indent.length <= width;
        const text = fits && style ? `${columns[column]!.name}: ${paint(styles[style], cell)}` : line;
        return [indent + (fits ? text : wrapTo(line, width - indent.length, indent + indent))];
      });
      return [paint('bold', wrapTo(name.join(' · '), width)), ...lines].join('\n');
    })
    .join('\n');
}

/** The columns of each part. */
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

function part(table: TextTable, columns: readonly number[], paint: Paint): string {
  const widths = widthsOf(table);
  const line = (cells: readonly string[], painted: (text: string, column: number) => string) => {
    const last = columns.findLastIndex((column) => cells[column] !== '');
    return columns
      .slice(0, last + 1)
      .map((column, at) => {
        const cell = cells[column]!;
        const space = ' '.repeat(widths[column]! - columnsOf(cell));
        const text = cell === '' ? '' : painted(cell, column);
        // No blanks at the end of a line: a narrower window would wrap them.
        return table.columns[column]!.align === 'right' ? space + text : at === last ? text : text + space;
      })
      .join(gap);
  };
  const rule = paint(
    'dim',
    '─'.repeat(columns.reduce((sum, column) => sum + widths[column]! + gap.length, -gap.length)),
  );
  return [
    line(
      table.columns.map(({name}) => name),
      (text) => paint('bold', text),
    ),
    rule,
    ...table.rows.flatMap((cells, row) => {
      const text = line(cells, (cell, column) => {
        const tone = table.tone?.(row, column);
        return tone ? paint(styles[tone], cell) : cell;
      });
      return table.rules?.includes(row) ? [rule, text] : [text];
    }),
  ].join('\n');
}

const widthsOf = (table: TextTable): readonly number[] =>
  table.columns.map(({name}, column) => Math.max(columnsOf(name), ...table.rows.map((row) => columnsOf(row[column]!))));

/** Rows as CSV, without control characters. */
export const csvText = (rows: readonly (readonly (string | number | null)[])[]): string =>
  csvOf(rows.map((row) => row.map((value) => (typeof value === 'string' ? printable(value) : value))));

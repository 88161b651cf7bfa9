/** Comma-separated values (RFC 4180). The only importer of csv-parse. */
import {CsvError, parse} from 'csv-parse/sync';

export interface CsvRecord {
  readonly fields: readonly string[];
  /** Line of the file, from 1, where the record begins. */
  readonly line: number;
}

/** A text that is not CSV: a quote that is not closed, or text beside a quoted field. */
export class CsvSyntaxError extends Error {
  override readonly name = 'CsvSyntaxError';
  readonly line: number;

  constructor(line: number) {
    super(`line ${line} has a quote that is not closed, or text beside a quoted field`);
    this.line = line;
  }
}

/**
 * Fields in quotes may hold commas, quotes and line ends; blanks around a field, empty lines and a byte order mark are ignored. The
 * caller checks how many fields a record has. Throws `CsvSyntaxError`.
 */
export function readCsv(text: string): readonly CsvRecord[] {
  const options = {bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true} as const;
  try {
    // Line ends of one character: csv-parse counts those of two twice inside quotes.
    const records = parse(text.replaceAll('\r\n', '\n'), options) as unknown as readonly {
      readonly record: readonly string[];
      readonly info: {readonly lines: number};
    }[];
    return records.map(({record: fields, info}) => ({fields, line: info.lines - lineEndsIn(fields)}));
  } catch (error) {
    if (error instanceof CsvError) throw new CsvSyntaxError(error['lines'] as number);
    throw error;
  }
}

const lineEndsIn = (fields: readonly string[]): number => fields.join('').split('\n').length - 1;

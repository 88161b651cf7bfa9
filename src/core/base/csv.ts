/** Comma-separated values (RFC 4180). The only importer of csv-parse. */
import {CsvError, parse} from 'csv-parse/sync';

export interface CsvRecord {
  readonly fields: readonly string[];
  /** In the file, from 1: where the record begins. */
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
 * Fields in quotes may hold commas, quotes and line ends; blanks around a field do not count, nor do empty lines and a byte
 * order mark. How many fields a record has is for the caller to check. Throws `CsvSyntaxError`.
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

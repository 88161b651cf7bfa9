/** A table as text, whatever draws it. */

export interface TextTable {
  readonly columns: readonly {readonly name: string; readonly align: 'left' | 'right'}[];
  readonly rows: readonly (readonly string[])[];
  /** Number of first columns that name the row: they are repeated in every part of a table that is too wide. */
  readonly lead: number;
  /** Rows before which a line is drawn. */
  readonly rules?: readonly number[];
  /** Tone of a cell, if there are colours. */
  readonly tone?: (row: number, column: number) => Tone | undefined;
}

export type Tone = 'good' | 'poor' | 'bad' | 'faint';

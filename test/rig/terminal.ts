/** A terminal of a few rows: what stays on its screen after the sequences that the live view uses. */
import {columnsOf} from '../../src/core/base/width.ts';

interface Row {
  readonly text: string;
  /** The line that it is part of: long lines are broken, and broken anew when the width changes. */
  readonly line: number;
  readonly start: number;
}

export class Terminal {
  readonly isTTY = true;
  columns: number;
  rows: number;
  #lines = [''];
  /** Rows that the cursor was moved up, and whether it is at the left; text may only follow once the rest was erased. */
  #up = 0;
  #left = false;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
    for (const [part, number, command] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|\r|\n|[^\u001b\r\n]+/g)) {
      if (command === 'm') continue;
      if (command === 'A') this.#up += Number(number || 1);
      else if (command === 'J') this.#eraseBelow();
      else if (command) throw new Error(`this terminal does not know ESC [ ${number} ${command}`);
      else if (part === '\r') this.#left = true;
      else if (this.#up > 0 || (this.#left && part !== '\n')) throw new Error('text over text that was not erased');
      else if (part === '\n') this.#lines.push('');
      else this.#lines.push(`${this.#lines.pop()!}${part}`);
    }
  }

  /** Everything since the start, as one scrolls back; lines unbroken. */
  get history(): string {
    return this.#lines.join('\n');
  }

  /** What is seen now. */
  get screen(): readonly string[] {
    return this.#allRows()
      .slice(-this.rows)
      .map(({text}) => text);
  }

  #allRows(): readonly Row[] {
    return this.#lines.flatMap((text, line) => {
      const rows: Row[] = [];
      let start = 0;
      let row = '';
      for (const character of text) {
        if (columnsOf(row + character) > this.columns) {
          rows.push({text: row, line, start});
          start += row.length;
          row = '';
        }
        row += character;
      }
      return [...rows, {text: row, line, start}];
    });
  }

  #eraseBelow(): void {
    const rows = this.#allRows();
    const top = Math.max(0, rows.length - this.rows);
    const {line, start, text} = rows[Math.max(top, rows.length - 1 - this.#up)]!;
    const column = this.#left ? 0 : rows.at(-1)!.text.length;
    this.#lines = [...this.#lines.slice(0, line), `${this.#lines[line]!.slice(0, start)}${text.slice(0, column)}`];
    this.#up = 0;
    this.#left = false;
  }
}

/** A problem of the user's input: where, what was expected, what came, what to do. Printed by `surface/ui/diagnostic.ts`. */
export interface Problem {
  /** One sentence: `expected "epochs" to be an integer of at least 1, but got 0`. */
  readonly message: string;
  /** File as the user named it; absent for the command line. */
  readonly file?: string;
  readonly range?: SourceRange;
  /** What to do, such as `Did you mean "temperature"? (a number above 0, default 0.2)`. */
  readonly hint?: string;
}

/** 1-based line and column of the first character; `length` characters on that line are underlined. */
export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** The text of that line, for the squiggle. */
  readonly text: string;
}

/** The YAML parser's errors, in our own words. */
import type {Problem} from '../failures.ts';

/** An error or warning of the parser: `pos` is its first and last offset in the text. */
export interface SyntaxMistake {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** Makes a problem of the file that is read; `at` has offsets in its text. */
export type MakeProblem = (message: string, at?: readonly [number, number], hint?: string) => Problem;

/** All mistakes of syntax in our words, one for each line: the parser repeats errors while it recovers. */
export function problemsOf(errors: readonly SyntaxMistake[], text: string, problem: MakeProblem): readonly Problem[] {
  const conflict = /^(<{7}|={7}|>{7})( |$)/m.exec(text);
  if (conflict)
    return [
      problem(
        'there is an unresolved merge conflict',
        [conflict.index, conflict.index + conflict[0].length],
        'Resolve it in your editor.',
      ),
    ];
  if (errors.some(({message}) => /call stack/i.test(message))) return [problem('the values are nested too deeply')];
  const byLine = new Map<number, Problem>();
  for (const error of [...errors].sort((a, b) => a.pos[0] - b.pos[0])) {
    const found = problemOf(error, text, problem);
    const line = found.range?.line ?? 0;
    if (!byLine.has(line)) byLine.set(line, found);
  }
  return [...byLine.values()];
}

function problemOf(error: SyntaxMistake, text: string, problem: MakeProblem): Problem {
  const [start, end] = error.pos;
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return problem(
        'expected spaces at the start of the line, but got a tab',
        [start, end],
        'YAML is indented with spaces only.',
      );
    case 'MISSING_CHAR': {
      const quote = /^Missing closing (.)quote/.exec(error.message)?.[1];
      if (quote) {
        const opened = openedQuote(text, quote, start);
        return problem(
          `the quote ${quote} that opens here is never closed`,
          [opened, opened + 1],
          `Add a closing ${quote}.`,
        );
      }
      if (error.message.startsWith('Implicit map keys'))
        return problem('expected "key: value", but there is no ":"', [start, lineEnd(text, start)]);
      break;
    }
    case 'MULTILINE_IMPLICIT_KEY': {
      return problem('expected a ":" after this key', [start, lineEnd(text, start)]);
    }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return problem(
        'there is a second ": " on this line',
        [start, lineEnd(text, start)],
        'Put the text in quotes, or the inner mapping in { }.',
      );
    case 'TAG_RESOLVE_FAILED':
      return problem(
        `YAML tags such as ${JSON.stringify(text.slice(start, end))} are not supported`,
        [start, end],
        'Remove the tag.',
      );
    case 'BAD_SCALAR_START':
      return problem(
        `a text cannot start with ${JSON.stringify(text[start])}`,
        [start, lineEnd(text, start)],
        'Put the text in quotes.',
      );
    case 'BAD_INDENT':
      if (error.message.startsWith('All mapping items'))
        return problem('expected this line to have the same indentation as the lines around it', [
          start,
          lineEnd(text, start),
        ]);
      if (error.message.startsWith('Flow '))
        return problem(
          `a ${error.message.endsWith(']') ? 'list that was opened with "[" is not closed with "]"' : 'mapping that was opened with "{" is not closed with "}"'} before here`,
          [start, end],
        );
      break;
  }
  return problem(`not valid YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`, [start, end]);
}

/** The quote that is not closed: the parser only says where it stopped, which may be the end of the file. */
function openedQuote(text: string, quote: string, end: number): number {
  const pattern = quote === '"' ? /"(?:[^"\\]|\\[\s\S])*("|$)/g : /'(?:[^']|'')*('|$)/g;
  // Quotes after a comment sign or within a word do not open anything; masking keeps offsets.
  const masked = text.slice(0, end).replace(/(^|\s)#.*$/gm, (comment) => ' '.repeat(comment.length));
  for (const match of masked.matchAll(pattern)) if (match[1] === '') return match.index;
  return Math.max(0, masked.lastIndexOf(quote));
}

export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  return newline === -1 ? text.length : newline;
}

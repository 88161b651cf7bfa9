/** Problems of the user's input → one screen: where, the line, a squiggle, what to do; and that nothing was run. */
import {styleText} from 'node:util';
import {plural} from '../../core/base/text.ts';
import {columnsOf} from '../../core/base/width.ts';
import type {Problem, SourceRange} from '../../pipeline/failures.ts';

export interface RenderOptions {
  readonly colour: boolean;
  /** Columns of the terminal; longer source lines are cut around the squiggle. */
  readonly width?: number;
  /** What the problems kept from happening; absent where nothing was about to. */
  readonly so?: string;
}

const most = 10;

export function renderProblems(problems: readonly Problem[], {colour, width = 100, so}: RenderOptions): string {
  const paint = (style: Style, text: string) => (colour ? styleText(style, text, {validateStream: false}) : text);
  const shown = problems.slice(0, most).map((problem) => renderOne(problem, paint, width));
  const more = problems.length - shown.length;
  if (more > 0) shown.push(paint('dim', `… and ${more} more`));
  const end = so === undefined ? '' : `\n${plural(problems.length, 'problem')}; ${so}.\n`;
  return `${shown.join('\n')}\n${end}`;
}

type Style = 'red' | 'bold' | 'dim' | 'cyan';
type Paint = (style: Style, text: string) => string;

function renderOne({message, file, range, hint}: Problem, paint: Paint, width: number): string {
  const where = file === undefined ? '' : range ? `${file}:${range.line}:${range.column}` : file;
  // A library's message may have several lines, such as SQL with a caret below.
  const [first = '', ...others] = message
    .trimEnd()
    .split('\n')
    .filter((line) => line.trim() !== '');
  const head = `${paint('red', '✗')} ${where ? `${paint('bold', safe(where))}  ` : ''}${safe(first)}`;
  const lines = [head, ...others.map((line) => `   ${safe(line)}`)];
  if (range && range.text.trim() !== '') lines.push(...excerpt(range, paint, width));
  if (hint) lines.push(`   ${paint('cyan', safe(hint))}`);
  return lines.join('\n');
}

function excerpt(range: SourceRange, paint: Paint, width: number): readonly string[] {
  const number = String(range.line).padStart(5);
  const gutter = `${number} │ `;
  const room = Math.max(20, width - gutter.length);
  const {text, start, length} = clip(range, room);
  // Columns on the screen: a wide character takes two.
  const indent = ' '.repeat(columnsOf(text.slice(0, start)));
  const squiggle = '~'.repeat(Math.max(1, columnsOf(text.slice(start, start + length))));
  return [
    `${paint('dim', gutter)}${text}`,
    `${paint('dim', `${' '.repeat(number.length)} │ `)}${indent}${paint('red', squiggle)}`,
  ];
}

/** The part of the line that shows the squiggle, with `…` where it was cut. */
function clip(
  range: SourceRange,
  room: number,
): {readonly text: string; readonly start: number; readonly length: number} {
  const text = safe(range.text);
  const start = range.column - 1;
  if (text.length <= room) return {text, start, length: range.length};
  const length = Math.min(range.length, Math.floor(room / 2));
  // A third of the room before the squiggle; the rest is for it and what follows.
  const from = Math.max(0, Math.min(start - Math.floor(room / 3), text.length - room));
  const part = text.slice(from, from + room);
  const cutLeft = from > 0;
  const cutRight = from + room < text.length;
  const shown = `${cutLeft ? `…${part.slice(1)}` : part}`;
  return {text: cutRight ? `${shown.slice(0, -1)}…` : shown, start: start - from, length};
}

/** No escape sequence of a file may reach the terminal; one character each, so that columns stay. */
const safe = (text: string): string =>
  text.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');

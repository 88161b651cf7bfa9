/** Text as a terminal shows it: how many columns it takes, cut to fit, without what would steer the terminal. */
import {stripVTControlCharacters, styleText} from 'node:util';

// East Asian and pictographic characters take two columns.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Combining marks, joiners and other formatting take none. */
const invisible = /\p{Mark}|\p{Cf}/u;

const widthOf = (character: string): number => (invisible.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** Columns on the screen. */
export function columnsOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** At most `room` columns, the last of them `…` where something was cut. */
export function clipTo(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  let kept = '';
  let columns = 0;
  for (const character of text) {
    columns += widthOf(character);
    if (columns > room - 1) break;
    kept += character;
  }
  return room < 1 ? '' : `${kept}…`;
}

/** Lines that cannot move the cursor, ring the bell or colour what follows: names and messages come from anywhere. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll('\t', ' ')
    .replaceAll(/\r?\n/g, '\n')
    .replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');

/** In lines of at most `room` columns, broken between words; all but the first are set in. A longer word is left whole. */
export function wrapTo(text: string, room: number, indent = '  '): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line.trim() === '') lines[lines.length - 1] = line + word;
    else if (columnsOf(line) + 1 + columnsOf(word) <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}

export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan', text: string) => string;

/** Colours what is written to an output that has them, which knows of NO_COLOR and its kin; elsewhere nothing. */
export const paintFor = (output: {hasColors?(): boolean}): Paint =>
  output.hasColors?.() ? (style, text) => styleText(style, text, {validateStream: false}) : plain;

export const plain: Paint = (_, text) => text;

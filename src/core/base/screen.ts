/** Text for a terminal: its colours, and without what would steer it. What needs widths is in `width.ts`. */
import {stripVTControlCharacters, styleText} from 'node:util';

/** Lines that cannot move the cursor, ring the bell or colour what follows: names and messages come from anywhere. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll('\t', ' ')
    .replaceAll(/\r?\n/g, '\n')
    .replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');

export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan', text: string) => string;

/** Colours what is written to an output that has them, which knows of NO_COLOR and its kin; elsewhere nothing. */
export const paintFor = (output: {hasColors?(): boolean}): Paint =>
  output.hasColors?.() ? (style, text) => styleText(style, text, {validateStream: false}) : plain;

export const plain: Paint = (_, text) => text;

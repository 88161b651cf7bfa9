/** Text for a terminal: with colours, and without control characters. What needs widths is in `width.ts`. */
import {stripVTControlCharacters, styleText} from 'node:util';

/** Removes what could move the cursor, ring the bell or colour later text: names and messages can come from anywhere. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll('\t', ' ')
    .replaceAll(/\r?\n/g, '\n')
    .replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');

export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan', text: string) => string;

/** Colours text if the output has colours, which depends on NO_COLOR and similar variables; otherwise changes nothing. */
export const paintFor = (output: {hasColors?(): boolean}): Paint =>
  output.hasColors?.() ? (style, text) => styleText(style, text, {validateStream: false}) : plain;

export const plain: Paint = (_, text) => text;

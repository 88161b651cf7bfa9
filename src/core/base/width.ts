/** How many columns a text takes on the screen, and text cut or wrapped to fit. The only importer of string-width. */
import stringWidth from 'string-width';

/** Columns on the screen: an East Asian character or a picture takes two, a combining mark none. */
export const columnsOf = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text));

const characters = new Intl.Segmenter();

/** At most `room` columns; the last one is `…` if something was cut. */
export function clipTo(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  let kept = '';
  let columns = 0;
  for (const {segment} of characters.segment(text)) {
    columns += columnsOf(segment);
    if (columns > room - 1) break;
    kept += segment;
  }
  return room < 1 ? '' : `${kept}…`;
}

/** In lines of at most `room` columns, broken between words; all but the first are indented. A longer word is not broken. */
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

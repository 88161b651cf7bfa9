/** What people say of a run: tags and a note, in `remarks.json` beside its record. No key and no number depends on them. */
import {join} from 'node:path';
import {readTextIfThere, writeFileAtomic} from '../../../core/base/files.ts';
import {printable} from '../../../core/base/screen.ts';
import {compareText} from '../../../core/base/text.ts';
import type {Problem} from '../../failures.ts';
import {isFields} from './shape.ts';

export interface Remarks {
  /** Each once, sorted. */
  readonly tags: readonly string[];
  /** '' if there is none. */
  readonly note: string;
  /** Why the file can't be read; absent: it can, or there is none. */
  readonly damage?: string;
}

const fileOf = (folder: string): string => join(folder, 'remarks.json');

/** Characters, at most. */
const longest = {tag: 40, note: 4000};

export function readRemarks(folder: string): Remarks {
  const none = {tags: [], note: ''};
  try {
    const text = readTextIfThere(fileOf(folder));
    if (text === undefined) return none;
    const value: unknown = JSON.parse(text);
    if (isFields(value)) {
      const {tags, note} = value;
      if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') && typeof note === 'string')
        return {tags, note};
    }
  } catch {
    // a folder or what is not JSON: like other contents that were not written here
  }
  return {...none, damage: `${fileOf(folder)} does not have the expected content`};
}

/** Writes them in place of those that are there. What does not fit, or would replace what can't be read, is a problem. */
export async function writeRemarks(folder: string, {tags, note}: Remarks): Promise<Problem | undefined> {
  const {damage} = readRemarks(folder);
  if (damage !== undefined)
    return {message: damage, hint: 'Remove the file; then tags and notes can be written again.'};
  const wrong = tags.find(
    (tag) => tag.length > longest.tag || /[\s,]/.test(tag) || tag === '' || printable(tag) !== tag,
  );
  if (wrong !== undefined)
    return {
      message: `"${printable(wrong)}" cannot be a tag`,
      hint: `A tag is one word without commas, of at most ${longest.tag} characters.`,
    };
  const text = note.replaceAll('\r\n', '\n').trim();
  if (text.length > longest.note)
    return {message: `the note has ${text.length} characters`, hint: `It may have ${longest.note}.`};
  const content = {tags: [...new Set(tags)].sort(compareText), note: text};
  await writeFileAtomic(fileOf(folder), `${JSON.stringify(content, undefined, 2)}\n`);
  return undefined;
}

/** A CSV file of images: a header with `path`, `split` and `label`, then a line an image. */

import {readFileSync} from 'node:fs';
import {isAbsolute, normalize} from 'node:path';
import type {Split} from '../../../core/contracts/dataset.ts';
import {DatasetError, whatCame} from '../dataset-error.ts';

export interface Listed {
  /** Relative to the list's folder, with `/`. */
  readonly path: string;
  readonly split: Split;
  readonly label: string;
  /** In the file, from 1. */
  readonly line: number;
}

const columns = ['path', 'split', 'label'] as const;

/** Throws a `DatasetError` that names the line. Other columns are left alone. */
export function readImageList(file: string): readonly Listed[] {
  const wrong = (came: string): DatasetError =>
    new DatasetError(file, `a CSV file with the columns ${columns.join(', ')}`, came, 'Correct it.');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const came = whatCame(error);
    if (came === undefined) throw error;
    throw wrong(came);
  }
  const [header, ...rows] = recordsOf(text, wrong);
  if (!header) throw wrong('it is empty');
  const at = columns.map((column) => header.fields.indexOf(column));
  const absent = columns.filter((_, i) => at[i]! < 0);
  if (absent.length > 0) throw wrong(`its first line has no ${absent.join(', ')}`);
  const seen = new Map<string, number>();
  return rows.map(({fields, line}) => {
    if (fields.length !== header.fields.length)
      throw wrong(`line ${line} has ${fields.length} fields instead of ${header.fields.length}`);
    const [given, split, label] = at.map((i) => fields[i]!.trim()) as [string, string, string];
    const path = normalize(given).replaceAll('\\', '/');
    if (given === '' || isAbsolute(path) || path.startsWith('..'))
      throw wrong(`line ${line} has the path "${given}", which does not lie below the list`);
    if (split !== 'train' && split !== 'test') throw wrong(`line ${line} has the split "${split}", not train or test`);
    if (label === '') throw wrong(`line ${line} has no label`);
    const before = seen.get(path);
    if (before !== undefined) throw wrong(`line ${line} lists ${path} again, after line ${before}`);
    seen.set(path, line);
    return {path, split, label, line};
  });
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

/** RFC 4180 (fields in quotes may hold commas, quotes and line ends); empty lines are left out. */
function recordsOf(text: string, wrong: (came: string) => DatasetError): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y;
  let fields: string[] = [];
  let line = 1;
  let begun = 1;
  while (field.lastIndex < text.length || fields.length > 0) {
    const match = field.exec(text);
    if (!match) throw wrong(`line ${line} has a quote that is not closed, or text beside a quoted field`);
    const [all, value, end] = match as unknown as [string, string, string];
    fields.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    line += all.split('\n').length - 1;
    if (end === ',') continue;
    if (fields.length > 1 || fields[0] !== '') records.push({fields, line: begun});
    fields = [];
    begun = line;
  }
  return records;
}

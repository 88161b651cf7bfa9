/** Reads a CSV list of images: a header with `path`, `split` and `label`, then one line for each image. */

import {readFileSync} from 'node:fs';
import {posix, win32} from 'node:path';
import {type CsvRecord, CsvSyntaxError, readCsv} from '../../../core/base/csv.ts';
import type {Split} from '../../../core/contracts/dataset.ts';
import {DatasetError, whatCame} from '../dataset-error.ts';

export interface Listed {
  /** Relative to the list's folder, separated by `/`. */
  readonly path: string;
  readonly split: Split;
  readonly label: string;
  /** Line number in the file, from 1. */
  readonly line: number;
}

const columns = ['path', 'split', 'label'] as const;

/** Throws a `DatasetError` that names the line. Other columns are ignored. */
export function readImageList(file: string): readonly Listed[] {
  const wrong = (came: string): DatasetError =>
    new DatasetError(file, `a CSV file with the columns ${columns.join(', ')}`, came, 'Correct it.');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const came = whatCame(error);
    if (came === undefined) throw error;
    throw wrong(came);
  }
  const [header, ...rows] = recordsOf(text, wrong);
  if (!header) throw wrong('it is empty');
  const names = header.fields.map((field) => field.toLowerCase());
  const at = columns.map((column) => names.indexOf(column));
  const absent = columns.filter((_, i) => at[i]! < 0);
  if (absent.length > 0) {
    const semicolons = names.length === 1 && names[0]!.includes(';') ? ' (fields are separated by commas)' : '';
    throw wrong(`its first line has no ${absent.join(', ')}${semicolons}`);
  }
  const seen = new Map<string, number>();
  return rows.map(({fields, line}) => {
    if (fields.length !== header.fields.length)
      throw wrong(`line ${line} has ${fields.length} fields instead of ${header.fields.length}`);
    const [given, split, label] = at.map((i) => fields[i]!) as [string, string, string];
    const path = posix.normalize(given.replaceAll('\\', '/'));
    if (given === '' || win32.isAbsolute(path) || /^\.\.?(\/|$)/.test(path))
      throw wrong(`line ${line} has the path "${given}", which does not lie below the list`);
    if (split !== 'train' && split !== 'test') throw wrong(`line ${line} has the split "${split}", not train or test`);
    if (label === '') throw wrong(`line ${line} has no label`);
    const before = seen.get(path);
    if (before !== undefined) throw wrong(`line ${line} lists ${path} again, after line ${before}`);
    seen.set(path, line);
    return {path, split, label, line};
  });
}

function recordsOf(text: string, wrong: (came: string) => DatasetError): readonly CsvRecord[] {
  try {
    return readCsv(text);
  } catch (error) {
    if (error instanceof CsvSyntaxError) throw wrong(error.message);
    throw error;
  }
}

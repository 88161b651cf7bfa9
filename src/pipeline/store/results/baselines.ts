/** The papers' tables (`data/baselines/*.csv`, one file for each table) as printed: values from 0 to 100. */
import {readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type Digest, sha256} from '../../../core/base/canonical.ts';
import {readCsv} from '../../../core/base/csv.ts';

export interface Baseline {
  /** Name of the file without `.csv`, such as `iclr-table-7`. */
  readonly table: string;
  readonly method: string;
  /** Empty if the paper names none. */
  readonly classifier: string;
  /** Name of a dataset, or `all`: the mean over datasets, weighted by their numbers of tasks. */
  readonly dataset: string;
  /** A class, or `mean` over all of them (MVTec also `mean-texture`, `mean-object`). */
  readonly class: string;
  readonly metric: string;
  /** As printed, 0 to 100. */
  readonly value: number;
  readonly spread: number | null;
  /** ICLR prints standard deviations over seeds, CutPaste standard errors. */
  readonly spreadKind: 'sd' | 'se' | '';
  readonly source: string;
}

/**
 * Number of one-class tasks in each dataset of the papers. They are the weights of ICLR's mean over datasets, and the number of
 * classes that a complete mean needs.
 */
export const paperTasks: ReadonlyMap<string, number> = new Map([
  ['cifar10', 10],
  ['cifar100', 20],
  ['fashion-mnist', 10],
  ['cats-vs-dogs', 2],
  ['celeba', 1],
  ['mvtec', 15],
  ['mvtec-synthetic', 15],
]);

/** Number of seeds behind each mean and spread in the papers. */
export const paperSeeds = 5;

/** If several tables have a number, the first in this list counts, unless the spec names another. */
const tableOrder = [
  'iclr-table-7',
  'iclr-table-5',
  'iclr-table-8',
  'iclr-table-9',
  'iclr-table-10',
  'iclr-table-11',
  'cutpaste-table-1',
  'cutpaste-table-2',
  'cutpaste-table-3',
  'cutpaste-table-4',
  'cutpaste-table-5',
  'cutpaste-table-6',
  'cutpaste-table-7',
  'cutpaste-table-8',
  'cutpaste-text',
  'blog-table-1',
  'blog-table-2',
  'blog-table-3',
  'blog-text',
  'frozen-features',
  'end-to-end',
  'csi-table-1',
];

const baselinesFolder = fileURLToPath(new URL('../../../../data/baselines', import.meta.url));

let known: readonly Baseline[] | undefined;

/** All rows: tables in order of precedence, rows of a table in printed order. The files are read once. */
export function readBaselines(): readonly Baseline[] {
  known ??= baselineFiles().flatMap(({file, text}) => parseBaselines(text, file));
  return known;
}

/** Asks the results database for the same rows in the same order, which is faster than to parse the files. */
export const filedBaselines = `select "table", method, classifier, dataset, class, metric, value, spread, spread_kind, source
  from baselines order by rank, rowid`;

/** Converts the answer to `filedBaselines`. */
export const baselinesOf = ({rows}: {readonly rows: readonly (readonly unknown[])[]}): readonly Baseline[] =>
  rows.map(
    ([table, method, classifier, dataset, className, metric, value, spread, spreadKind, source]) =>
      ({table, method, classifier, dataset, class: className, metric, value, spread, spreadKind, source}) as Baseline,
  );

/** Digest of the files' text and of `paperTasks`; it does not need the files to be parsed. */
export const baselinesDigest = (): Digest => sha256(JSON.stringify([baselineFiles(), [...paperTasks]]));

/** The files, in order of precedence. */
function baselineFiles(): readonly {readonly file: string; readonly text: string}[] {
  const rank = (file: string) => (tableOrder.indexOf(basename(file, '.csv')) + 1 || tableOrder.length + 1) - 1;
  return readdirSync(baselinesFolder)
    .filter((file) => file.endsWith('.csv'))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((file) => ({file, text: readFileSync(join(baselinesFolder, file), 'utf8')}));
}

const header = 'table,method,classifier,dataset,class,metric,value,spread,spread_kind,source';

/** Throws if a line is wrong: the files are part of this package, so a wrong line is a bug. */
export function parseBaselines(text: string, file: string): readonly Baseline[] {
  const [head, ...rows] = readCsv(text);
  const came = head?.fields.join(',');
  if (came !== header) throw new Error(`${file}:1: expected the header "${header}", but got "${came}"`);
  return rows.map(({fields, line}) => parseRow(fields, `${file}:${line}`));
}

function parseRow(cells: readonly string[], where: string): Baseline {
  if (cells.length !== 10) throw new Error(`${where}: expected 10 columns, but got ${cells.length}`);
  const [table, method, classifier, dataset, className, metric, value, spread, spreadKind, source] = cells;
  if (spreadKind !== 'sd' && spreadKind !== 'se' && spreadKind !== '')
    throw new Error(`${where}: expected spread_kind to be sd, se or empty, but got "${spreadKind}"`);
  if ((spread === '') !== (spreadKind === '')) throw new Error(`${where}: spread and spread_kind go together`);
  return {
    table: table!,
    method: method!,
    classifier: classifier!,
    dataset: dataset!,
    class: className!,
    metric: metric!,
    value: percent(value!, where),
    spread: spread === '' ? null : percent(spread!, where),
    spreadKind,
    source: source!,
  };
}

function percent(text: string, where: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value <= 100))
    throw new Error(`${where}: expected a number from 0 to 100, but got "${text}"`);
  return value;
}

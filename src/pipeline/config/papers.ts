/** `compare` of a spec or suite: tables and rows that the papers have. What a learner has by default is no concern of the spec. */
import {suggest} from '../../core/base/text.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {readBaselines} from '../store/results/baselines.ts';

interface Compare {
  readonly table?: unknown;
  readonly row?: unknown;
}

/** A table that no paper has: nothing can be laid out as it. A row that no paper has beside a table: nothing can stand in its place. */
export function tableIssues({table, row}: Compare): readonly Issue[] {
  if (table === undefined && row === undefined) return []; // the papers' files need not be read
  const all = readBaselines();
  const tables = all.map((baseline) => baseline.table);
  if (typeof table !== 'string' || !tables.includes(table))
    return missing('table', table, tables, 'the papers have no table');
  if (all.some(({method}) => method === row)) return [];
  const own = all.filter((baseline) => baseline.table === table).map(({method}) => method);
  return missing('row', row, own, `table "${table}" has no row`);
}

/** A row that no paper has, without a table: it may be a name of the user's own, but nothing stands beside it. */
export const rowIssues = ({table, row}: Compare): readonly Issue[] =>
  table === undefined
    ? missing(
        'row',
        row,
        readBaselines().map(({method}) => method),
        'the papers have no row',
      )
    : [];

function missing(key: 'table' | 'row', name: unknown, known: readonly string[], subject: string): readonly Issue[] {
  if (typeof name !== 'string' || known.includes(name)) return [];
  const hint = suggest(name, [...new Set(known)], 'Known');
  return [{path: ['compare', key], at: 'value', message: `${subject} "${name}"`, hint}];
}

/** `compare` of a spec or suite: tables and rows that the papers have. What a learner has by default is no concern of the spec. */
import {suggest} from '../../core/base/text.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {readBaselines} from '../store/results/baselines.ts';

interface Compare {
  readonly table?: unknown;
  readonly row?: unknown;
}

/** A table that no paper has: nothing can be laid out as it. */
export const tableIssues = ({table}: Compare): readonly Issue[] =>
  missing('table', table, () => readBaselines().map((baseline) => baseline.table));

/** A row that no paper has: it may be a name of the user's own, but nothing stands beside it. Those of the named table are known first. */
export const rowIssues = ({table, row}: Compare): readonly Issue[] =>
  missing('row', row, () =>
    [...readBaselines().filter((baseline) => baseline.table === table), ...readBaselines()].map(({method}) => method),
  );

function missing(key: 'table' | 'row', name: unknown, all: () => readonly string[]): readonly Issue[] {
  if (typeof name !== 'string') return [];
  const known = [...new Set(all())];
  if (known.includes(name)) return [];
  const message = `the papers have no ${key} "${name}"`;
  return [{path: ['compare', key], at: 'value', message, hint: suggest(name, known, 'Known')}];
}

/** What the values of a matrix's option are called. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {textsOf} from '../../core/base/tell-apart.ts';

/** A task, or a number: the values that it has, and its method. */
export interface AtPoint {
  readonly point: {readonly [path: string]: unknown};
  readonly paperRow: string;
}

/** The text of an item's value. A learner is called as its method is in tables. */
export function valueTexts(path: string, items: readonly AtPoint[]): (item: Pick<AtPoint, 'point'>) => string {
  const byValue = groupBy(items, ({point}) => valueKey(point[path]));
  const rows = [...byValue.values()].map((same) => [...new Set(same.map(({paperRow}) => paperRow))]);
  const isNamed =
    path === 'learner' && rows.every(({length}) => length === 1) && new Set(rows.flat()).size === rows.length;
  const texts = isNamed
    ? new Map([...byValue.keys()].map((key, i) => [key, rows[i]![0]!]))
    : textsOf(items.map(({point}) => point[path] as Json | undefined));
  return ({point}) => texts.get(valueKey(point[path])) ?? 'default';
}

/** The same for equal values. */
export const valueKey = (value: unknown): string => (value === undefined ? 'default' : canonicalJson(value as Json));

/** What differs between several runs: options with the values that they have in each, against the first. */
import type {Json} from '../../core/base/canonical.ts';
import {flowText} from '../../core/base/json.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {TextTable} from '../tables/text-table.ts';
import {type Why, why} from '../tables/why.ts';

export interface RunDifferences {
  /** Options of the specs. */
  readonly options: TextTable;
  /** Engine, versions, machines. */
  readonly surroundings: TextTable;
  /** Sentences on tasks that only some have, and on data. */
  readonly notes: readonly string[];
}

/** `names`: of the runs, in their order. */
export function differencesOf(records: readonly RunRecord[], names: readonly string[]): RunDifferences {
  const [first, ...others] = records;
  const found = others.map((other) => why(first!, other));
  const table = (of: (one: Why) => Why['environment']): TextTable => {
    const paths = [...new Set(found.flatMap((one) => of(one).map(({path}) => path)))].sort();
    const valuesAt = (path: string): readonly string[] => {
      const here = found.map((one) => of(one).filter((difference) => difference.path === path));
      const firsts = here.flatMap((some) => some.map(({left}) => left));
      // Where a run does not differ, it has what the first one has.
      return [textOf(firsts), ...here.map((some) => textOf(some.length > 0 ? some.map(({right}) => right) : firsts))];
    };
    return {
      columns: ['', ...names].map((name) => ({name, align: 'left'})),
      rows: paths.map((path) => [path, ...valuesAt(path)]),
      lead: 1,
    };
  };
  const notes = found.flatMap((one, at) => {
    const name = names[at + 1]!;
    return [
      ...(one.data.length > 0 ? [`${name} has other data than ${names[0]} in ${some(one.data)}.`] : []),
      ...(one.onlyLeft.length > 0 ? [`${names[0]} alone, not ${name}, has ${some(one.onlyLeft)}.`] : []),
      ...(one.onlyRight.length > 0 ? [`${name} alone, not ${names[0]}, has ${some(one.onlyRight)}.`] : []),
    ];
  });
  return {
    options: table(({options}) => options),
    surroundings: table(({engine, environment}) => [...engine, ...environment]),
    notes,
  };
}

/** Values of several tasks, each once. */
const textOf = (values: readonly (Json | undefined)[]): string => {
  const texts = [...new Set(values.map(valueText))];
  return texts.length > 4 ? `${texts.slice(0, 3).join(' | ')} | … (${texts.length} values)` : texts.join(' | ');
};

const valueText = (value: Json | undefined): string =>
  value === undefined ? '–' : typeof value === 'string' ? value : flowText(value);

const some = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more tasks`;

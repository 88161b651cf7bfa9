/** The table of a search: its best trials, the one that was chosen, and what it was chosen on. */
import type {Json} from '../../core/base/canonical.ts';
import {plural} from '../../core/base/text.ts';
import type {Expected} from '../../pipeline/search/expected.ts';
import type {Score, SearchResults, TriedRow} from '../../pipeline/search/results.ts';
import {valueText, wordsOf} from '../../pipeline/search/words.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {type Screen, terminalTable} from './table.ts';
import type {TextTable} from './text-table.ts';

/** Rows that are printed unasked. */
const shown = 10;

/** Images of a label from which on an estimate by resampling them means something. */
const enough = 25;

/** Marks a number that was chosen by the test labels, everywhere. */
export const chosenOnTest = '†';

/** Marks a number that was chosen with labels of anomalies in the training part, as in tables of validation values. */
export const chosenOnOthers = '‡';

export interface Found {
  /** The rows to print. */
  readonly chosen?: readonly TriedRow[];
  readonly expected?: Expected | undefined;
  /** What a command about the run ends with: ` --runs elsewhere`. */
  readonly where?: string;
}

export function formatSearch(
  record: RunRecord,
  results: SearchResults,
  screen: Screen = {},
  {chosen = bestOf(results).slice(0, shown), expected, where = ''}: Found = {},
): string {
  const {trials, isOver, ended, failed, rows, best} = results;
  const {trials: wanted} = results.search;
  const made = isOver || wanted === undefined ? plural(trials, 'trial') : `${trials} of ${plural(wanted, 'trial')}`;
  const head = [
    `${record.name}: ${made}${isOver ? '' : ' so far'}, ${plural(rows.length, 'configuration')}`,
    ...(ended > 0 ? [`${ended} ended early`] : []),
    ...(failed > 0 ? [`${failed} without a value`] : []),
  ].join(', ');
  if (!best) return `${head}. No trial has a value.`;
  const table = searchTable(results, chosen);
  const rest = results.rows.length - table.rows.length;
  const notes = [
    ...(rest > 0 ? [`… and ${rest} more: pipeline best ${record.id} --all${where}`] : []),
    ...choiceNotes(results, expected),
  ];
  return [head, terminalTable(table, screen.columns, screen.paint), notes.join('\n')].join('\n\n');
}

/** By what the best configuration was chosen, and what to expect of it. */
export const choiceNotes = (results: SearchResults, expected: Expected | undefined): readonly string[] => [
  ...(results.isOver ? [] : ['the search has not come to its end: what is best so far may not stay so']),
  {
    [chosenOnTest]: `${chosenOnTest} chosen by the labels of the test images: of ${plural(results.rows.length, 'configuration')} the best is too good by chance alone`,
    [chosenOnOthers]: `${chosenOnOthers} chosen by images of the training part, with labels of anomalies; no label of a test image was used`,
    '': 'chosen by validation images; no label of an anomaly was used',
  }[markOf(results)],
  ...(expected
    ? [
        `chosen on ${results.search.objective.on}, expected of such a choice on other images: ${expected.corrected.toFixed(4)} instead of ` +
          `${expected.value.toFixed(4)} (${plural(expected.configurations, 'configuration')}, ${expected.rounds} resamples)` +
          // So few resemble each other in every sample: what the choice owes to them alone can't be seen.
          (expected.fewest < enough ? `; ${plural(expected.fewest, 'image')} of a kind are too few to tell` : ''),
      ]
    : []),
  ...glanceNote(results),
];

/** What the values of trainings that were ended at a mark are. */
function glanceNote({rows}: SearchResults): readonly string[] {
  const images = rows.find((row) => row.images !== undefined)?.images;
  return images === undefined
    ? []
    : [
        `values of trainings that ended early: of about ${images} images of each split; they cannot be compared with the others`,
      ];
}

/** Of the column that decided. */
export function markOf({search, rows}: SearchResults): '' | typeof chosenOnTest | typeof chosenOnOthers {
  if (search.objective.on === 'test') return chosenOnTest;
  return rows[0]?.tasks[0]?.validation?.type === 'held-out' ? chosenOnOthers : '';
}

/** Best first: those that were trained to their end, then those that were not, then those without a value. */
export function bestOf({rows, search}: SearchResults): readonly TriedRow[] {
  const sign = search.objective.better === 'higher' ? -1 : 1;
  const rank = ({objective, until}: TriedRow): number => (objective.value === null ? 2 : until === undefined ? 0 : 1);
  return [...rows].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (b.until ?? 0) - (a.until ?? 0) ||
      sign * ((a.objective.value ?? 0) - (b.objective.value ?? 0)) ||
      a.trial - b.trial ||
      a.setting - b.setting,
  );
}

export function searchTable(
  results: SearchResults,
  rows: readonly TriedRow[],
  {arrow = true}: {readonly arrow?: boolean} = {},
): TextTable {
  const {search, best} = results;
  const paths = [...new Set(search.space.parameters.flatMap((parameter) => parameter.paths))];
  const words = wordsOf(search.space);
  // In files a value is what `--set` takes.
  const textOf = arrow ? words.value : (_: string, value: Json) => valueText(value);
  const {metric, on} = search.objective;
  const mark = markOf(results);
  // Always in files, so that their columns do not depend on the trials.
  const hasEnded = arrow
    ? rows.some(({until}) => until !== undefined)
    : (search.halving ?? search.stopping) !== undefined;
  const hasTest = rows.some(({test}) => test !== undefined);
  const nameOf = rowNames(rows);
  return {
    columns: [
      {name: 'trial', align: 'right'},
      ...paths.map((path) => ({name: words.name(path), align: 'right' as const})),
      ...(hasEnded ? [{name: 'ended', align: 'right' as const}] : []),
      {name: `${metric} ${on}${mark}`, align: 'right'},
      ...(hasTest ? [{name: `${metric} test`, align: 'right' as const}] : []),
    ],
    rows: rows.map((row) => [
      `${arrow && row === best ? '→ ' : ''}${nameOf(row)}`,
      ...paths.map((path) => (Object.hasOwn(row.point, path) ? textOf(path, row.point[path] as Json) : '–')),
      ...(hasEnded
        ? [row.until === undefined ? '' : row.isUndecided ? `not at epoch ${row.until}` : `epoch ${row.until}`]
        : []),
      scoreText(row.objective),
      ...(hasTest ? [row.test ? scoreText(row.test) : ''] : []),
    ]),
    lead: 1,
    tone: (row) => (rows[row] === best ? 'good' : undefined),
  };
}

/** `3`, or `3.1` where a training has several settings. */
export function rowNames(rows: readonly TriedRow[]): (row: TriedRow) => string {
  const haveSettings = rows.some(({setting}) => setting > 0);
  return ({trial, setting}) => (haveSettings ? `${trial}.${setting}` : String(trial));
}

/** `path=value` for each of its options, as `--set` takes them. */
export const settingsOf = ({point}: TriedRow): readonly string[] =>
  Object.entries(point).map(([path, value]) => `${path}=${valueText(value as Json)}`);

/** Unique among all rows of a search, whichever are shown. */
export const rowKey = ({trial, setting}: TriedRow): string => `${trial}.${setting}`;

/** `0.7312 ± 0.0041`: as measured, for rates are compared to the fourth digit here. */
export const scoreText = ({value, sd}: Score): string =>
  value === null ? '–' : `${value.toFixed(4)}${sd === null ? '' : ` ± ${sd.toFixed(4)}`}`;

/** What a parameter is called beside the others of its space; one of several paths by all of them. */
export function parameterNames({search}: SearchResults): (name: string) => string {
  const {name: nameOf} = wordsOf(search.space);
  const texts = new Map(search.space.parameters.map(({name, paths}) => [name, paths.map(nameOf).join(', ')]));
  return (name) => texts.get(name)!;
}

/** The numbers of several runs side by side: a row for each class, classifier and metric; differences to the first run by pairs of seeds. */
import {groupBy} from '../../core/base/group.ts';
import type {SeedValues} from '../report/seeds.ts';
import type {Better} from '../tables/best-of.ts';
import {number, rateOf} from '../tables/formats.ts';
import type {Line} from '../tables/line.ts';
import type {TextTable, Tone} from '../tables/text-table.ts';

export interface ComparedRun {
  readonly name: string;
  /** Of a comparison of this run alone. */
  readonly lines: readonly Line[];
  readonly seeds: SeedValues;
}

/** Over seeds that both runs have. */
interface Difference {
  readonly mean: number;
  /** Of the differences; null: there is one seed, or means are compared. */
  readonly sd: number | null;
  readonly seeds: number;
}

export function numbersTable(runs: readonly ComparedRun[], better: Better): TextTable {
  // Where every run has one method, the methods are what is compared, and name no row.
  const single = runs.every(({lines}) =>
    [...groupBy(lines, keyOf).values()].every((same) => new Set(same.map(({label}) => label)).size === 1),
  );
  const rowOf = (line: Line) => (single ? keyOf(line) : `${keyOf(line)}\n${line.label}`);
  const found = runs.map(({lines}) => groupBy(lines, rowOf));
  const keys = [...new Set(found.flatMap((groups) => [...groups.keys()]))];
  // What several runs have is what one looks for.
  const all = keys
    .map((key) => found.map((groups) => groups.get(key)?.[0]))
    .toSorted((a, b) => Number(isShared(b)) - Number(isShared(a)));
  const firsts = all.map((lines) => lines.find((line) => line !== undefined)!);
  const several = (of: (line: Line) => string): boolean => new Set(firsts.map(of)).size > 1;
  const names = [
    ...(several(({dataset}) => dataset) ? [['dataset', ({dataset}: Line) => dataset] as const] : []),
    ['normal class', ({inlier}: Line) => inlier] as const,
    ...(single ? [] : [['method', ({label}: Line) => label] as const]),
    ...(several(({classifier}) => classifier) ? [['classifier', ({classifier}: Line) => classifier] as const] : []),
  ];
  const hasPaper = firsts.some((line) => line.paper !== null);
  const tones = new Map<string, Tone>();
  const head = names.length + Number(hasPaper);
  const rows = all.map((lines, row) => {
    const rate = rateOf(firsts[row]!);
    const paper = lines.find((line) => line !== undefined && line.paper !== null);
    const cells = lines.flatMap((line, at) => {
      const own = line ? `${number(line.ours, line.spread, rate)} ${line.verdict ?? ''}`.trim() : '–';
      if (at === 0) return [own];
      const difference = line && lines[0] && differenceOf(lines[0], line, runs[0]!.seeds, runs[at]!.seeds);
      const tone = difference && toneOf(difference, better(line.metric));
      if (tone) tones.set(`${row} ${head + 2 * at}`, tone);
      return [own, difference ? differenceText(difference, rate) : '–'];
    });
    return [
      ...names.map(([, of]) => of(firsts[row]!)),
      ...(hasPaper ? [paper ? number(paper.paper, paper.paperSpread, rate) : '–'] : []),
      ...cells,
    ];
  });
  return {
    columns: [
      ...names.map(([name]) => ({name, align: 'left' as const})),
      ...[
        ...(hasPaper ? ['paper'] : []),
        ...runs.flatMap(({name}, at) => (at === 0 ? [name] : [name, `Δ ${name}`])),
      ].map((name) => ({name, align: 'right' as const})),
    ],
    rows,
    lead: names.length,
    tone: (row, column) => tones.get(`${row} ${column}`),
  };
}

const isShared = (lines: readonly (Line | undefined)[]): boolean => lines.filter(Boolean).length > 1;

const keyOf = ({dataset, inlier, classifier, metricLabel}: Line): string =>
  [dataset, inlier, classifier, metricLabel].join('\n');

function differenceOf(first: Line, other: Line, ofFirst: SeedValues, ofOther: SeedValues): Difference | undefined {
  const before = new Map(ofFirst(first).map(({seed, value}) => [seed, value]));
  const pairs = ofOther(other).flatMap(({seed, value}) => {
    const left = before.get(seed);
    return left === undefined || !Number.isFinite(value - left) ? [] : [value - left];
  });
  if (pairs.length > 0) {
    const mean = pairs.reduce((sum, one) => sum + one, 0) / pairs.length;
    const squares = pairs.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    return {mean, sd: pairs.length > 1 ? Math.sqrt(squares / (pairs.length - 1)) : null, seeds: pairs.length};
  }
  const both = first.ours !== null && other.ours !== null && Number.isFinite(other.ours - first.ours);
  return both ? {mean: other.ours - first.ours, sd: null, seeds: 0} : undefined;
}

/** `+1.2 ± 0.4 (3)`: points × 100 of a rate, their deviation over the pairs of seeds, how many these are. */
function differenceText({mean, sd, seeds}: Difference, rate: boolean): string {
  const text = number(Math.abs(mean), sd, rate);
  // What is printed as zero has no sign.
  const sign = Number.parseFloat(text) === 0 ? '' : mean > 0 ? '+' : '−';
  return `${sign}${text}${seeds > 1 ? ` (${seeds})` : ''}`;
}

/** Only of what is more than two standard errors from nothing. */
function toneOf({mean, sd, seeds}: Difference, better: ReturnType<Better>): Tone | undefined {
  if (sd === null || seeds < 2 || Math.abs(mean) <= (2 * sd) / Math.sqrt(seeds) || better === undefined)
    return undefined;
  return mean > 0 === (better === 'higher') ? 'good' : 'bad';
}

export const numbersNotes: readonly string[] = [
  'Δ: difference to the first run. Where both have the same seeds: mean of the differences of each seed, ± their standard deviation, and in brackets the number of seeds.',
  'Coloured: more than two standard errors from 0. The words say how a number is to the paper. Rates × 100.',
];

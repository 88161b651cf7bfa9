/** What a sweep ends with in a terminal: its best configuration, and what each of its parameters did. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {namesOf, textsOf} from '../../core/base/tell-apart.ts';
import {plural} from '../../core/base/text.ts';
import {clipTo, wrapTo} from '../../core/base/width.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {bestMean, type MeanGroup, meanGroupsOf} from './best-mean.ts';
import type {Screen} from './table.ts';

/** Parameters that have a line, and values in it. */
const most = {parameters: 3, values: 6};

/** undefined: no option varies, or there is no number of which more is better. */
export function effectsText(record: RunRecord, {columns = Number.POSITIVE_INFINITY}: Screen = {}): string | undefined {
  const all = meanGroupsOf(record);
  const best = bestMean(all);
  if (!best) return undefined;
  const groups = all.filter(({metric, tasks}) => metric === best.metric && tasks === best.tasks);
  const paths = [...new Set(groups.flatMap(({point}) => Object.keys(point as object)))];
  const effects = paths
    .map((path) => effectOf(path, groups))
    .filter(({means}) => means.length > 1)
    // Options that vary together are one.
    .filter(({places}, at, effects) => effects.findIndex((other) => other.places === places) === at)
    .sort((a, b) => b.range - a.range);
  if (effects.length === 0) return undefined;
  const names = namesOf(effects.map(({path}) => path));
  const of = best.tasks > 1 ? `, mean of ${plural(best.tasks, 'task')}` : '';
  const left = effects.length - most.parameters;
  const lines = [
    `best: ${best.who}: ${best.metric} ${rate(best.mean)}${of} (the best of ${best.of} by the test labels: too good by chance alone)`,
    ...effects.slice(0, most.parameters).map(({path, means}) => `${names.get(path)}: ${meansText(means)}`),
    ...(left > 0 ? [`and ${plural(left, 'parameter')} that did less`] : []),
  ];
  return lines.map((line, at) => (at === 0 ? '' : '  ') + wrapTo(line, columns - 3, '    ')).join('\n');
}

interface Effect {
  readonly path: string;
  /** Over all other options and classifiers, in the order of the values. */
  readonly means: readonly {readonly text: string; readonly mean: number}[];
  readonly range: number;
  /** Which configurations share a value: the same of options that vary together. */
  readonly places: string;
}

function effectOf(path: string, groups: readonly MeanGroup[]): Effect {
  const valueIn = ({point}: MeanGroup) => (point as {readonly [path: string]: Json | undefined})[path];
  const keyOf = (group: MeanGroup): string => {
    const value = valueIn(group);
    return value === undefined ? 'default' : canonicalJson(value);
  };
  const own = groupBy(groups, keyOf);
  const keys = [...own.keys()];
  const places = groups.map((group) => keys.indexOf(keyOf(group))).join();
  const texts = textsOf(groups.map(valueIn));
  const means = [...own].map(([key, same]) => ({
    text: texts.get(key) ?? key,
    mean: same.reduce((sum, {mean}) => sum + mean, 0) / same.length,
  }));
  if (means.every(({text}) => Number.isFinite(Number(text)))) means.sort((a, b) => Number(a.text) - Number(b.text));
  const values = means.map(({mean}) => mean);
  return {path, means, range: Math.max(...values) - Math.min(...values), places};
}

/** `4 → 88.1, 8 → 90.2`; of many values the ends of what they reach. */
function meansText(means: Effect['means']): string {
  const text = ({text, mean}: (typeof means)[number]) => `${clipTo(text, 40)} → ${rate(mean)}`;
  if (means.length <= most.values) return means.map(text).join(', ');
  const sorted = means.toSorted((a, b) => b.mean - a.mean);
  return `${means.length} values, from ${text(sorted.at(-1)!)} to ${text(sorted[0]!)}`;
}

const rate = (mean: number): string => (100 * mean).toFixed(1);

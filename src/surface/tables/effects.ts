/** What a sweep ends with in a terminal: its best configuration, and what each of its parameters did. */
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import {clipTo, wrapTo} from '../../core/base/width.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {type Better, rivalsText} from './best-of.ts';
import {decimalsOf} from './digits.ts';
import {number} from './formats.ts';
import {meanText} from './means.ts';
import {bestOfSweep, type Configuration, rivalCounts, type Sweep, sweepsOf, valueText, wholeOf} from './sweeps.ts';
import type {Screen} from './table.ts';

/** Parameters that have a line, and values in it. */
const most = {parameters: 3, values: 6};

/** undefined: no option varies, or it is not known which values are better. */
export function effectsText(
  record: RunRecord,
  better: Better,
  {columns = Number.POSITIVE_INFINITY}: Screen = {},
): string | undefined {
  const sweeps = sweepsOf(record, better);
  const texts = sweeps.flatMap((sweep) => {
    const best = bestOfSweep(sweep);
    return best ? [linesOf(sweep, best, sweeps.length > 1, columns)] : [];
  });
  return texts.length === 0 ? undefined : texts.join('\n');
}

function linesOf(sweep: Sweep, best: Configuration, isNamed: boolean, columns: number): string {
  const whole = wholeOf(sweep.configurations);
  const effects = sweep.parameters
    .map(({name, values}, at) => effectOf(name, values, at, whole))
    .filter(({means}) => means.length > 1)
    .sort((a, b) => b.range - a.range);
  const of = meanText(best);
  const left = effects.length - most.parameters;
  const lines = [
    `best${isNamed ? ` of ${sweep.spec}` : ''}: ${best.name}: ${sweep.metric} ${valueText(sweep, best.mean)}${of === undefined ? '' : `, ${of}`} ` +
      `(the best by the test labels of ${rivalsText(rivalCounts(whole))}: too good by chance alone)`,
    ...effects.slice(0, most.parameters).map(({name, means}) => `${name}: ${meansText(means, sweep)}`),
    ...(left > 0 ? [`and ${plural(left, 'parameter')} that did less`] : []),
  ];
  return lines.map((line, at) => (at === 0 ? '' : '  ') + wrapTo(line, columns - 3, '    ')).join('\n');
}

interface Effect {
  readonly name: string;
  /** Over all other options and classifiers, in the order of the values. */
  readonly means: readonly {readonly text: string; readonly mean: number}[];
  readonly range: number;
}

function effectOf(name: string, values: readonly string[], at: number, all: readonly Configuration[]): Effect {
  const means = [...groupBy(all, (one) => one.at[at]!)]
    .toSorted(([a], [b]) => a - b)
    .map(([value, same]) => ({
      text: values[value]!,
      mean: same.reduce((sum, {mean}) => sum + mean, 0) / same.length,
    }));
  const found = means.map(({mean}) => mean);
  return {name, means, range: Math.max(...found) - Math.min(...found)};
}

/** `4 → 88.1, 8 → 90.2`; of many values the ends of what they reach. */
function meansText(means: Effect['means'], {scale}: Sweep): string {
  const isRate = scale === 'rate';
  const decimals = decimalsOf(means.map(({mean}) => (isRate ? 100 * mean : mean)));
  const text = ({text, mean}: (typeof means)[number]) =>
    `${clipTo(text, 40)} → ${number(mean, null, isRate, decimals)}`;
  if (means.length <= most.values) return means.map(text).join(', ');
  const sorted = means.toSorted((a, b) => a.mean - b.mean);
  return `${means.length} values, from ${text(sorted[0]!)} to ${text(sorted.at(-1)!)}`;
}

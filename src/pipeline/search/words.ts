/** A trial in words, for the view of a run. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Tried} from './board.ts';
import type {Point} from './space.ts';

/** `learner.batch=64, classifiers.0.nu=0.1`. */
export const pointText = (point: Point): string =>
  Object.entries(point)
    .map(([path, value]) => `${path}=${valueText(value)}`)
    .join(', ');

export const valueText = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));

/** `value` has the sign turned where lower is better. */
export function trialText({
  number,
  best,
  until,
  leader,
  better,
}: {
  readonly number: number;
  readonly best: Tried | undefined;
  readonly until?: number | undefined;
  readonly leader: {readonly value: number; readonly trial: number} | undefined;
  readonly better: 'higher' | 'lower';
}): string {
  const text = (value: number): string => (better === 'higher' ? value : -value).toFixed(4);
  if (!best || Number.isNaN(best.value)) return `trial ${number}: failed`;
  const end = until === undefined ? '' : `, ended after epoch ${until}`;
  const compared =
    leader === undefined
      ? ''
      : leader.trial === number
        ? ' (the best so far)'
        : ` (best: ${text(leader.value)}, trial ${leader.trial})`;
  return `trial ${number}: ${text(best.value)}${end}, ${pointText(best.point)}${compared}`;
}

/** Options, values and trials of a search in words. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {namesOf, textsOf} from '../../core/base/tell-apart.ts';
import type {Tried} from './board.ts';
import {isChoice} from './domain.ts';
import type {Space} from './space.ts';

/** What options and values are called beside the others of a space: as short as tells them apart. */
export interface SearchWords {
  /** `learning_rate` for `learner.optimizer.learning_rate`. */
  readonly name: (path: string) => string;
  /** `crop+hflip` for a list of both. */
  readonly value: (path: string, value: Json) => string;
}

export function wordsOf({parameters}: Space): SearchWords {
  const names = namesOf(parameters.flatMap(({paths}) => paths));
  const texts = new Map(
    parameters.flatMap(({paths, domain}) =>
      isChoice(domain)
        ? paths.map((path, at) => {
            const own = domain.values.map((value) => (paths.length === 1 ? value : (value as readonly Json[])[at]));
            return [path, textsOf(own)] as const;
          })
        : [],
    ),
  );
  return {
    name: (path) => names.get(path) ?? path,
    value: (path, value) => texts.get(path)?.get(canonicalJson(value)) ?? valueText(value),
  };
}

/** As `--set` takes it. */
export const valueText = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));

/** `value` has the sign turned where lower is better. */
export function trialText({
  words,
  number,
  best,
  until,
  leader,
  better,
}: {
  readonly words: SearchWords;
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
  const setting = Object.entries(best.point).map(([path, value]) => `${words.name(path)}=${words.value(path, value)}`);
  return `trial ${number}: ${text(best.value)}${end}, ${setting.join(', ')}${compared}`;
}

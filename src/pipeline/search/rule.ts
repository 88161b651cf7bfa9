/** The rule by which a search ends trainings early. */
import {halving} from './halving.ts';
import type {Rule} from './ladder.ts';
import type {Search} from './read.ts';
import {medianStopping} from './stopping.ts';

/** Undefined: it trains all of them to their ends. */
export const ruleOf = ({halving: asked, stopping}: Pick<Search, 'halving' | 'stopping'>): Rule | undefined =>
  asked ? halving(asked) : stopping && medianStopping(stopping);

/** The rule by which a search ends trainings early. */
import type {Task} from '../config/spec.ts';
import {halving} from './halving.ts';
import type {Rule} from './ladder.ts';
import type {Search} from './read.ts';
import {medianStopping} from './stopping.ts';

/** Undefined: it trains all of them to their ends. */
export const ruleOf = ({halving: asked, stopping}: Pick<Search, 'halving' | 'stopping'>): Rule | undefined =>
  asked ? halving(asked) : stopping && medianStopping(stopping);

/** The epochs at which a task's training is compared; none where it has no epochs. */
export function rungsOf(rule: Rule, task: Task | undefined): readonly number[] {
  const epochs = task?.learner['epochs'];
  return typeof epochs === 'number' ? rule.rungsOf(epochs) : [];
}

/** What rows of tables are called beside each other. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';

type Definition = {readonly [key: string]: Json | undefined};

/** Of a number's definition what makes the scores. Results of older versions have the classifier alone. */
export function fittingOf({definitionOptions, classifierOptions}: ComparisonRow): Definition {
  const known = (definitionOptions ?? {classifier: classifierOptions}) as Definition;
  const {metric: _, metricVersion: __, agreement: ___, ensemble, ...fitting} = known;
  return {...fitting, ...(ensemble ? {combine: (ensemble as Definition)['combine']} : {})};
}

/** Task id → what its method is called: `rotation`, and where the matrix has other points of the same method, `rotation epochs=12`. */
export type Methods = ReadonlyMap<string, string>;

export function methodsOf(tasks: readonly Task[]): Methods {
  const names = new Map<string, string>();
  for (const rivals of groupBy(tasks, ({dataset, compare}) => `${dataset.type}\n${compare.row}`).values()) {
    const tags = tellApart(rivals.map(({point}) => point as Json));
    for (const [i, task] of rivals.entries()) names.set(task.id, [task.compare.row, ...tags[i]!].join(' '));
  }
  return names;
}

/**
 * The options of rows, to be told apart: what is not refined counts as refined by the others' classifiers with a ratio of 0, so that a name
 * has the ratio, and not all that belongs to it.
 */
export function comparable(options: readonly Json[]): readonly Json[] {
  const all = options as readonly Definition[];
  const refined = all.find(({refine}) => refine)?.['refine'] as Definition | undefined;
  if (!refined) return options;
  const {epochs: _, ...stageTwo} = refined;
  const judges = Object.entries(
    Object.assign({}, ...all.map(({versions}) => versions)) as {readonly [plugin: string]: Json},
  ).filter(([plugin]) => plugin.startsWith('classifier '));
  return all.map(({refine = {...stageTwo, ratio: 0}, versions, ...rest}) => ({
    ...rest,
    refine,
    versions: {...Object.fromEntries(judges), ...(versions as Definition)},
  })) as readonly Json[];
}

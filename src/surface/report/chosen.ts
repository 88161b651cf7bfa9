/** Which tasks a page looks at closely: a thousand would be neither read nor sent. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {trainedTasks} from './trainings.ts';

/** Closely looked at, unless asked for. */
export const mostTasks = 12;

/**
 * The first seed of each problem, controls that are not trained last. Of too many, of every method in turn the class that it
 * does worst at, then the next: where there is something to be seen. `wanted`: only tasks with this in their ids, the first of
 * them.
 */
export function chosenTasks(record: RunRecord, wanted?: string): readonly Task[] {
  const fitting = wanted === undefined ? record.tasks : record.tasks.filter(({id}) => id.includes(wanted));
  const trained = trainedTasks(record);
  const firsts = [...groupBy(fitting, problemOf).values()]
    .map(([first]) => first!)
    .toSorted((a, b) => Number(trained.has(b.id)) - Number(trained.has(a.id)));
  if (firsts.length <= mostTasks) return firsts;
  if (wanted !== undefined) return firsts.slice(0, mostTasks);
  const values = groupBy(testMetricsOf(record), ({task}) => task);
  const resultOf = ({id, metrics}: Task): number =>
    values.get(id)?.find(({metric}) => metric === metrics[0]?.type)?.value ?? Number.POSITIVE_INFINITY;
  const turns = [...groupBy(firsts, methodOf).values()].map((rivals) =>
    rivals.toSorted((a, b) => resultOf(a) - resultOf(b)),
  );
  const chosen = new Set<Task>();
  for (let place = 0; chosen.size < mostTasks; place++)
    for (const rivals of turns) {
      const task = rivals[place];
      if (task && chosen.size < mostTasks) chosen.add(task);
    }
  return firsts.filter((task) => chosen.has(task));
}

const methodOf = ({spec, dataset, learner, point}: Task): string =>
  [spec, dataset.type, learner.type, canonicalJson(point as Json)].join('\n');

const problemOf = (task: Task): string => `${methodOf(task)}\n${task.inlier}`;

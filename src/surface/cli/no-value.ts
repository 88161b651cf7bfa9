/** Metrics that have no number, for the end of a run: a table shows only the foremost ones, and cached results warn no more. */
import {groupBy} from '../../core/base/group.ts';
import {count} from '../../core/base/text.ts';
import {isEvaluateSummary} from '../../pipeline/store/runs/shape.ts';

/** A sentence for each metric and reason. `summaries`: of the stages of a run that have a result. */
export function noValueNotes(summaries: readonly unknown[]): readonly string[] {
  const results = summaries.filter(isEvaluateSummary);
  const missing = results.flatMap(({metrics, reasons = {}}) =>
    Object.entries(metrics)
      .filter(([, value]) => typeof value !== 'number')
      .map(([metric]) => ({metric, reason: reasons[metric] ?? 'it is undefined'})),
  );
  const having = (metric: string): number => results.filter(({metrics}) => Object.hasOwn(metrics, metric)).length;
  return [...groupBy(missing, ({metric, reason}) => `${metric}\n${reason}`).values()].map((them) => {
    const {metric, reason} = them[0]!;
    return `metric "${metric}" has no finite value in ${count(them.length)} of ${count(having(metric))} results: ${reason}`;
  });
}

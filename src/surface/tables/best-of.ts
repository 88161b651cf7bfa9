/** The best of several configurations of a method: picked by the test labels, it is too good by chance alone. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';

/** Of a metric; undefined: not known here, such as one of a spec's own plug-ins. */
export type Better = (metric: string) => 'higher' | 'lower' | undefined;

export function betterFrom(plugins: Plugins): Better {
  return (metric) => {
    const definition = plugins.find('metric', metric);
    return definition && 'better' in definition ? definition.better : undefined;
  };
}

/**
 * Rows that are the best of their rivals → how many these are. Rivals are of the same method, class, classifier and metric,
 * on the same images and by the same versions; what differs are options, and at least two have a value.
 */
export function bestOfSeveral(rows: readonly ComparisonRow[], better: Better): ReadonlyMap<ComparisonRow, number> {
  const best = new Map<ComparisonRow, number>();
  const finite = rows.filter(({ours}) => Number.isFinite(ours));
  for (const rivals of groupBy(finite, problemOf).values()) {
    const direction = better(rivals[0]!.metric);
    if (rivals.length < 2 || direction === undefined) continue;
    const sign = direction === 'higher' ? 1 : -1;
    const top = rivals.reduce((a, b) => (sign * b.ours! > sign * a.ours! ? b : a));
    best.set(top, rivals.length);
  }
  return best;
}

function problemOf(row: ComparisonRow): string {
  const {dataset, limit, contaminate, versions} = row.options;
  const {metric, metricVersion, classifierVersion} = (row.definitionOptions ?? {}) as {readonly [key: string]: Json};
  const images = [dataset, limit, contaminate, versions].map((one) => one ?? null);
  const numbers = [metric, metricVersion, classifierVersion].map((one) => one ?? null);
  const {inlier, paperRow, paperClassifier, ensemble} = row;
  return canonicalJson([...images, ...numbers, row.metric, row.dataset, inlier, paperRow, paperClassifier, ensemble]);
}

/** The best of several configurations of a method: picked by the test labels, it is too good by chance alone. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';
import {differingVersions, endedAt} from './names.ts';

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
 * on the same images and by the same versions; what differs are options, and at least two have a value. A training that was ended early is
 * none.
 */
export function bestOfSeveral(rows: readonly ComparisonRow[], better: Better): ReadonlyMap<ComparisonRow, number> {
  const best = new Map<ComparisonRow, number>();
  const finite = rows.filter((row) => Number.isFinite(row.ours) && endedAt(row) === undefined);
  for (const rivals of rivalsIn(finite)) {
    const direction = better(rivals[0]!.metric);
    if (rivals.length < 2 || direction === undefined) continue;
    const sign = direction === 'higher' ? 1 : -1;
    const top = rivals.reduce((a, b) => (sign * b.ours! > sign * a.ours! ? b : a));
    best.set(top, rivals.length);
  }
  return best;
}

/** The sets of rivals. */
export function rivalsIn<R extends ComparisonRow>(rows: readonly R[]): readonly (readonly R[])[] {
  const versionsOf = differingVersions(rows.map(({options}) => options));
  return [...groupBy(rows, (row) => problemOf(row, versionsOf(row.options) as Json)).values()];
}

function problemOf(row: ComparisonRow, versions: Json): string {
  const {dataset, limit, contaminate} = row.options;
  const {metric, metricVersion, classifierVersion} = (row.definitionOptions ?? {}) as {readonly [key: string]: Json};
  const images = [dataset, limit, contaminate, versions].map((one) => one ?? null);
  const numbers = [metric, metricVersion, classifierVersion].map((one) => one ?? null);
  const {inlier, paperRow, paperClassifier, ensemble} = row;
  return canonicalJson([...images, ...numbers, row.metric, row.dataset, inlier, paperRow, paperClassifier, ensemble]);
}

/** `16`, or `2 to 16`. */
export function manyText(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}

/** Of what was chosen: `32 configurations, 16 of each method and classifier`. `counts`: of the sets of rivals, which have a mark each. */
export function rivalsText(counts: readonly number[]): string {
  const all = plural(
    counts.reduce((sum, count) => sum + count, 0),
    'configuration',
  );
  return counts.length === 1 || counts.every((count) => count === 1)
    ? all
    : `${all}, ${manyText(counts)} of ${new Set(counts).size === 1 ? 'each' : 'a'} method and classifier`;
}

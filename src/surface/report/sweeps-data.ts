/** What the options of a matrix made of a metric: means over classes and seeds at each point. */

import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {type MetricValue, metricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {namesOf, textsOf} from '../tables/names.ts';

export interface Sweep {
  readonly spec: string;
  readonly metric: string;
  readonly scale: 'rate' | 'number';
  /** Those with several values; at least one. */
  readonly paths: readonly SweepPath[];
  readonly cells: readonly SweepCell[];
}

export interface SweepPath {
  readonly name: string;
  /** In the order of the spec. */
  readonly values: readonly (string | number)[];
  readonly numeric: boolean;
}

export interface SweepCell {
  /** A value for each path. */
  readonly at: readonly (string | number)[];
  readonly classifier: string;
  readonly mean: number;
  /** Numbers that it is the mean of: classes times seeds. */
  readonly n: number;
}

/** One a spec that has a matrix, of its first metric. */
export function sweepsOf(record: RunRecord): readonly Sweep[] {
  const values = groupBy(
    metricsOf(record).filter(({ensemble}) => ensemble === null),
    ({task}) => task,
  );
  return [...groupBy(record.tasks, ({spec}) => spec)].flatMap(([spec, tasks]): readonly Sweep[] => {
    const varying = varyingPaths(tasks);
    const metric = tasks[0]?.metrics[0]?.type;
    if (varying.length === 0 || metric === undefined) return [];
    const names = namesOf(varying);
    const paths = varying.map((path) => ({path, name: names.get(path)!, ...pathOf(path, tasks)}));
    const found = tasks.flatMap((task) =>
      (values.get(task.id) ?? []).flatMap((value) =>
        value.metric === metric && value.value !== null && Number.isFinite(value.value)
          ? [{...value, value: value.value, at: paths.map(({path, label}) => label(task.point[path]))}]
          : [],
      ),
    );
    if (found.length === 0) return [];
    const cells = [...groupBy(found, ({at, classifier}) => JSON.stringify([at, classifier])).values()].map(meanOf);
    const scale = found[0]!.scale ?? 'rate';
    return [{spec, metric, scale, cells, paths: paths.map(({name, values, numeric}) => ({name, values, numeric}))}];
  });
}

function meanOf(cell: readonly (MetricValue & {value: number; at: SweepCell['at']})[]): SweepCell {
  const {at, classifier} = cell[0]!;
  return {at, classifier, mean: cell.reduce((sum, {value}) => sum + value, 0) / cell.length, n: cell.length};
}

/** Paths of the matrix that have several values in these tasks. */
function varyingPaths(tasks: readonly Task[]): readonly string[] {
  const paths = new Set(tasks.flatMap(({point}) => Object.keys(point)));
  return [...paths].filter((path) => new Set(tasks.map(({point}) => keyOf(point[path]))).size > 1);
}

function pathOf(path: string, tasks: readonly Task[]) {
  const values = [...new Map(tasks.map(({point}) => [keyOf(point[path]), point[path]])).values()];
  const texts = textsOf(values as readonly (Json | undefined)[]);
  const numeric = values.every((value) => typeof value === 'number');
  const label = (value: unknown): string | number =>
    numeric ? (value as number) : (texts.get(keyOf(value)) ?? 'default');
  return {values: values.map(label), numeric, label};
}

const keyOf = (value: unknown): string => (value === undefined ? 'default' : canonicalJson(value as Json));

/** Tasks that have no numbers because their data was missing: a table says so instead of leaving a gap. */
import type {ComparisonFilter, QueryResult} from '../../pipeline/store/results/results.ts';

export interface Absent {
  readonly spec: string;
  /** The paper's table that the spec names. */
  readonly table: string | null;
  readonly dataset: string;
  readonly inlier: string;
  readonly message: string;
}

/** Asks the results database for the tasks whose `data` stage failed. */
export function absentQuery({runs, spec}: ComparisonFilter): string {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  return `select distinct t.spec, t.paper_table, t.dataset, t.inlier, s.message
    from tasks t join runs r using (run) join stages s on s.run = t.run and list_contains(s.tasks, t.task)
    where s.kind = 'data' and s.status = 'failed'
      ${runs ? `and t.run in (${runs.map(text).join(', ')})` : ''}
      ${spec === undefined ? '' : `and (t.spec = ${text(spec)} or r.name = ${text(spec)})`}
    order by all`;
}

/** `found`: datasets and classes of which there are numbers, from an earlier or later run. */
export function absentOf(
  {rows}: QueryResult,
  found: readonly {readonly dataset: string; readonly inlier: string}[],
): readonly Absent[] {
  const have = new Set(found.map(({dataset, inlier}) => `${dataset} ${inlier}`));
  return (rows as readonly (readonly [string, string | null, string, string, string])[])
    .map(([spec, table, dataset, inlier, message]) => ({spec, table, dataset, inlier, message}))
    .filter(({dataset, inlier}) => !have.has(`${dataset} ${inlier}`));
}

/** A line a dataset. */
export function absentLines(absent: readonly Absent[]): readonly string[] {
  const datasets = [...new Set(absent.map(({dataset}) => dataset))];
  return datasets.map((dataset) => {
    const own = absent.filter((one) => one.dataset === dataset);
    const inliers = [...new Set(own.map(({inlier}) => inlier))];
    return `absent: ${dataset} (${inliers.join(', ')}): ${own[0]!.message}`;
  });
}

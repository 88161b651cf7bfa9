/** The comparison that `run` ends with, `compare` prints and `report` shows. */

import {fail, type Result, succeed} from '../../core/base/result.ts';
import {suggest} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {baselinesOf, filedBaselines} from '../../pipeline/store/results/baselines.ts';
import {
  type ComparisonFilter,
  type ComparisonRow,
  openResults,
  type Results,
} from '../../pipeline/store/results/results.ts';
import {absentOf, absentQuery} from '../tables/absent.ts';
import {betterFrom} from '../tables/best-of.ts';
import {buildComparison, type Comparison} from '../tables/compare.ts';
import {fittingTable} from '../tables/grid.ts';
import {departuresFrom} from '../tables/settings.ts';
import {builtinPlugins} from './builtin.ts';
import {err, folders, type Globals} from './session.ts';

export interface ComparisonChoice {
  /** A metric's name, or `all`; absent: `auc`, those of pixels, and those that the paper has numbers of; or all where there is none. */
  readonly metric?: string;
  /** A table of the papers to lay it out as. */
  readonly table?: string;
}

export const resultsOf = (globals: Globals) => openResults(folders(globals).results, {report: err, once: true});

export const titleOf = (filter: ComparisonFilter): string => filter.spec ?? filter.runs?.join(', ') ?? 'all runs';

/** Each run with its own name and with those of its specs, which differ in a suite. */
export const runNames = `select distinct run, unnest([runs.name, tasks.spec]) as name from runs join tasks using (run)
  order by run desc, name`;

/** Asks for what the records of the compared runs have lost. */
function damageQuery({runs, spec}: ComparisonFilter): string {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  return `select distinct run, damage from runs join tasks using (run) where damage is not null
    ${runs ? `and run in (${runs.map(text).join(', ')})` : ''}
    ${spec === undefined ? '' : `and (spec = ${text(spec)} or name = ${text(spec)})`} order by run`;
}

export interface ReadComparison {
  /** Absent: there are no numbers. */
  readonly comparison?: Comparison;
  /** What the records of the runs have lost, a sentence a run. */
  readonly damage: readonly string[];
}

/** `whole`: it is known that nothing is absent or lost. */
export async function readComparison(
  filter: ComparisonFilter,
  {metric, table}: ComparisonChoice,
  results: Results,
  {whole = false}: {readonly whole?: boolean} = {},
): Promise<Result<ReadComparison, Problem>> {
  const found = await results.comparison({...filter, ...(table === undefined ? {} : {table})}, [
    filedBaselines,
    ...(whole ? [] : [absentQuery(filter), damageQuery(filter)]),
  ]);
  if (!found.ok) return found;
  const {
    rows,
    also: [printed, missing, damaged],
  } = found.value;
  const absent = missing ? absentOf(missing, rows) : [];
  const damage = (damaged?.rows ?? []).map(([run, sentence]) => `run ${run}: ${sentence}`);
  const title = titleOf(filter);
  if (rows.length === 0) return succeed({damage});
  const baselines = baselinesOf(printed!);
  const papers = [...new Set(baselines.map((baseline) => baseline.table))];
  if (table !== undefined && !papers.includes(table)) {
    const hint = suggest(table, papers, 'Known');
    return fail({message: `the papers have no table "${table}"`, hint});
  }
  const known = [...new Set(rows.map((row) => row.metric))];
  if (metric !== undefined && metric !== 'all' && !known.includes(metric))
    return fail({message: `${title} has no metric "${metric}"`, hint: suggest(metric, known, 'It has')});
  // What fills a table of the papers is shown in that table's layout.
  const layout = table ?? fittingTable(rows, baselines, absent);
  const comparison = buildComparison(rows, {
    title,
    baselines,
    metrics: metric === 'all' ? known : metric === undefined ? foremost(rows) : [metric],
    departures: departuresFrom(builtinPlugins()),
    better: betterFrom(builtinPlugins()),
    absent,
    ...(layout === undefined ? {} : {table: layout}),
  });
  return succeed({comparison, damage});
}

/** Metrics that are shown unasked. */
function foremost(rows: readonly ComparisonRow[]): readonly string[] {
  const plugins = builtinPlugins();
  const ofPixels = (name: string): boolean =>
    plugins.names('metric').includes(name) && plugins.get('metric', name).of === 'pixels';
  const known = [...new Set(rows.map((row) => row.metric))];
  const shown = known.filter(
    (name) => name === 'auc' || ofPixels(name) || rows.some((row) => row.metric === name && row.paper !== null),
  );
  return shown.length > 0 ? shown : known;
}

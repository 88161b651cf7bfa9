/** `compare`, `ls`, `show`, `why`, `query` and `db rebuild`: what reads results. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {groupBy} from '../../core/group.ts';
import {paintFor} from '../../core/screen.ts';
import {plural, suggest} from '../../core/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {readBaselines} from '../../pipeline/store/baselines.ts';
import {readRecord} from '../../pipeline/store/record.ts';
import {type ComparisonFilter, type ComparisonRow, openResults} from '../../pipeline/store/results.ts';
import {listRuns, readRun} from '../../pipeline/store/runs.ts';
import {absentOf, absentQuery} from '../report/absent.ts';
import {buildComparison} from '../report/compare.ts';
import {type Format, formatComparison, formatQuery} from '../report/formats.ts';
import {fittingTable} from '../report/grid.ts';
import {formatRuns, listRuns as listingOf} from '../report/ls.ts';
import {departuresFrom} from '../report/settings.ts';
import {formatReport, reportRun} from '../report/show.ts';
import type {Screen} from '../report/table.ts';
import {formatWhy, why} from '../report/why.ts';
import {builtinPlugins} from './builtin.ts';
import {err, exitCodes, folders, type Globals, orRefuse, out, refuse} from './session.ts';

export interface CompareOptions {
  readonly format: Format;
  /** A metric's name, or `all`; absent: `auc`, those of pixels, and those that the paper has numbers of; or all where there is none. */
  readonly metric?: string;
  /** A table of the papers to lay it out as. */
  readonly table?: string;
}

export interface QueryOptions {
  readonly format: 'table' | 'csv' | 'json';
}

const resultsOf = (globals: Globals) => openResults(folders(globals).results, {report: err});

const screen = (): Screen =>
  process.stdout.isTTY ? {columns: process.stdout.columns || 80, paint: paintFor(process.stdout)} : {};

export async function compare(what: readonly string[], options: CompareOptions, globals: Globals): Promise<number> {
  const {runs} = folders(globals);
  const ids = listRuns(runs);
  if (ids.length === 0)
    return refuse([{message: `there is no run in ${runs}`, hint: 'Make one: pipeline run <spec>.'}]);
  if (what.length === 0) return printComparison({runs: ids.slice(0, 1)}, options, globals);
  return orRefuse(await resultsOf(globals).query(runNames), ({rows}) => {
    const names = groupBy(
      rows.map(([run, name]) => ({run: String(run), name: String(name)})),
      ({name}) => name,
    );
    // One name: whatever its runs have left, each configuration as of its latest run.
    if (what.length === 1 && names.has(what[0]!)) return printComparison({spec: what[0]!}, options, globals);
    const chosen: string[] = [];
    const problems: Problem[] = [];
    for (const word of what) {
      const named = names.get(word);
      if (named) chosen.push(...named.map(({run}) => run));
      else if (word !== 'latest' && !ids.some((id) => id.includes(word))) {
        const hint = suggest(word, [...names.keys()], 'There are results of');
        problems.push({message: `no run and no spec is called "${word}"`, hint});
      } else {
        const run = readRun(runs, word);
        if (run.ok) chosen.push(run.value.id);
        else problems.push(...run.failures);
      }
    }
    return problems.length > 0 ? refuse(problems) : printComparison({runs: chosen}, options, globals);
  });
}

/** Each run with its own name and with those of its specs, which differ in a suite. */
const runNames = `select distinct run, unnest([runs.name, tasks.spec]) as name from runs join tasks using (run)
  order by run desc, name`;

/** Our numbers beside the papers', as `run` ends with and `compare` prints. */
export async function printComparison(
  filter: ComparisonFilter,
  {format, metric, table}: CompareOptions,
  globals: Globals,
  whenEmpty: (title: string) => number = (title) =>
    refuse([{message: `there are no results of ${title}`, hint: '"pipeline ls" lists the runs.'}]),
): Promise<number> {
  const results = resultsOf(globals);
  const asked = {...filter, ...(table === undefined ? {} : {table})};
  return orRefuse(await results.comparisonRows(asked), async (rows) => {
    const missing = await results.query(absentQuery(filter));
    const absent = missing.ok ? absentOf(missing.value, rows) : [];
    const title = filter.spec ?? filter.runs?.join(', ') ?? 'all runs';
    if (rows.length === 0) return whenEmpty(title);
    const baselines = readBaselines();
    const papers = [...new Set(baselines.map((baseline) => baseline.table))];
    if (table !== undefined && !papers.includes(table)) {
      const hint = suggest(table, papers, 'Known');
      return refuse([{message: `the papers have no table that is called "${table}"`, hint}]);
    }
    const known = [...new Set(rows.map((row) => row.metric))];
    if (metric !== undefined && metric !== 'all' && !known.includes(metric)) {
      return refuse([{message: `${title} has no metric "${metric}"`, hint: suggest(metric, known, 'It has')}]);
    }
    // What fills a table of the papers is shown in that table's layout.
    const layout = table ?? fittingTable(rows, baselines, absent);
    const comparison = buildComparison(rows, {
      title,
      baselines,
      metrics: metric === 'all' ? known : metric === undefined ? foremost(rows) : [metric],
      departures: departuresFrom(builtinPlugins()),
      absent,
      ...(layout === undefined ? {} : {table: layout}),
    });
    out(formatComparison(comparison, globals.json ? 'json' : format, screen()));
    return exitCodes.done;
  });
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

export async function query(sql: string, {format}: QueryOptions, globals: Globals): Promise<number> {
  const {runs, results} = folders(globals);
  if (!existsSync(results)) {
    const hint = listRuns(runs).length > 0 ? 'File the runs: pipeline db rebuild.' : 'Make some: pipeline run <spec>.';
    return refuse([{message: `there are no results in ${runs}`, hint}]);
  }
  return orRefuse(await resultsOf(globals).query(sql), (result) => {
    out(formatQuery(result, globals.json ? 'json' : format, screen()));
    return exitCodes.done;
  });
}

export async function rebuild(globals: Globals): Promise<number> {
  const {runs} = folders(globals);
  return orRefuse(await resultsOf(globals).rebuild(runs), ({runs: filed, leftOut}) => {
    for (const {message} of leftOut) err(`left out: ${message}`);
    out(`${plural(filed.length, 'run')} filed`);
    return exitCodes.done;
  });
}

export async function ls(globals: Globals): Promise<number> {
  const {runs} = folders(globals);
  const records = listRuns(runs).flatMap((id) => {
    const record = readRecord(join(runs, id));
    if (record.ok) return [record.value];
    for (const {message} of record.failures) err(`left out: ${message}`);
    return [];
  });
  const listing = listingOf(records);
  out(globals.json ? JSON.stringify(listing, null, 2) : formatRuns(listing, screen()));
  return exitCodes.done;
}

export const show = async (which: string, globals: Globals): Promise<number> =>
  orRefuse(readRun(folders(globals).runs, which), (record) => {
    const report = reportRun(record);
    out(globals.json ? JSON.stringify(report, null, 2) : formatReport(report, screen()));
    return exitCodes.done;
  });

export const whyRuns = async (which: string, other: string, globals: Globals): Promise<number> =>
  orRefuse(readRun(folders(globals).runs, which), (a) =>
    orRefuse(readRun(folders(globals).runs, other), (b) => {
      const reasons = why(a, b);
      out(globals.json ? JSON.stringify(reasons, null, 2) : formatWhy(reasons));
      return exitCodes.done;
    }),
  );

/** `compare`, `show`, `why`, `query` and `db rebuild`: what reads results. */
import {groupBy} from '../../core/base/group.ts';
import {jsonText} from '../../core/base/json.ts';
import {plural, suggest} from '../../core/base/text.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {queryApart} from '../../pipeline/store/results/apart.ts';
import type {ComparisonFilter, Results} from '../../pipeline/store/results/results.ts';
import {numbersOf} from '../../pipeline/store/runs/numbers.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {listRuns, readRun} from '../../pipeline/store/runs/runs.ts';
import {betterFrom} from '../tables/best-of.ts';
import {effectsText} from '../tables/effects.ts';
import {type Format, formatComparison, formatQuery} from '../tables/formats.ts';
import {formatReport, reportRun} from '../tables/show.ts';
import {formatWhy, why} from '../tables/why.ts';
import {builtinPlugins} from './builtin.ts';
import {type ComparisonChoice, readComparison, resultsOf, runNames, titleOf} from './comparison.ts';
import {exitCodes} from './exit-codes.ts';
import {err, folders, type Globals, orRefuse, out, refuse, screen} from './session.ts';
import {whichRun} from './which-run.ts';

export interface CompareOptions extends ComparisonChoice {
  readonly format: Format;
}

export interface QueryOptions {
  readonly format: 'table' | 'csv' | 'json';
}

export async function compare(what: readonly string[], options: CompareOptions, globals: Globals): Promise<number> {
  const {runs} = folders(globals);
  if (globals.store !== undefined) await (await import('./team.ts')).fetchAsked(what, 'numbers', globals);
  const ids = listRuns(runs);
  if (ids.length === 0)
    return refuse([{message: `there is no run in ${runs}`, hint: 'Run a spec: pipeline run <spec>.'}]);
  if (what.length === 0) return printComparison({runs: ids.slice(0, 1)}, options, globals);
  const results = resultsOf(globals);
  const words = () => compareWords(what, options, globals, results, ids);
  // One name: whatever its runs have left, each configuration as of its latest run. Thousands of names need not be read for it.
  if (what.length === 1) return printComparison({spec: what[0]!}, options, globals, {results, whenEmpty: words});
  return words();
}

async function compareWords(
  what: readonly string[],
  options: CompareOptions,
  globals: Globals,
  results: Results,
  ids: readonly string[],
): Promise<number> {
  const {runs} = folders(globals);
  return orRefuse(await results.query(runNames), ({rows}) => {
    const names = groupBy(
      rows.map(([run, name]) => ({run: String(run), name: String(name)})),
      ({name}) => name,
    );
    if (what.length === 1 && names.has(what[0]!)) return noResults(what[0]!);
    const chosen: string[] = [];
    const problems: Problem[] = [];
    for (const word of what) {
      const named = names.get(word);
      if (named) chosen.push(...named.map(({run}) => run));
      else if (word !== 'latest' && !ids.some((id) => id.includes(word))) {
        const hint = suggest(word, [...names.keys()], 'There are results for');
        problems.push({message: `there is no run and no spec "${word}"`, hint});
      } else {
        const run = readRun(runs, word);
        if (run.ok) chosen.push(run.value.id);
        else problems.push(...run.failures);
      }
    }
    return problems.length > 0 ? refuse(problems) : printComparison({runs: chosen}, options, globals, {results});
  });
}

/** Our numbers beside the papers', as `run` ends with and `compare` prints. */
export const printComparison = async (
  filter: ComparisonFilter,
  {format, ...choice}: CompareOptions,
  globals: Globals,
  {
    results = resultsOf(globals),
    whole = false,
    whenEmpty = noResults,
  }: {
    readonly results?: Results;
    readonly whole?: boolean;
    readonly whenEmpty?: (title: string) => number | Promise<number>;
  } = {},
): Promise<number> =>
  orRefuse(await readComparison(filter, choice, results, {whole}), ({comparison, damage}) => {
    warnOf(damage);
    if (!comparison) return whenEmpty(titleOf(filter));
    out(formatComparison(comparison, globals.json ? 'json' : format, screen()));
    return exitCodes.done;
  });

/** Whether some option has several values. */
export const isSweep = (tasks: readonly Task[]): boolean =>
  new Set(tasks.map(({point}) => JSON.stringify(point))).size > 1;

/** The best configuration of a sweep, and the effects of its parameters. */
export function printEffects(folder: string): void {
  const record = readRecord(folder);
  const text = record.ok ? effectsText(record.value, betterFrom(builtinPlugins()), screen()) : undefined;
  if (text !== undefined) out(`\n${text}`);
}

const noResults = (title: string): number =>
  refuse([{message: `there are no results for ${title}`, hint: '"pipeline ls" lists the runs.'}]);

export async function query(sql: string, {format}: QueryOptions, globals: Globals): Promise<number> {
  const {runs, results} = folders(globals);
  const here = listRuns(runs);
  if (globals.store !== undefined) await sayOthers(here, globals);
  if (here.length === 0)
    return refuse([{message: `there are no results in ${runs}`, hint: 'Make some: pipeline run <spec>.'}]);
  return orRefuse(await queryApart(results, sql, {}, {report: err}), (result) => {
    out(formatQuery(result, globals.json ? 'json' : format, screen()));
    return exitCodes.done;
  });
}

/** SQL sees the runs that are here: to fetch all of a team for every question would take minutes. */
async function sayOthers(here: readonly string[], globals: Globals): Promise<void> {
  const others = await (await import('./team.ts')).runsElsewhere(here, globals);
  if (others.length > 0)
    err(
      `note: ${plural(others.length, 'run')} in the store ${others.length === 1 ? 'is' : 'are'} not here, and SQL does not see them; "pipeline store pull" fetches what you name, such as ${others.at(-1)}`,
    );
}

export async function rebuild(globals: Globals): Promise<number> {
  return orRefuse(await resultsOf(globals).rebuild(), ({runs: filed, leftOut: omitted, contradictions}) => {
    for (const problem of omitted) err(leftOut(problem));
    warnOf(contradictions);
    out(`${plural(filed.length, 'run')} filed`);
    return exitCodes.done;
  });
}

const leftOut = ({message, file}: Problem): string => `left out: ${file === undefined ? '' : `${file}: `}${message}`;

export const show = async (which: string, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals), async (record) => {
    const {secondsLeftOf} = await import('../../pipeline/ending/left.ts');
    const left = await secondsLeftOf(record);
    const report = {...reportRun(record), ...(left !== undefined && {left})};
    out(globals.json ? jsonText(report) : formatReport(report, screen()));
    return exitCodes.done;
  });

export const whyRuns = async (which: string, other: string, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals), async (a) =>
    orRefuse(await whichRun(other, globals), (b) => {
      const reasons = why(a, b);
      warnOf([a, b].flatMap((record) => numbersOf(record).contradictions));
      out(globals.json ? jsonText(reasons) : formatWhy(reasons));
      return exitCodes.done;
    }),
  );

/** Printed apart from the result. */
function warnOf(sentences: readonly string[]): void {
  for (const sentence of sentences) err(`warning: ${sentence}`);
}

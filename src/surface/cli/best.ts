/** `best` and `search add`: what a search has found, and more of it. */
import {existsSync, readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {codeOf} from '../../core/base/files.ts';
import {jsonText} from '../../core/base/json.ts';
import {unreachable} from '../../core/base/result.ts';
import {shellWord} from '../../core/base/text.ts';
import {chosenSpec} from '../../pipeline/config/chosen.ts';
import {readOverrides} from '../../pipeline/config/overrides.ts';
import {specWords} from '../../pipeline/config/spec-words.ts';
import {type Expected, expectedOf} from '../../pipeline/search/expected.ts';
import {insightOf, isTooFew} from '../../pipeline/search/insight.ts';
import {type SearchResults, searchResultsOf, type TriedRow} from '../../pipeline/search/results.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {runStateOf} from '../../pipeline/store/runs/runs.ts';
import {latexTable, markdownTable} from '../tables/exchange.ts';
import {formatInsight} from '../tables/insight.ts';
import {bestOf, formatSearch, parameterNames, searchTable, settingsOf} from '../tables/search.ts';
import {csvText} from '../tables/table.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {commandName, err, type Globals, orRefuse, out, refuse, screen, whereRunsAre} from './session.ts';
import {whichRun} from './which-run.ts';

export interface BestOptions {
  readonly all: boolean;
  readonly format: 'table' | 'markdown' | 'csv' | 'json' | 'latex';
  /** File for the spec of the chosen configuration. */
  readonly spec?: string;
}

export interface AddOptions {
  readonly trials: number;
  /** Of the run; absent: as in the run that is gone on with. */
  readonly jobs?: number;
  readonly plain: boolean;
  readonly quiet: boolean;
}

/** Seeds of the configuration that is run again: none of them took part in the choice. */
const freshSeeds = 5;

export const best = async (which: string, options: BestOptions, globals: Globals): Promise<number> =>
  searched(which, globals, async (record, results) => {
    if (options.spec !== undefined) return writeSpec(options.spec, record, results);
    const format = globals.json ? 'json' : options.format;
    const rows = options.all || format !== 'table' ? bestOf(results) : bestOf(results).slice(0, 10);
    const table = searchTable(results, rows, {arrow: false});
    switch (format) {
      case 'table':
        out(
          formatSearch(record, results, screen(), {
            chosen: rows,
            expected: await expectedOf(record, results),
            where: whereRunsAre(globals),
          }),
        );
        if (results.best) out(`\n${formatInsight(insightOf(results), parameterNames(results), screen())}`);
        for (const line of againLines(record, results, globals)) out(line);
        break;
      case 'markdown':
        out(markdownTable(table));
        break;
      case 'latex':
        out(latexTable(table));
        break;
      case 'csv':
        out(csvText([table.columns.map(({name}) => name), ...table.rows]));
        break;
      case 'json':
        out(jsonText(asJson(record, results, await expectedOf(record, results))));
        break;
      default:
        unreachable(format);
    }
    return exitCodes.done;
  });

/** Runs the command of the search again with more trials: those that were made are in the cache. */
export const add = async (
  which: string,
  {trials, jobs, plain, quiet}: AddOptions,
  globals: Globals,
  again: (command: readonly string[]) => Promise<number>,
): Promise<number> =>
  searched(which, globals, async (record, results) => {
    if (runStateOf(record) === 'running')
      return refuse([
        {
          message: `${record.id} still runs`,
          hint: `Add trials when it has ended; to see it: ${commandName()} attach ${record.id}${whereRunsAre(globals)}.`,
        },
      ]);
    const {command = []} = record.environment as {readonly command?: readonly string[]};
    const at = command.indexOf('run');
    const spec = command[at + 1];
    const written = readFileSync(join(record.folder, 'pipeline.yaml'), 'utf8');
    if (at < 0 || spec === undefined || !existsSync(spec) || readFileSync(spec, 'utf8') !== written)
      return refuse([
        {
          message: `the spec of ${record.id} ${spec !== undefined && existsSync(spec) ? 'has changed since' : 'is not where it was'}: ${spec ?? 'it is not recorded'}`,
          hint: `Run the spec as it is now: ${commandName()} run <spec> --set search.trials=${results.trials + trials}.`,
        },
      ]);
    // Where this command was told to look counts, and not where the search was run.
    const places = ['runs', 'data', 'store'] as const;
    const own = places.flatMap((place) => (globals[place] === undefined ? [] : [`--${place}`, globals[place]]));
    const how = [
      ...(jobs === undefined ? [] : ['--jobs', `${jobs}`]),
      ...(plain ? ['--plain'] : []),
      ...(quiet ? ['--quiet'] : []),
    ];
    return again([...command, '--set', `search.trials=${results.trials + trials}`, ...how, ...own]);
  });

const searched = (
  which: string,
  globals: Globals,
  next: (record: RunRecord, results: SearchResults) => Promise<number>,
): Promise<number> =>
  whichRun(which, globals).then((found) =>
    orRefuse(found, (record) => {
      const results = searchResultsOf(record);
      if (results) return next(record, results);
      return refuse([
        {message: `${record.id} has no search`, hint: `To see its results: ${commandName()} show ${record.id}.`},
      ]);
    }),
  );

const seedsAfter = (results: SearchResults): readonly number[] => {
  const used = Math.max(...results.rows.flatMap(({tasks}) => tasks.map(({seed}) => seed)));
  return Array.from({length: freshSeeds}, (_, k) => used + 1 + k);
};

/** How the chosen configuration is run again. */
function againLines(record: RunRecord, results: SearchResults, globals: Globals): readonly string[] {
  if (!results.best) return [];
  const {command = []} = record.environment as {readonly command?: readonly string[]};
  const settings = settingsOf(results.best).flatMap((setting) => ['--set', setting]);
  const words = [...command, '--set', 'search=null', ...settings, '--seeds', seedsAfter(results).join(',')];
  return [
    '',
    'The chosen configuration with five fresh seeds:',
    `  ${[commandName(), ...words.map(shellWord)].join(' ')}`,
    `Its spec as a file: ${commandName()} best ${record.id} --spec <file>${whereRunsAre(globals)}`,
  ];
}

async function writeSpec(file: string, record: RunRecord, results: SearchResults): Promise<number> {
  if (!results.best)
    return refuse([{message: `no trial of ${record.id} has a value`, hint: 'There is nothing to choose.'}]);
  const source = readFileSync(join(record.folder, 'pipeline.yaml'), 'utf8');
  const {command = []} = record.environment as {readonly command?: readonly string[]};
  const settings = readOverrides({
    set: optionIn(command, 'set'),
    ...lastOf('normalClasses', [...optionIn(command, 'normal-classes'), ...optionIn(command, 'inliers')]),
  });
  const chosen = {
    name: `${record.name}-best`,
    settings: settings.ok ? settings.value : [],
    point: results.best.point,
    seeds: seedsAfter(results),
  };
  return orRefuse(chosenSpec(source, chosen, specWords(builtinPlugins())), async (text) => {
    try {
      await writeFile(file, `# The best configuration of ${record.id}\n${text}`, {flag: 'wx'});
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return refuse([{message: `${file} is there already`, hint: 'Give another name.'}]);
    }
    err(`${file}: paths in it are relative to its folder. To run it: ${commandName()} run ${shellWord(file)}`);
    return exitCodes.done;
  });
}

/** The values of an option in a command line, in both ways of writing it. */
const optionIn = (words: readonly string[], name: string): readonly string[] =>
  words.flatMap((word, i) =>
    word === `--${name}`
      ? words.slice(i + 1, i + 2)
      : word.startsWith(`--${name}=`)
        ? [word.slice(name.length + 3)]
        : [],
  );

const lastOf = <K extends string>(key: K, values: readonly string[]): {readonly [key in K]?: string} =>
  values.length === 0 ? {} : ({[key]: values.at(-1)} as {[key in K]: string});

function asJson(record: RunRecord, results: SearchResults, expected: Expected | undefined) {
  const {search, rows, best, ...counts} = results;
  const insight = insightOf(results);
  return {
    run: record.id,
    objective: search.objective,
    chosenOnTest: search.objective.on === 'test',
    ...counts,
    best: best ? rowJson(best) : null,
    expected: expected ?? null,
    importance: isTooFew(insight) ? {tooFew: insight} : insight,
    rows: rows.map(rowJson),
  };
}

const rowJson = ({tasks, ...row}: TriedRow) => ({...row, tasks: tasks.map(({id}) => id)});

/** A run that searches: what drives it, and the table with which it ends. */
import {plural} from '../../core/base/text.ts';
import type {PlannedSearch} from '../../pipeline/config/searches.ts';
import type {Emit} from '../../pipeline/events.ts';
import type {Growth} from '../../pipeline/execute/executor.ts';
import {locateMore} from '../../pipeline/plan/sources.ts';
import {SearchGrowth} from '../../pipeline/search/drive.ts';
import {searchResultsOf} from '../../pipeline/search/results.ts';
import {hasSettings} from '../../pipeline/search/settings.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {formatSearch} from '../tables/search.ts';
import type {Ready} from './prepare.ts';
import {dataRoots, type Globals, out, screen, whereRunsAre} from './session.ts';

export function openSearch(search: PlannedSearch, {plugins, sources}: Ready, globals: Globals, emit: Emit): Growth {
  const note = (message: string): void => emit({type: 'note', message});
  const growth = new SearchGrowth({
    search,
    plugins,
    sources: locateMore(sources, plugins, dataRoots(globals, note)),
  });
  return {
    grow(run) {
      note(searchText(search));
      return growth.grow(run);
    },
  };
}

/** `a search of 60 trials (tpe) over 3 parameters, for the highest auc on validation images`. */
export function searchText({options}: PlannedSearch): string {
  const {method, trials, space, objective, settings} = options;
  const under = hasSettings(options)
    ? `, each with ${method === 'grid' ? 'all' : `up to ${settings}`} settings of stage two`
    : '';
  const many = trials === undefined ? 'a search' : `a search of ${plural(trials, 'trial')}`;
  const goal = `for the ${objective.better === 'higher' ? 'highest' : 'lowest'} ${objective.metric} on ${objective.on} images`;
  return `${many} (${method}) over ${plural(space.parameters.length, 'parameter')}${under}, ${goal}`;
}

/** What `run` ends with. */
export function printSearch(folder: string, globals: Globals): void {
  if (globals.json) return;
  const record = readRecord(folder);
  const results = record.ok ? searchResultsOf(record.value) : undefined;
  if (record.ok && results) out(formatSearch(record.value, results, screen(), {where: whereRunsAre(globals)}));
}

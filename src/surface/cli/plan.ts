/** `plan` and `validate`: what a spec means, without running anything. */

import {printable} from '../../core/base/screen.ts';
import {plural} from '../../core/base/text.ts';
import type {ReadPlan} from '../../pipeline/config/expand.ts';
import {trainingsOf} from '../../pipeline/plan/estimate.ts';
import {topological} from '../../pipeline/plan/order.ts';
import {type Forecast, previewPlan} from '../../pipeline/plan/preview.ts';
import {render} from '../../pipeline/plan/render.ts';
import {locateSources} from '../../pipeline/plan/sources.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {openFileDigests} from '../../pipeline/store/sources.ts';
import type {SiteOptions} from './cluster.ts';
import {estimateLines, measure, sumUp} from './estimate.ts';
import {exitCodes} from './exit-codes.ts';
import {nothing, prepare, read, type SpecOptions} from './prepare.ts';
import {dataRoots, type EngineOptions, err, folders, type Globals, orRefuse, out, refuse} from './session.ts';

export interface PlanOptions extends SpecOptions, EngineOptions, SiteOptions {
  readonly explain: boolean;
  readonly graph?: 'mermaid' | 'dot' | 'svg';
  /** Also measure how long the trainings take on this machine. */
  readonly estimate: boolean;
  /** `slurm`: print the scripts of the jobs instead. */
  readonly executor: 'local' | 'slurm';
}

export const plan = (spec: string, options: PlanOptions, globals: Globals): Promise<number> =>
  prepare(spec, options, globals, async ({plan: {name, tasks}, plugins, graph, warnings, search}) => {
    for (const warning of warnings) err(`warning: ${warning}`);
    const {cache: cacheFolder} = folders(globals);
    const digests = openFileDigests(cacheFolder);
    const cache = openCache(cacheFolder, {warn: (message) => err(`warning: ${message}`)});
    const shared = globals.store === undefined ? undefined : await import('./team.ts');
    const behind = await shared?.planningCache(cache, globals);
    const forecasts = await previewPlan({graph, cache: behind ?? cache, digests}).finally(() => behind?.close());
    await digests.save();
    if (options.graph) {
      out(
        options.graph === 'svg'
          ? await (await import('../report/svg.ts')).svgOfDot(render('dot', graph, forecasts))
          : render(options.graph, graph, forecasts),
      );
      return exitCodes.done;
    }
    if (options.executor === 'slurm') {
      const [{siteFor}, {planScripts}] = await Promise.all([import('./cluster.ts'), import('./plan-jobs.ts')]);
      return orRefuse(await siteFor(spec, options, globals), async (site) => {
        out(await planScripts(site, {name, graph, forecasts}, globals));
        return exitCodes.done;
      });
    }
    const trainings = trainingsOf({graph, tasks, plugins, forecasts});
    const speeds = options.estimate ? await measure(trainings, plugins, options) : undefined;
    const estimate = sumUp(trainings, speeds);
    if (globals.json) {
      out(
        JSON.stringify(
          {name, tasks, stages: graph.map((node) => forecastJson(node, forecasts.get(node.id)!)), estimate},
          null,
          2,
        ),
      );
      return exitCodes.done;
    }
    if (search) out(`${name}: ${(await import('./search-run.ts')).searchText(search)}. One configuration:`);
    out(`${name}: ${plural(tasks.length, 'task')}, ${plural(graph.length, 'stage')}`);
    for (const node of topological(graph)) {
      const forecast = forecasts.get(node.id)!;
      out(`${marks[forecast.state]} ${node.label}`);
      if (options.explain || node.absent) for (const line of reasons(forecast)) out(`    ${line}`);
    }
    const count = (state: Forecast['state']) => graph.filter((node) => forecasts.get(node.id)!.state === state).length;
    const absent = count('absent') === 0 ? '' : `, ${count('absent')} without data (✗)`;
    out(
      `${count('hit')} cached (=), ${count('miss')} to run (+), ${count('unknown')} unknown until those have run (?)${absent}`,
    );
    for (const line of estimateLines(estimate)) out(line);
    return exitCodes.done;
  });

const marks = {hit: '=', miss: '+', unknown: '?', absent: '✗'} as const;

const reasons = (forecast: Forecast): readonly string[] =>
  forecast.state === 'miss' || forecast.state === 'absent'
    ? forecast.reasons
    : forecast.state === 'unknown'
      ? [`after ${forecast.waitsFor.join(', ')}`]
      : [];

const forecastJson = ({id, kind, label}: StageNode, forecast: Forecast) => ({
  id,
  kind,
  label,
  state: forecast.state,
  ...('fingerprint' in forecast ? {fingerprint: forecast.fingerprint} : {}),
  reasons: reasons(forecast),
});

export async function validate(specs: readonly string[], options: SpecOptions, globals: Globals): Promise<number> {
  const problems = [];
  for (const spec of specs) {
    const found = await read(spec, options);
    if (!found.ok) problems.push(...found.failures);
    else {
      for (const warning of found.value.warnings) err(`warning: ${spec}: ${warning}`);
      const missing = await missingData(found.value, globals);
      for (const one of missing) err(`warning: ${spec}: missing data: ${printable(one)}`);
      const data = missing.length === 0 ? 'data found' : 'data not found';
      out(`${spec}: ${plural(found.value.plan.tasks.length, 'task')}, ${data}`);
    }
  }
  return problems.length > 0 ? refuse(problems, nothing) : exitCodes.done;
}

/** What of a plan's data can't be read. Looks for it, and fetches nothing. */
async function missingData({plan, plugins}: ReadPlan, globals: Globals): Promise<readonly string[]> {
  const {folders: places} = dataRoots(globals);
  const located = await locateSources(plan, plugins, {folders: places});
  const problems = located.ok ? [...located.value.absent.values()] : located.failures;
  return problems.map(({message, hint}) => (hint === undefined ? message : `${message}. ${hint}`));
}

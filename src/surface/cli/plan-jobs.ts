/** `plan --executor slurm`: the scripts of the jobs that a run would submit. */
import {join} from 'node:path';
import {clippedList, plural} from '../../core/base/text.ts';
import {loadOf} from '../../pipeline/cluster/flight.ts';
import {commentOf} from '../../pipeline/cluster/queue.ts';
import {scriptText} from '../../pipeline/cluster/script.ts';
import {slurm} from '../../pipeline/cluster/slurm.ts';
import {arraysOf} from '../../pipeline/cluster/submit.ts';
import {wavesOf} from '../../pipeline/cluster/units.ts';
import type {Site} from '../../pipeline/config/site.ts';
import type {Forecast} from '../../pipeline/plan/preview.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import {ownCommand} from './cluster.ts';
import {folders, type Globals} from './session.ts';

/** Of a cluster that does not say. */
const usualArray = 1000;

/** The scripts of all jobs, if what is cached stays so and nothing fails. The name of the run is not known yet: `RUN`. */
export async function planScripts(
  site: Site,
  {
    name,
    graph,
    forecasts,
  }: {
    readonly name: string;
    readonly graph: readonly StageNode[];
    readonly forecasts: ReadonlyMap<string, Forecast>;
  },
  globals: Globals,
): Promise<string> {
  const hits = [...forecasts].flatMap(([id, forecast]) =>
    forecast.state === 'hit' ? [[id, forecast.fingerprint] as const] : [],
  );
  const waves = wavesOf(graph, new Map(hits));
  if (waves.length === 0) return 'There is nothing to submit.';
  const known = await slurm.mostInArray();
  const most = (known.ok ? known.value : undefined) ?? usualArray;
  const jobs = join(folders(globals).runs, 'RUN', 'jobs');
  let number = 0;
  const parts = waves.flatMap((wave, at) => {
    const loads = wave.map((unit) => loadOf(unit));
    return arraysOf(loads, site, {most, room: Number.POSITIVE_INFINITY}).arrays.map(({request, loads: own}) => {
      const batch = `b${++number}`;
      const folder = join(jobs, batch);
      const units = own.flatMap((load) => load.units);
      const script = scriptText({
        site,
        request,
        name,
        comment: commentOf('RUN', batch),
        folder,
        count: own.length,
        cwd: process.cwd(),
        command: ownCommand,
      });
      const labels = clippedList(
        units.map(({root}) => root.label),
        3,
      );
      const when = at === 0 ? '' : ', when its inputs are there';
      return `# ${plural(own.length, 'job')}, ${plural(units.flatMap(({nodes}) => nodes).length, 'stage')}${when}: ${labels}\n${script}`;
    });
  });
  return parts.join('\n');
}

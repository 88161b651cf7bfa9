/** Which jobs are submitted together: ready units of equal resources make one array. Pure. */
import {groupBy} from '../../core/base/group.ts';
import type {Site} from '../config/site.ts';
import type {Load} from './flight.ts';
import {type Request, requestOf} from './script.ts';

export interface WantedArray {
  readonly request: Request;
  readonly loads: readonly Load[];
}

/** What a job with this load asks for: its first unit's kind decides, and others share a job only where they ask for the same. */
export const requestFor = (site: Site, {units, grown}: Load): Request => requestOf(site, units[0]!.root.kind, grown);

/**
 * Arrays of at most `most` jobs, `room` jobs together; what has no room is left over. Units that were not submitted before share
 * jobs with a GPU, `tasks_per_gpu` in each.
 */
export function arraysOf(
  loads: readonly Load[],
  site: Site,
  {most, room}: {readonly most: number; readonly room: number},
): {readonly arrays: readonly WantedArray[]; readonly rest: readonly Load[]} {
  const arrays: WantedArray[] = [];
  const rest: Load[] = [];
  let left = room;
  for (const same of groupBy(loads, (load) => JSON.stringify(requestFor(site, load))).values()) {
    const request = requestFor(site, same[0]!);
    const jobs = request.gpus || request.gres !== undefined ? shared(same, site.tasks_per_gpu) : same;
    const now = jobs.slice(0, Math.max(0, left));
    rest.push(...jobs.slice(now.length));
    left -= now.length;
    for (let from = 0; from < now.length; from += most) arrays.push({request, loads: now.slice(from, from + most)});
  }
  return {arrays, rest};
}

function shared(loads: readonly Load[], together: number): readonly Load[] {
  const fresh = loads.filter(({units, jobs: before}) => units.length < together && before === 0);
  const jobs: Load[] = loads.filter((load) => !fresh.includes(load));
  const units = fresh.flatMap((load) => load.units);
  for (let from = 0; from < units.length; from += together)
    jobs.push({...fresh[0]!, units: units.slice(from, from + together)});
  return jobs;
}

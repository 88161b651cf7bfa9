/** How far a search goes, as far as that is known before. */
import {levels} from './domain.ts';
import type {Search} from './read.ts';
import {Settings} from './settings.ts';
import {pointsOf} from './space.ts';

export interface SearchSize {
  /** Absent: until a budget is spent. */
  readonly trials?: number;
  /** Trials that go on at a time: each begins when all that began so many before it have ended. */
  readonly parallel: number;
}

export function sizeOf(search: Search): SearchSize {
  const {parallel, trials = Number.POSITIVE_INFINITY} = search;
  const most = Math.min(trials, pointsIn(search, trials));
  return {parallel, ...(Number.isFinite(most) && {trials: most})};
}

/** Points that its trials can have, counted up to `most`; infinite where a parameter is continuous. */
function pointsIn(search: Search, most: number): number {
  const {trials: space} = new Settings(search);
  if (space.parameters.some(({domain}) => levels(domain) === undefined)) return Number.POSITIVE_INFINITY;
  let count = 0;
  for (const _ of pointsOf(space, () => 0)) if (++count >= most) break;
  return count;
}

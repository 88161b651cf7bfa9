/** The test images that are looked at first. All lists are places among the test images. */
import type {Scored} from './scores.ts';

/** Images at either end of the scores, and heat maps of each kind. */
const each = 8;
const eachMap = 4;

export interface Extremes {
  /** Highest scores first, and lowest first. */
  readonly most: readonly number[];
  readonly least: readonly number[];
  /** Anomalous images, the highest first; the lowest first; normal ones, the highest first. */
  readonly finds: readonly number[];
  readonly misses: readonly number[];
  readonly alarms: readonly number[];
}

export function extremesOf({scores, labels}: Scored): Extremes {
  const ascending = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
  const least = ascending.slice(0, each);
  const most = ascending.slice(least.length).slice(-each).reverse();
  const anomalous = ascending.filter((image) => labels[image] === 1);
  const finds = anomalous.slice(-eachMap).reverse();
  const misses = anomalous.slice(0, -finds.length || undefined).slice(0, eachMap);
  const alarms = ascending
    .filter((image) => labels[image] === 0)
    .slice(-eachMap)
    .reverse();
  return {most, least, finds, misses: finds.length === anomalous.length ? [] : misses, alarms};
}

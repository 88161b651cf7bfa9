/** What a page may weigh, and who gives way: first pictures become smaller and fewer, then scores stay out. */
import {plural} from '../../core/base/text.ts';
import type {CloseUp} from './close-up.ts';
import type {ExplorerData} from './page-data.ts';

/** Of a page. */
export const mostBytes = 3e6;
/** Of all sheets with pictures together, before base64: unless all images are asked for; and where other things leave them little room. */
const somePictures = 0.9e6;
const leastPictures = 0.35e6;
/** About what a page has besides pictures and scores: at all, and for each task that is looked at closely. */
const ofPage = 0.55e6;
const ofTask = 0.09e6;
/** Characters of base64 for a byte. */
const base64 = 4 / 3;
const bytesOfScore = 4;

/** Bytes of the files of all pictures together. */
export function pictureBudget(closeUps: readonly CloseUp[], all: boolean): number {
  const scores = closeUps.flatMap(({scored}) => scored).reduce((sum, one) => sum + one.scores.length, 0);
  const rest = ofPage + ofTask * closeUps.length + base64 * bytesOfScore * scores;
  const left = Math.max(leastPictures, (mostBytes - rest) / base64);
  return all ? left : Math.min(somePictures, left);
}

/**
 * Scores for so many bytes: of each task's first classifier, then of each one's second, and so on. `run`: its id, for those who want
 * the others.
 */
export function fitScores(
  explorers: readonly (ExplorerData | null)[],
  room: number,
  run: string,
): readonly (ExplorerData | null)[] {
  const kept = explorers.map(() => 0);
  const most = Math.max(0, ...explorers.map((one) => one?.classifiers.length ?? 0));
  let left = room;
  let isFull = false;
  for (let round = 0; round < most; round++)
    for (const [task, one] of explorers.entries()) {
      const classifier = one?.classifiers[round];
      if (!classifier) continue;
      left -= JSON.stringify(classifier).length;
      isFull ||= left < 0;
      if (!isFull) kept[task] = round + 1;
    }
  return explorers.map((one, task) => {
    if (!one || kept[task] === one.classifiers.length) return one;
    const count = one.classifiers.length - kept[task]!;
    const which = `the scores of ${plural(count, 'classifier')}${kept[task]! > 0 ? ' more' : ''}`;
    const without = `This page would be larger than ${mostBytes / 1e6} MB with ${which}, so the threshold moves without them. With fewer tasks there is room: pipeline report ${run} --task …`;
    return {...one, classifiers: one.classifiers.slice(0, kept[task]), without};
  });
}

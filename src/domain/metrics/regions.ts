/** Regions of defects, and the curves of what is found of each: PRO (Bergmann et al. 2021) and its saturated form, sPRO (Bergmann et al. 2022). */
import type {Region} from '../../core/contracts/dataset.ts';
import type {PixelSample} from '../../core/contracts/metric.ts';
import {rank} from './ranking.ts';

/** Region of each pixel, from 1 on, image by image; 0 = none. Pixels that touch by a side or a corner belong together. */
export function regionsOf({count, height, width, masks}: Omit<PixelSample, 'maps' | 'regions'>): {
  readonly labels: Int32Array;
  readonly regions: number;
} {
  const area = height * width;
  const labels = new Int32Array(count * area);
  const waiting = new Int32Array(area);
  let regions = 0;
  for (let start = 0; start < labels.length; start++) {
    if (masks[start] === 0 || labels[start] !== 0) continue;
    const image = start - (start % area);
    labels[start] = ++regions;
    waiting[0] = start;
    for (let left = 1; left > 0; ) {
      const at = waiting[--left]! - image;
      const [y, x] = [Math.floor(at / width), at % width];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = image + v * width + u;
          if (masks[next] === 0 || labels[next] !== 0) continue;
          labels[next] = regions;
          waiting[left++] = next;
        }
    }
  }
  return {labels, regions};
}

/**
 * Area under the curve of the mean share of each region that is found against the false-positive rate, from 0 to `limit`, divided
 * by `limit`. Pixels of equal score are found together; between thresholds the curve is straight. NaN without a region or without
 * a normal pixel.
 *
 * The curve is the sum of what single pixels add to it: one is found at the rate `from` of the normal pixels that score higher,
 * and, straight between thresholds, wholly at the rate `to` of those that score as much. So only normal pixels need sorting.
 */
export function areaUnderPro({maps, regions: _, ...truth}: PixelSample, limit: number): number {
  const {labels, regions} = regionsOf(truth);
  const sizes = new Float64Array(regions + 1);
  for (let i = 0; i < labels.length; i++) sizes[labels[i]!]!++;
  const normal = sizes[0]!;
  // It refuses NaN.
  const {negatives} = rank(maps, truth.masks);
  if (regions === 0 || normal === 0) return Number.NaN;
  let area = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    area += areaFrom(maps[i]!, negatives, limit) / sizes[labels[i]!]!;
  }
  return area / (regions * limit);
}

/**
 * The same with the saturated overlap: of a region, the share that is found over the share that is enough, at most 1. Without
 * `regions` those of `regionsOf` are taken, and all of each is needed: then it is `areaUnderPro`.
 */
export function areaUnderSpro(sample: PixelSample, limit: number): number {
  const {maps, masks, height, width} = sample;
  const given = sample.regions ?? connected(sample);
  const {negatives} = rank(maps, masks);
  const regions = given.reduce((sum, own) => sum + own.length, 0);
  if (regions === 0 || negatives.length === 0) return Number.NaN;
  let area = 0;
  for (const [image, own] of given.entries())
    for (const {pixels, enough} of own) {
      const scores = Float32Array.from(pixels, (at) => maps[image * height * width + at]!).sort();
      const needed = enough * scores.length;
      // From the highest score on, equal ones together, until enough is found.
      for (let left = scores.length, before = 0; left > 0 && before < 1; ) {
        const score = scores[left - 1]!;
        while (left > 0 && scores[left - 1] === score) left--;
        const overlap = Math.min(1, (scores.length - left) / needed);
        area += (overlap - before) * areaFrom(score, negatives, limit);
        before = overlap;
      }
    }
  return area / (regions * limit);
}

/** The regions of `regionsOf`, image by image. */
function connected({maps: _, ...truth}: PixelSample): readonly (readonly Region[])[] {
  const {labels} = regionsOf(truth);
  const area = truth.height * truth.width;
  return Array.from({length: truth.count}, (__, image) => {
    const pixels = new Map<number, number[]>();
    for (let at = 0; at < area; at++) {
      const label = labels[image * area + at]!;
      if (label === 0) continue;
      const own = pixels.get(label);
      if (own) own.push(at);
      else pixels.set(label, [at]);
    }
    return [...pixels.values()].map((own) => ({pixels: Int32Array.from(own), enough: 1}));
  });
}

/** Area, up to the rate `limit`, under the curve of what is found at the threshold `score`: 0 before it, 1 after it, straight between. */
function areaFrom(score: number, negatives: ArrayLike<number>, limit: number): number {
  const normal = negatives.length;
  const from = (normal - lowerThan(negatives, score, {orEqual: true})) / normal;
  if (from >= limit) return 0;
  const to = (normal - lowerThan(negatives, score, {orEqual: false})) / normal;
  const end = Math.min(to, limit);
  const rising = to > from ? (end - from) ** 2 / (2 * (to - from)) : 0;
  return rising + limit - end;
}

/** How many of an ascending list are lower than `value`, or equal to it. */
function lowerThan(ascending: ArrayLike<number>, value: number, {orEqual}: {readonly orEqual: boolean}): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value || (orEqual && ascending[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

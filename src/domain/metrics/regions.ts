/** Connected regions of masks, and the per-region-overlap curve (Bergmann et al. 2021, PRO). */
import type {PixelSample} from '../../core/plugin/contracts.ts';
import {sortAscending} from './sort.ts';

/** Region of each pixel, from 1 on, image by image; 0 = none. Pixels that touch by a side or a corner belong together. */
export function regionsOf({count, height, width, masks}: Omit<PixelSample, 'maps'>): {
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
 */
export function areaUnderPro({maps, ...truth}: PixelSample, limit: number): number {
  const {labels, regions} = regionsOf(truth);
  const sizes = new Float64Array(regions + 1);
  for (const label of labels) sizes[label]!++;
  const normal = sizes[0]!;
  if (regions === 0 || normal === 0) return Number.NaN;
  const negatives = new Float64Array(normal);
  const positives = new Uint32Array(labels.length - normal);
  let n = 0;
  let p = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) negatives[n++] = maps[i]!;
    else positives[p++] = i;
  }
  const ascending = sortAscending(negatives);
  positives.sort((a, b) => maps[b]! - maps[a]!);

  let area = 0;
  let found = 0; // Σ over regions of the found share
  let [rate, overlap] = [0, 0];
  n = ascending.length - 1;
  p = 0;
  while (rate < limit) {
    // The next lower threshold, and all that scores it.
    const threshold = Math.max(
      n >= 0 ? ascending[n]! : Number.NEGATIVE_INFINITY,
      p < positives.length ? maps[positives[p]!]! : Number.NEGATIVE_INFINITY,
    );
    while (n >= 0 && ascending[n] === threshold) n--;
    for (; p < positives.length && maps[positives[p]!] === threshold; p++) found += 1 / sizes[labels[positives[p]!]!]!;
    const nextRate = (ascending.length - 1 - n) / normal;
    const nextOverlap = p === positives.length ? 1 : found / regions;
    const end = Math.min(nextRate, limit);
    const endOverlap =
      nextRate > limit ? overlap + ((nextOverlap - overlap) * (limit - rate)) / (nextRate - rate) : nextOverlap;
    area += ((end - rate) * (overlap + endOverlap)) / 2;
    [rate, overlap] = [nextRate, nextOverlap];
  }
  return area / limit;
}

/**
 * Maps of several layers → features of places: each channel's mean over a neighbourhood (Roth et al. 2022, PatchCore, 3.1), brought to
 * the size of the largest map, and all channels one after the other (Defard et al. 2021, PaDiM, 3.1).
 */
import type {FeatureMaps} from '../contracts/data.ts';
import {enlarged} from './bilinear.ts';

export interface Joining {
  /** Side of the neighbourhood in places, odd; beyond the edge there are none. 1: only the place itself. */
  readonly neighbourhood: number;
  /** Which of all channels, in the order of the layers, from 0; absent: all. */
  readonly channels?: ArrayLike<number> | undefined;
}

/** Maps of the same images, at least one. Each layer's are joined on their own: a place's mean does not mix sizes. */
export function joinedMaps(maps: readonly FeatureMaps[], {neighbourhood, channels}: Joining): FeatureMaps {
  const {count} = maps[0]!;
  const {height, width} = maps.reduce((most, map) => (map.height * map.width > most.height * most.width ? map : most));
  const parts = chosenOf(maps, channels);
  const wide = parts.reduce((sum, {chosen}) => sum + chosen.length, 0);
  const data = new Float32Array(count * height * width * wide);
  let first = 0;
  for (const {map, chosen} of parts) {
    for (let image = 0; image < count && chosen.length > 0; image++) {
      const means = localMeans(picked(map, image, chosen), map, chosen.length, neighbourhood);
      const sized = enlarged(means, map, {height, width}, chosen.length);
      for (let place = 0; place < height * width; place++)
        data.set(
          sized.subarray(place * chosen.length, (place + 1) * chosen.length),
          (image * height * width + place) * wide + first,
        );
    }
    first += chosen.length;
  }
  return {count, height, width, channels: wide, data};
}

/** What joining does along one axis: numbers (from, channels) → (to, channels). */
export const joinedAlong = (
  line: Float32Array,
  from: number,
  to: number,
  channels: number,
  side: number,
): Float32Array =>
  enlarged(
    localMeans(line, {height: from, width: 1}, channels, side),
    {height: from, width: 1},
    {height: to, width: 1},
    channels,
  );

/** Of each map the channels that are wanted, by their number within it. */
function chosenOf(maps: readonly FeatureMaps[], channels: ArrayLike<number> | undefined) {
  let first = 0;
  return maps.map((map) => {
    const all = Array.from({length: map.channels}, (_, channel) => channel);
    const wanted = channels && new Set(Array.from(channels, (channel) => channel - first));
    first += map.channels;
    return {map, chosen: wanted ? all.filter((channel) => wanted.has(channel)) : all};
  });
}

/** (height, width, chosen) of one image. */
function picked({height, width, channels, data}: FeatureMaps, image: number, chosen: readonly number[]): Float32Array {
  const places = height * width;
  if (chosen.length === channels) return data.subarray(image * places * channels, (image + 1) * places * channels);
  const out = new Float32Array(places * chosen.length);
  for (let place = 0, to = 0; place < places; place++)
    for (const channel of chosen) out[to++] = data[(image * places + place) * channels + channel]!;
  return out;
}

function localMeans(
  map: Float32Array,
  {height, width}: {readonly height: number; readonly width: number},
  channels: number,
  side: number,
): Float32Array {
  if (side === 1) return map;
  const reach = (side - 1) / 2;
  const out = new Float32Array(map.length);
  const sums = new Float64Array(channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [top, bottom] = [Math.max(0, y - reach), Math.min(height - 1, y + reach)];
      const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)];
      sums.fill(0);
      for (let v = top; v <= bottom; v++)
        for (let u = left; u <= right; u++)
          for (let i = 0, at = (v * width + u) * channels; i < channels; i++, at++) sums[i]! += map[at]!;
      const neighbours = (bottom - top + 1) * (right - left + 1);
      const to = (y * width + x) * channels;
      for (let i = 0; i < channels; i++) out[to + i] = sums[i]! / neighbours;
    }
  return out;
}

/**
 * Colours of heat maps. What a pixel's score means is seen against the pixels of normal images: each colour step is ten times rarer among
 * them, and above the highest of them the scale goes on to the highest of all. So a weak defect is seen beside a strong one.
 */
import type {Maps} from '../../core/formats/arrow/maps.ts';
import type {Picture} from '../../core/images/picture.ts';
import {sortSingles} from '../../domain/metrics/sort.ts';

export interface HeatScale {
  /** Ascending scores of a sample of the normal images' pixels. */
  readonly normal: Float32Array;
  /** The highest score of all. */
  readonly peak: number;
}

/** Share of the colours for scores that normal pixels reach. */
const reached = 0.8;
/** Powers of ten: the rarest normal pixels that are told apart are one in 10 000. */
const decades = 4;

/** `labels`: 1 = anomalous. Without normal images, all pixels stand for them. Of millions of pixels a sample is used. */
export function heatScaleOf(maps: Maps, labels: Uint8Array): HeatScale {
  const area = maps.height * maps.width;
  const images = [...labels.keys()].filter((i) => labels[i] === 0);
  const of = images.length > 0 ? images : [...labels.keys()];
  const step = Math.max(1, Math.floor((of.length * area) / 1e6));
  const sample = new Float32Array(Math.ceil((of.length * area) / step));
  for (let i = 0; i < sample.length; i++) {
    const at = i * step;
    sample[i] = maps.data[of[Math.floor(at / area)]! * area + (at % area)]!;
  }
  let peak = Number.NEGATIVE_INFINITY;
  for (const value of maps.data) if (value > peak) peak = value;
  return {normal: sortSingles(sample), peak};
}

/** Where a score lies on the scale, in [0, 1]. */
export function placeOf({normal, peak}: HeatScale, score: number): number {
  const highest = normal.at(-1)!;
  if (score > highest) return reached + (1 - reached) * Math.min(1, (score - highest) / (peak - highest));
  let [low, high] = [0, normal.length]; // the number of lower ones lies between
  while (low < high) {
    const middle = (low + high) >> 1;
    if (normal[middle]! < score) low = middle + 1;
    else high = middle;
  }
  return (reached * Math.min(decades, Math.log10(1 / Math.max(1e-9, 1 - low / normal.length)))) / decades;
}

export interface Tick {
  readonly place: number;
  readonly score: number;
  readonly meaning: string;
}

/** Places with their scores, from the foot of the scale to its top. */
export function ticksOf({normal, peak}: HeatScale): readonly Tick[] {
  const shares = ['90 %', '99 %', '99.9 %', '99.99 %'];
  const at = (share: number): number => normal[Math.min(normal.length - 1, Math.floor(share * normal.length))]!;
  return [
    {place: 0, score: normal[0]!, meaning: 'lowest'},
    ...shares.map((meaning, i) => ({
      place: (reached * (i + 1)) / decades,
      score: at(1 - 10 ** -(i + 1)),
      meaning,
    })),
    ...(peak > normal.at(-1)! ? [{place: 1, score: peak, meaning: 'highest'}] : []),
  ];
}

/** `colours`: red, green, blue, 0 to 255, from the foot of the scale to its top. `map`: (height, width), row-major. */
export function painted(
  map: Float32Array,
  {height, width}: Pick<Maps, 'height' | 'width'>,
  scale: HeatScale,
  colours: readonly (readonly [number, number, number])[],
): Picture {
  const pixels = new Uint8Array(3 * map.length);
  for (const [at, score] of map.entries())
    pixels.set(colours[Math.round(placeOf(scale, score) * (colours.length - 1))]!, 3 * at);
  return {height, width, pixels};
}

/**
 * Writes the files of a stage that localises: `maps.arrow`, a score for each pixel of the test images; `scores.arrow`, a score for each
 * image; and pictures of the most informative maps (`overlay-*.png`).
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {ImageShape} from '../../core/contracts/data.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps, writeMaps} from '../../core/formats/arrow/maps.ts';
import {writeScores} from '../../core/formats/arrow/small.ts';
import {encodePng} from '../../core/images/codec.ts';
import {overlay, type Range} from './overlay.ts';
import {inputOf} from './shared.ts';
import type {StageContext} from './stage.ts';
import {writeTrainingScores} from './training-scores.ts';

/** Number of pictures of each kind: false alarms, misses and finds. */
const pictures = 8;

export interface HeatMap {
  /** A score for each pixel, (height, width), row-major. */
  readonly map: Float32Array;
  /** Score of the whole image. */
  readonly score: number;
  /** The image's class. */
  readonly label: number;
}

/** The score of an image: the largest score of its windows, or of its pixels if only the map is known. */
export function largestOf(values: Float32Array | Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

interface HeatMaps {
  readonly shape: ImageShape;
  readonly classNames: readonly string[];
  /** Name of the normal class. */
  readonly normal: string;
}

/** `maps`: the maps of all test images, in order. The images are the input `images`. */
export async function writeHeatMaps(
  context: StageContext,
  maps: AsyncIterable<HeatMap>,
  about: HeatMaps,
): Promise<void> {
  const {shape, classNames} = about;
  const all: number[] = [];
  const labels: number[] = [];
  const path = join(context.out, 'maps.arrow');
  await writeMaps(path, {...shape, classNames}, noting());
  const scores = Float64Array.from(all);
  const classes = Int32Array.from(labels);
  await writeScores(join(context.out, 'scores.arrow'), {scores, classes, classNames});
  await draw(context, path, scores, classes, about);

  async function* noting(): AsyncIterable<readonly [map: Float32Array, label: number]> {
    for await (const {map, score, label} of maps) {
      all.push(score);
      labels.push(label);
      yield [map, label];
    }
  }
}

/** Draws the normal images with the highest scores, and the anomalous images with the highest and the lowest scores. */
async function draw(
  context: StageContext,
  path: string,
  scores: Float64Array,
  labels: Int32Array,
  {classNames, normal}: HeatMaps,
): Promise<void> {
  const ascending = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
  const [good, bad] = [true, false].map((wanted) =>
    ascending.filter((image) => (classNames[labels[image]!] === normal) === wanted),
  ) as [number[], number[]];
  const wanted = new Map<number, string>();
  const choose = (images: readonly number[], kind: string): void => {
    for (const image of images.slice(0, pictures)) if (!wanted.has(image)) wanted.set(image, kind);
  };
  choose(good.toReversed(), 'false-alarm');
  choose(bad.toReversed(), 'find');
  choose(bad, 'miss');
  const maps = await readMaps(path);
  const range = rangeOf(maps.data);
  const area = maps.height * maps.width;
  let image = 0;
  for await (const batch of readImages(inputOf(context, 'images')))
    for (let i = 0; i < batch.count; i++, image++) {
      const kind = wanted.get(image);
      if (kind === undefined) continue;
      const mask = batch.masks?.subarray(i * area, (i + 1) * area);
      const picture = overlay(batch, i, mask, maps.data.subarray(image * area, (image + 1) * area), range);
      await writeFile(
        join(context.out, `overlay-${kind}-${String(image).padStart(5, '0')}.png`),
        await encodePng(picture),
      );
    }
}

/** From the median of all pixels to their 0.999-quantile: one scale for all pictures. Of millions of pixels, only a sample is used. */
export function rangeOf(maps: Float32Array): Range {
  const step = Math.max(1, Math.floor(maps.length / 1e6));
  const sample = Float32Array.from({length: Math.ceil(maps.length / step)}, (_, i) => maps[i * step]!).sort();
  return [sample[Math.floor(sample.length / 2)]!, sample[Math.floor(0.999 * (sample.length - 1))]!];
}

/** Summary of restored maps. `usual`: the median, over the training images, of their maps' medians. */
export interface HeatSummary {
  readonly usual: number;
}

/** Writes the scores of the training images, and returns the summary of their maps. */
export async function summariseTrainingMaps(context: StageContext, maps: readonly Pick<HeatMap, 'map' | 'score'>[]) {
  const median = (values: Float32Array | Float64Array): number => values.toSorted()[Math.floor(values.length / 2)]!;
  await writeTrainingScores(
    context,
    Float64Array.from(maps, ({score}) => score),
  );
  const summary: HeatSummary = {usual: median(Float64Array.from(maps, ({map}) => median(map)))};
  return {...summary};
}

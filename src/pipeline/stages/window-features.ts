/**
 * Reads the features of all windows, or of all places of maps, of many images from a file that may not fit in memory: 200 images of 57 × 57
 * windows and 512 features are 1.3 GB. Rows are image by image; the windows of an image are row by row.
 */

import type {Rng} from '../../core/base/random.ts';
import type {RowBlocks} from '../../core/contracts/classifier.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {type FeaturesInfo, featuresInfo, streamFeatures} from '../../core/formats/arrow/features.ts';
import {pickRows} from '../../core/linalg/matrix.ts';

/** Most bytes of features in memory at a time. */
export const featureBytes = 512 * 1024 * 1024;

export interface WindowFeatures extends FeaturesInfo {
  readonly path: string;
  /** Number of windows in an image. */
  readonly places: number;
  readonly images: number;
  /** 1 a row that counts, 0 a row of the background; absent: all count. */
  readonly counting?: Uint8Array;
}

/** Scores of windows, and of images where these are not simply the highest of their windows. */
export interface Scores {
  readonly scores: Float64Array;
  readonly ofImages?: Float64Array | undefined;
}

/** `windows`: how many an image has; absent: the file says how many places. */
export async function openWindows(path: string, windows?: number): Promise<WindowFeatures> {
  const info = await featuresInfo(path);
  const places = windows ?? (info.grid ? info.grid[0] * info.grid[1] : Number.NaN);
  if (info.rows % places !== 0) throw new Error(`${info.rows} windows are not those of images of ${places} each`);
  return {...info, path, places, images: info.rows / places};
}

/** Features of all images at `count` places from `first` on: a matrix (images, columns) for each place. Reads the file once. */
export async function gatherPlaces(windows: WindowFeatures, first: number, count: number): Promise<readonly Matrix[]> {
  const {path, places, images, columns} = windows;
  const gathered = Array.from({length: count}, () => new Float32Array(images * columns));
  let row = 0;
  for await (const {features} of streamFeatures(path)) {
    for (let i = 0; i < features.rows; i++, row++) {
      const place = (row % places) - first;
      if (place < 0 || place >= count) continue;
      const image = Math.floor(row / places);
      gathered[place]!.set(features.data.subarray(i * columns, (i + 1) * columns), image * columns);
    }
  }
  return gathered.map((data) => ({rows: images, columns, data}));
}

/** The rows that count, block by block. */
export function blocksOf({path, rows, columns, counting}: WindowFeatures): RowBlocks {
  return {
    rows: counting ? counting.reduce((sum, one) => sum + one, 0) : rows,
    columns,
    async *blocks() {
      let row = 0;
      for await (const {features} of streamFeatures(path)) {
        const first = row;
        row += features.rows;
        if (!counting) yield features;
        else {
          const own = Array.from({length: features.rows}, (_, i) => i).filter((i) => counting[first + i] === 1);
          if (own.length > 0) yield pickRows(features, own);
        }
      }
    },
  };
}

/** All rows that count if there are at most `most`, otherwise that many random ones, in the order of the file. */
export async function sampleRows(windows: WindowFeatures, most: number, rng: Rng): Promise<Matrix> {
  const {rows, columns, blocks} = blocksOf(windows);
  const wanted = Math.min(rows, most);
  const data = new Float32Array(wanted * columns);
  let [row, taken] = [0, 0];
  for await (const features of blocks()) {
    for (let i = 0; i < features.rows && taken < wanted; i++, row++) {
      // A row is taken with probability (rows still wanted) / (rows left), so that all subsets are equally likely (Knuth's algorithm S).
      if (wanted < rows && rng.uniform() * (rows - row) >= wanted - taken) continue;
      data.set(features.data.subarray(i * columns, (i + 1) * columns), taken++ * columns);
    }
  }
  return {rows: wanted, columns, data};
}

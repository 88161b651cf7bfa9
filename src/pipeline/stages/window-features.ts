/**
 * Reads the features of all windows of many images from a file that may not fit in memory: 200 images of 57 × 57 windows and 512
 * features are 1.3 GB. Rows are image by image; the windows of an image are row by row.
 */

import type {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {type FeaturesInfo, featuresInfo, streamFeatures} from '../../core/formats/arrow/features.ts';

export interface WindowFeatures extends FeaturesInfo {
  readonly path: string;
  /** Number of windows in an image. */
  readonly places: number;
  readonly images: number;
}

export async function openWindows(path: string, places: number): Promise<WindowFeatures> {
  const info = await featuresInfo(path);
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

/** All rows if there are at most `most`, otherwise that many random ones, in the order of the file. */
export async function sampleRows({path, rows, columns}: WindowFeatures, most: number, rng: Rng): Promise<Matrix> {
  const wanted = Math.min(rows, most);
  const data = new Float32Array(wanted * columns);
  let [row, taken] = [0, 0];
  for await (const {features} of streamFeatures(path)) {
    for (let i = 0; i < features.rows && taken < wanted; i++, row++) {
      // A row is taken with probability (rows still wanted) / (rows left), so that all subsets are equally likely (Knuth's algorithm S).
      if (wanted < rows && rng.uniform() * (rows - row) >= wanted - taken) continue;
      data.set(features.data.subarray(i * columns, (i + 1) * columns), taken++ * columns);
    }
  }
  return {rows: wanted, columns, data};
}

/** Regions of images as a column of lists: a region is its `enough` in billionths, the number of its runs, and start and length of each run. */
import type {Region} from '../../contracts/dataset.ts';
import type {Lists} from './ipc.ts';

const billion = 1e9;

export function packRegions(images: readonly (readonly Region[])[]): Lists {
  const values: number[] = [];
  const offsets = new Int32Array(images.length + 1);
  for (const [i, regions] of images.entries()) {
    for (const {enough, pixels} of regions) {
      const runs = runsOf(pixels);
      values.push(Math.round(billion * enough), runs.length / 2);
      for (const value of runs) values.push(value);
    }
    offsets[i + 1] = values.length;
  }
  return {offsets, values: Int32Array.from(values)};
}

/** Start and length of each row of pixels without a gap. */
function runsOf(pixels: Int32Array): readonly number[] {
  const runs: number[] = [];
  for (const [i, pixel] of pixels.entries())
    if (i > 0 && pixel === pixels[i - 1]! + 1) runs[runs.length - 1]!++;
    else runs.push(pixel, 1);
  return runs;
}

export function unpackRegions({offsets, values}: Lists, row: number): readonly Region[] {
  const regions: Region[] = [];
  for (let at = offsets[row]!; at < offsets[row + 1]!; ) {
    const enough = values[at]! / billion;
    const end = at + 2 + 2 * values[at + 1]!;
    const pixels: number[] = [];
    for (at += 2; at < end; at += 2)
      for (let pixel = values[at]!; pixel < values[at]! + values[at + 1]!; pixel++) pixels.push(pixel);
    regions.push({enough, pixels: Int32Array.from(pixels)});
  }
  return regions;
}

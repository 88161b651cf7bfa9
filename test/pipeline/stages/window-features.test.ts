import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {streamFeatures, writeFeatures} from '../../../src/core/formats/arrow/features.ts';
import {gatherPlaces, openWindows, sampleRows} from '../../../src/pipeline/stages/window-features.ts';
import {temporaryFolder} from '../../rig/archives.ts';

const place = temporaryFolder('windows');
afterAll(() => place.remove());

/** Feature: image, place. Record batches of `sizes` rows, which need not be whole images. */
async function written(images: number, places: number, sizes: readonly number[]): Promise<string> {
  const path = join(place.folder, `${images}-${places}-${sizes.join('-')}.arrow`);
  let row = 0;
  const chunks = sizes.map((rows) => {
    const data = Float32Array.from({length: 2 * rows}, (_, i) => {
      const at = row + Math.floor(i / 2);
      return i % 2 === 0 ? Math.floor(at / places) : at % places;
    });
    row += rows;
    return {features: {rows, columns: 2, data}, classes: new Int32Array(rows).fill(1)};
  });
  expect(row).toBe(images * places);
  await writeFeatures(path, chunks, {columns: 2, classNames: ['good', 'defect']});
  return path;
}

test.each([[[4, 4, 4]], [[12]], [[3, 6, 3]]])(
  'windows are gathered by place, from batches of %j rows',
  async (sizes) => {
    const windows = await openWindows(await written(3, 4, sizes), 4);
    expect(windows).toMatchObject({images: 3, places: 4, columns: 2, rows: 12, classNames: ['good', 'defect']});
    const [second, third] = await gatherPlaces(windows, 1, 2);
    expect(second).toEqual({rows: 3, columns: 2, data: Float32Array.of(0, 1, 1, 1, 2, 1)});
    expect(third).toEqual({rows: 3, columns: 2, data: Float32Array.of(0, 2, 1, 2, 2, 2)});
    let rows = 0;
    for await (const {features} of streamFeatures(windows.path)) rows += features.rows;
    expect(rows).toBe(12);
  },
);

test('a file of windows of other images is refused', async () => {
  await expect(openWindows(await written(3, 4, [4, 8]), 5)).rejects.toThrow(
    '12 windows are not those of images of 5 each',
  );
});

test('a sample has the right size and order, and each row is equally likely', async () => {
  const windows = await openWindows(await written(5, 8, [8, 8, 8, 8, 8]), 8);
  expect((await sampleRows(windows, 100, new Rng(0))).rows).toBe(40);
  const counts = new Uint32Array(40);
  for (let seed = 0; seed < 400; seed++) {
    const {rows, data} = await sampleRows(windows, 10, new Rng(seed));
    expect(rows).toBe(10);
    const numbers = Array.from({length: 10}, (_, i) => 8 * data[2 * i]! + data[2 * i + 1]!);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(10);
    for (const number of numbers) counts[number]!++;
  }
  // 100 are expected of each; four deviations are 35.
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(35);
});

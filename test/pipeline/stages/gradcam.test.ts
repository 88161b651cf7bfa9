import {join} from 'node:path';
import {expect, test} from 'vitest';
import {createImagesWriter} from '../../../src/core/formats/arrow/images.ts';
import {attributionOf, type GradcamRecipe} from '../../../src/pipeline/stages/gradcam.ts';
import {temporaryFolder} from '../../rig/archives.ts';

test('integrated gradients start from the mean of the normal training images, in earlier results from that of all classes', async () => {
  const place = temporaryFolder('gradcam');
  const path = join(place.folder, 'train.arrow');
  const shape = {height: 1, width: 1, channels: 3} as const;
  const writer = await createImagesWriter(path, {shape, classes: ['cat', 'dog']});
  const pixels = Uint8Array.of(255, 0, 51, 0, 255, 51, 0, 0, 204);
  await writer.write({shape, count: 3, pixels, classes: Int32Array.of(1, 1, 0)});
  await writer.close();
  const startOf = async (pixels: GradcamRecipe['pixels']): Promise<readonly number[]> => {
    const recipe = {learner: {type: 'rotation'}, versions: {}, normal: 'dog', ...(pixels && {pixels})};
    const by = await attributionOf(recipe, () => path);
    return by.by === 'integrated-gradients' ? Array.from(by.baseline.data, (value) => Math.round(30 * value)) : [];
  };
  expect(await startOf({sigma: 1, steps: 2, start: 'normal'})).toEqual([15, 15, 6]);
  expect(await startOf({sigma: 1, steps: 2})).toEqual([10, 10, 12]);
  place.remove();
});

/** Which places of images are of their foreground. */
import {streamFeatures} from '../../core/formats/arrow/features.ts';
import {foregroundOf} from '../../core/images/foreground.ts';
import type {WindowFeatures} from './window-features.ts';

/**
 * Each record batch has the places of one image, as `embed` has written them. In images `without` a foreground the mask makes no sense:
 * all their places count. They would otherwise score 0, as the most normal images of all.
 */
export async function foregroundRows({path, rows, grid}: WindowFeatures, foreground: number) {
  const counting = new Uint8Array(rows);
  const [height, width] = grid!;
  let [row, without] = [0, 0];
  for await (const {features} of streamFeatures(path)) {
    if (features.rows !== height * width) throw new Error(`${features.rows} places together, not those of one image`);
    const mask = foregroundOf(features, {height, width}, foreground);
    if (!mask.includes(1)) {
      mask.fill(1);
      without++;
    }
    counting.set(mask, row);
    row += features.rows;
  }
  return {counting, without};
}

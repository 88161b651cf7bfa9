/** The maps of a trained network, for features of places. */
import type {FeatureMaps, ImageSet} from '../../core/contracts/data.ts';
import {NoSuchMap, type View} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {tf} from '../../core/engine/engine.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {BatchRun} from './batch-run.ts';
import {floatImages, pixelsAtOnce} from './layer.ts';

/** Float images → the named maps, in their order. */
export const openPlaces = (
  mapsOf: NonNullable<Network['maps']>,
  weights: Weights,
  names: readonly string[],
): BatchRun =>
  new BatchRun(weights, (x) => {
    const all = mapsOf(weights, x);
    return names.map((name) => {
      const map = all[name];
      if (!map) throw new NoSuchMap(`the network has no map "${name}"; known: ${Object.keys(all).join(', ')}`);
      return map;
    });
  });

/** Uint8 images → what `openPlaces` has of them. */
export async function placesOf(run: BatchRun, images: ImageSet, view?: View): Promise<readonly FeatureMaps[]> {
  const {height, width} = images.shape;
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
  const maps: FeatureMaps[] = [];
  for (let from = 0; from < images.count; from += atOnce) {
    const count = Math.min(atOnce, images.count - from);
    const made = tf.tidy(() => {
      const x = tf.tensor4d(floatImages(images, from, count, view), [count, height, width, 3]);
      return run.next(x, {full: count === atOnce});
    });
    for (const [i, map] of made.entries()) {
      const [, rows, columns, channels] = map.shape as [number, number, number, number];
      const size = rows * columns * channels;
      maps[i] ??= {
        count: images.count,
        height: rows,
        width: columns,
        channels,
        data: new Float32Array(images.count * size),
      };
      maps[i].data.set(await map.data<'float32'>(), from * size);
      map.dispose();
    }
  }
  return maps;
}

/** The maps of a trained network, for features of places. */
import type {FeatureMaps, ImageSet} from '../../core/contracts/data.ts';
import {NoSuchMap, type View} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {tf} from '../../core/engine/engine.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {floatImages, pixelsAtOnce} from './layer.ts';

/** Uint8 images → the named maps, in their order. */
export async function placesOf(
  mapsOf: NonNullable<Network['maps']>,
  weights: Weights,
  images: ImageSet,
  names: readonly string[],
  view?: View,
): Promise<readonly FeatureMaps[]> {
  const {height, width} = images.shape;
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
  const maps: FeatureMaps[] = [];
  for (let from = 0; from < images.count; from += atOnce) {
    const count = Math.min(atOnce, images.count - from);
    const made = tf.tidy(() => {
      const all = mapsOf(weights, tf.tensor4d(floatImages(images, from, count, view), [count, height, width, 3]));
      return names.map((name) => {
        const map = all[name];
        if (!map) throw new NoSuchMap(`the network has no map "${name}"; known: ${Object.keys(all).join(', ')}`);
        return map;
      });
    });
    for (const [i, map] of made.entries()) {
      const [, rows, columns, channels] = map.shape;
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

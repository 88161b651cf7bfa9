import type {ImageSet, Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {Encoder} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor2D, tf} from '../../core/engine/engine.ts';
import {disposeWeights, weightsFromArrays} from '../../core/nn/layers.ts';
import {embed} from '../networks/head.ts';
import {BatchRun} from './batch-run.ts';
import {explain, type Parts} from './explain.ts';
import {floatImages, type Layer, pixelsAtOnce} from './layer.ts';
import {openPlaces, placesOf} from './places.ts';

/** What every encoder offers: its pooled feature, and the levels that its network has. */
export function ownLayers(network: Network): {readonly pool: Layer; readonly [level: string]: Layer} {
  const levels = Object.entries(network.levels ?? {}).map(([name, {pool}]) => [name, pool] as const);
  return {...Object.fromEntries(levels), pool: (weights, x) => network.pool(weights, x, {training: false})};
}

/** What every learner with a projection head offers: the same, and the head's last layer. */
export function poolAndEmbed(network: Network): ReturnType<typeof ownLayers> & {readonly embed: Layer} {
  const own = ownLayers(network);
  return {
    ...own,
    embed: (weights, x) => embed(weights, network.head, own.pool(weights, x), {training: false}),
  };
}

/** An encoder with saved weights: uint8 images → one of `layers`, batch by batch. `parts`: what its scores are explained by. */
export function openEncoder(arrays: NamedArrays, layers: {readonly [name: string]: Layer}, parts?: Parts): Encoder {
  const weights = weightsFromArrays(arrays);
  const runs = new Map(
    Object.entries(layers).map(([name, layer]) => [name, new BatchRun(weights, (x) => [layer(weights, x)])]),
  );
  /** By the names of the maps. */
  const places = new Map<string, BatchRun>();
  const placesNamed = (mapsOf: NonNullable<Network['maps']>, names: readonly string[]): BatchRun => {
    const key = JSON.stringify(names);
    const run = places.get(key) ?? openPlaces(mapsOf, weights, names);
    places.set(key, run);
    return run;
  };
  const {maps} = parts ?? {};
  return {
    async embed(images, name, view): Promise<Matrix> {
      const run = runs.get(name);
      if (!run) throw new Error(`no layer "${name}"; known: ${Object.keys(layers).join(', ')}`);
      const {height, width} = images.shape;
      const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
      let data: Float32Array | undefined;
      let columns = 0;
      for (let from = 0; from < images.count; from += atOnce) {
        const count = Math.min(atOnce, images.count - from);
        const x = tf.tensor4d(floatImages(images, from, count, view), [count, height, width, 3]);
        const [y] = run.next(x, {full: count === atOnce}) as [Tensor2D];
        x.dispose();
        columns = y.shape[1];
        const features = await y.data<'float32'>();
        y.dispose();
        data ??= new Float32Array(images.count * columns);
        data.set(features, from * columns);
      }
      return {rows: images.count, columns, data: data ?? new Float32Array(0)};
    },
    ...(maps && {maps: (images, names, view) => placesOf(placesNamed(maps, names), images, view)}),
    ...(parts && {explain: (images, score, by) => explain({weights, layers, ...parts}, images, score, by)}),
    dispose() {
      for (const run of [...runs.values(), ...places.values()]) run.dispose();
      disposeWeights(weights);
    },
  };
}

/** Side of square images; throws for others, because no network here supports them. */
export function sideOf({shape: {height, width}}: ImageSet): number {
  if (height !== width) throw new Error(`networks take square images, but these are ${width}×${height} pixels`);
  return height;
}

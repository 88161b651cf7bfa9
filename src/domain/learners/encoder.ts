import type {ImageSet, Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {Encoder} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {backendEngine, type Tensor2D, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {type Compiled, compile} from '../../core/nn/compile.ts';
import {disposeWeights, type Weights, weightsFromArrays} from '../../core/nn/layers.ts';
import {embed} from '../networks/head.ts';
import {explain, type Parts} from './explain.ts';
import {floatImages, type Layer, pixelsAtOnce} from './layer.ts';
import {placesOf} from './places.ts';

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
  const runs = new Map(Object.entries(layers).map(([name, layer]) => [name, new LayerRun(weights, layer)]));
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
        const y = run.next(x, {full: count === atOnce});
        x.dispose();
        columns = y.shape[1];
        const features = await y.data<'float32'>();
        y.dispose();
        data ??= new Float32Array(images.count * columns);
        data.set(features, from * columns);
      }
      return {rows: images.count, columns, data: data ?? new Float32Array(0)};
    },
    ...(parts?.maps && {maps: (images, names, view) => placesOf(parts.maps!, weights, images, names, view)}),
    ...(parts && {explain: (images, score, by) => explain({weights, layers, ...parts}, images, score, by)}),
    dispose() {
      for (const run of runs.values()) run.dispose();
      disposeWeights(weights);
    },
  };
}

/**
 * TensorFlow's graph costs as much as ten to forty batches, and computes the same bits: it is made once so many full ones were seen.
 * ONNX Runtime's computes others than wasm, so that equal images would get other features in later batches: it makes none here.
 */
const batchesBeforeGraph = 24;

/** A layer, batch after batch. */
class LayerRun {
  readonly #layer: (x: Tensor4D) => Tensor2D;
  readonly #graph: Compiled;
  #seen = 0;

  constructor(weights: Weights, layer: Layer) {
    this.#layer = (x) => layer(weights, x);
    this.#graph = compile([...weights.values()], ([x]) => [this.#layer(x as Tensor4D)]);
  }

  /** `full`: the batch has as many images as all others but the last. */
  next(x: Tensor4D, {full}: {readonly full: boolean}): Tensor2D {
    if (full && backendEngine()?.embedsByGraph && this.#seen++ >= batchesBeforeGraph)
      return this.#graph.run([x])[0] as Tensor2D;
    return tf.tidy(() => this.#layer(x));
  }

  dispose(): void {
    this.#graph.dispose();
  }
}

/** Side of square images; throws for others, because no network here supports them. */
export function sideOf({shape: {height, width}}: ImageSet): number {
  if (height !== width) throw new Error(`networks take square images, but these are ${width}×${height} pixels`);
  return height;
}

import type {FloatImage, ImageSet, Matrix, NamedArrays} from '../../core/contracts/data.ts';
import type {ActivationMaps, Encoder} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {
  backendEngine,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tf,
} from '../../core/engine/engine.ts';
import {floatImage} from '../../core/images/float-image.ts';
import {type Compiled, compile} from '../../core/nn/compile.ts';
import {disposeWeights, globalAveragePool, type Weights, weightsFromArrays} from '../../core/nn/layers.ts';
import {embed} from '../networks/head.ts';

/** Float images (n, h, w, 3) → (n, columns), each row depends only on its own image. */
export type Layer = (weights: Weights, x: Tensor4D) => Tensor2D;

/** Pixels that go through the network at once. This limits its activations, each 256 bytes a pixel in ResNet-18's first stage. */
export const pixelsAtOnce = 64 * 32 * 32;

/** The learner's own anomaly score, for GradCAM. */
export interface OwnScore {
  readonly map: NonNullable<Network['map']>;
  /** Pooled feature (n, d) → (n), each row's score depends only on that row. */
  score(weights: Weights, pooled: Tensor2D): Tensor1D;
}

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

/** An encoder with saved weights: uint8 images → one of `layers`, batch by batch. */
export function openEncoder(
  arrays: NamedArrays,
  layers: {readonly [name: string]: Layer},
  ownScore?: OwnScore,
): Encoder {
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
    ...(ownScore && {cam: (images) => camOf(weights, images, ownScore)}),
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

/**
 * GradCAM (Selvaraju et al. 2017): the last map's channels, each weighted by the mean gradient of the score with respect to it,
 * added up; negative values become 0. The pooled feature is the map's mean over its places, so that the gradient is the same at
 * all of them and needs to go through the head alone.
 */
async function camOf(weights: Weights, images: ImageSet, {map, score}: OwnScore): Promise<ActivationMaps> {
  const {height, width} = images.shape;
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
  const parts: Float32Array[] = [];
  let shape = [0, 0, 0];
  for (let from = 0; from < images.count; from += atOnce) {
    const count = Math.min(atOnce, images.count - from);
    const cams = tf.tidy(() => {
      const y = map(weights, tf.tensor4d(floatImages(images, from, count), [count, height, width, 3]));
      const [, rows, columns, channels] = y.shape;
      const gradient = tf.grad((pooled) => tf.sum(score(weights, pooled as Tensor2D)))(globalAveragePool(y));
      const alpha = tf.div(tf.reshape(gradient, [count, 1, 1, channels]), rows * columns);
      return tf.relu(tf.sum(tf.mul(y, alpha), 3)) as Tensor3D;
    });
    shape = cams.shape;
    parts.push(Float32Array.from(await cams.data<'float32'>()));
    cams.dispose();
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return {count: images.count, height: shape[1]!, width: shape[2]!, data};
}

/** `count` images from index `from` on, as the network sees them, one after the other. */
function floatImages(
  images: ImageSet,
  from: number,
  count: number,
  view: (image: FloatImage, index: number) => FloatImage = (image) => image,
): Float32Array {
  const size = images.shape.height * images.shape.width * 3;
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.set(view(floatImage(images, from + i), from + i).data, i * size);
  return data;
}

/** Side of square images; throws for others, because no network here supports them. */
export function sideOf({shape: {height, width}}: ImageSet): number {
  if (height !== width) throw new Error(`networks take square images, but these are ${width}×${height} pixels`);
  return height;
}

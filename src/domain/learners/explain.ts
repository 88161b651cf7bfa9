/** Which places of an image raise its score: by the last map (GradCAM), or by the slopes of its pixels. */
import type {ImageSet, Matrix} from '../../core/contracts/data.ts';
import {type Attribution, type Explained, NotExplainable, type RelevanceMaps} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {globalAveragePool, type Weights} from '../../core/nn/layers.ts';
import {embed} from '../networks/head.ts';
import {floatImages, type Layer, pixelsAtOnce} from './layer.ts';

/** Parts of a trained network by which its scores are explained, and its places are embedded. */
export interface Parts {
  readonly map?: Network['map'];
  readonly maps?: Network['maps'];
  /** Layers that are functions of the pooled feature (n, d) alone, by name: `pool` is one. */
  readonly ofPooled: {readonly [layer: string]: (weights: Weights, pooled: Tensor2D) => Tensor2D};
  /** The learner's own anomaly score: pooled feature (n, d) → (n), each row's score depends only on that row. */
  readonly own?: ((weights: Weights, pooled: Tensor2D) => Tensor1D) | undefined;
}

/** Those of every learner with a projection head. */
export const partsOf = (network: Network, more: Partial<Parts> = {}): Parts => ({
  ...(network.map && {map: network.map}),
  ...(network.maps && {maps: network.maps}),
  ...(more.own && {own: more.own}),
  ofPooled: {
    pool: (_, pooled) => pooled,
    embed: (weights, pooled) => embed(weights, network.head, pooled, {training: false}),
    ...more.ofPooled,
  },
});

interface Trained extends Parts {
  readonly weights: Weights;
  readonly layers: {readonly [name: string]: Layer};
}

/** (n, …) → the features whose score is asked about, (n, d). */
type Path<T extends Tensor> = (from: T) => Tensor2D;

export async function explain(
  trained: Trained,
  images: ImageSet,
  score: Explained,
  attribution: Attribution,
): Promise<RelevanceMaps> {
  const {height, width} = images.shape;
  const relevance = attribution.by === 'gradcam' ? gradcam(trained, score) : ofPixels(trained, score, attribution);
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [0, height, width];
  for (let from = 0; from < images.count; from += atOnce) {
    const count = Math.min(atOnce, images.count - from);
    const x = tf.tensor4d(floatImages(images, from, count), [count, height, width, 3]);
    const maps = await relevance(x);
    x.dispose();
    shape = maps.shape;
    parts.push(Float32Array.from(await maps.data<'float32'>()));
    maps.dispose();
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return {count: images.count, height: shape[1]!, width: shape[2]!, data};
}

/**
 * The pooled feature is the map's mean over its places, so that the slope is the same at all of them, and needs to go through what comes
 * after it alone. Negative values become 0.
 */
function gradcam({weights, map, ofPooled, own}: Trained, score: Explained): (x: Tensor4D) => Promise<Tensor3D> {
  if (!map) throw new NotExplainable('its network has no feature map');
  const path: Path<Tensor2D> =
    score === 'own' ? ownOf(own, weights) : (pooled) => layerOf(ofPooled, score.layer)(weights, pooled);
  return async (x) => {
    const y = tf.tidy(() => map(weights, x));
    const pooled = tf.tidy(() => globalAveragePool(y));
    const slopes = await slopesOf(path, pooled, score);
    const maps = tf.tidy(() => {
      const [count, rows, columns, channels] = y.shape;
      const alpha = tf.div(tf.reshape(slopes, [count, 1, 1, channels]), rows * columns);
      return tf.relu(tf.sum(tf.mul(y, alpha), 3)) as Tensor3D;
    });
    tf.dispose([y, pooled, slopes]);
    return maps;
  };
}

function ofPixels(
  {weights, layers, own}: Trained,
  score: Explained,
  attribution: Attribution,
): (x: Tensor4D) => Promise<Tensor3D> {
  const path: Path<Tensor4D> =
    score === 'own'
      ? (x) => ownOf(own, weights)(layerOf(layers, 'pool')(weights, x))
      : (x) => layerOf(layers, score.layer)(weights, x);
  if (attribution.by !== 'integrated-gradients')
    return async (x) => {
      const slopes = await slopesOf(path, x, score);
      const largest = tf.tidy(() => tf.max(tf.abs(slopes), 3) as Tensor3D);
      slopes.dispose();
      return largest;
    };
  const {steps, baseline} = attribution;
  return async (x) => {
    const start = tf.tensor4d(baseline.data, [1, ...(x.shape.slice(1) as [number, number, number])]);
    const way = tf.sub(x, start);
    let sum: Tensor4D = tf.zerosLike(x);
    for (let step = 0; step < steps; step++) {
      // The middle of each step: its error falls with the square of their number.
      const between = tf.tidy(() => tf.add(start, tf.mul(way, (step + 0.5) / steps)) as Tensor4D);
      const slopes = await slopesOf(path, between, score);
      const next: Tensor4D = tf.add(sum, slopes);
      tf.dispose([between, slopes, sum]);
      sum = next;
    }
    const maps = tf.tidy(() => tf.relu(tf.sum(tf.mul(way, tf.div(sum, steps)), 3)) as Tensor3D);
    tf.dispose([start, way, sum]);
    return maps;
  };
}

/** The score's slopes at `at`, through the features: those of the features are the classifier's. */
async function slopesOf<T extends Tensor2D | Tensor4D>(path: Path<T>, at: T, score: Explained): Promise<T> {
  if (score === 'own') return tf.tidy(() => tf.grad((x) => tf.sum(path(x as T)))(at) as T);
  const features = tf.tidy(() => tf.clone(path(at))); // the path may be no step at all
  const [rows, columns] = features.shape;
  const {data}: Matrix = score.slopes({rows, columns, data: Float32Array.from(await features.data<'float32'>())});
  features.dispose();
  return tf.tidy(() => {
    const own = tf.tensor2d(data, [rows, columns]);
    return tf.grad((x) => tf.sum(tf.mul(path(x as T), own)))(at) as T;
  });
}

function ownOf(own: Parts['own'], weights: Weights): Path<Tensor2D> {
  if (!own) throw new NotExplainable('it has no score of its own');
  return (pooled) => tf.expandDims(own(weights, pooled), 1);
}

function layerOf<T>(layers: {readonly [name: string]: T}, name: string): T {
  const layer = layers[name];
  if (layer) return layer;
  throw new NotExplainable(`layer "${name}" is not one of ${Object.keys(layers).join(', ')}`);
}

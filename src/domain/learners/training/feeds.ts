/** The feeds of a training, one after the other: of all its images, and then of those that its refinement has left each time. */
import type {ImageSet, Matrix, NamedArrays} from '../../../core/contracts/data.ts';
import type {FitContext} from '../../../core/contracts/learner.ts';
import {sizeOf} from '../../../core/formats/arrow/images.ts';
import {type Weights, weightsToArrays} from '../../../core/nn/layers.ts';
import {arraysUnder} from '../../../core/nn/optimise.ts';
import {batchStream, type Feed, instancesOf, openFeed} from './feed.ts';
import type {Training} from './phases.ts';

const prefix = 'removed/';

export class Feeds {
  readonly #training: Training;
  /** Of all phases. */
  readonly #epochs: number;
  /** Epochs → numbers of the images that the training goes on without from there, in the order of the epochs. */
  readonly #removed: Map<number, Uint32Array>;
  #open: Feed | undefined;

  /** `saved`: the arrays of a checkpoint to go on from. */
  constructor(training: Training, epochs: number, saved: NamedArrays | undefined) {
    this.#training = training;
    this.#epochs = epochs;
    const kept = saved ? [...arraysUnder(prefix, saved)] : [];
    this.#removed = new Map(kept.map(([epoch, {data}]) => [Number(epoch), Uint32Array.from(data)]));
  }

  /** Absent: the training is not refined. */
  get removed(): ReadonlyMap<number, Uint32Array> | undefined {
    return this.#training.context.refinement && this.#removed;
  }

  /** The feed that makes this epoch, from 0. Where the images are to be judged before it, they are, by `weights`. */
  async of(epoch: number, weights: Weights): Promise<Feed> {
    const {refinement} = this.#training.context;
    if (refinement?.isDue(epoch) && !this.#removed.has(epoch)) {
      this.#removed.set(epoch, refinement.remove(await this.#features(refinement.layer, weights), epoch));
      await this.close();
    }
    this.#open ??= this.#feedFrom(epoch);
    return this.#open;
  }

  /** For checkpoints. */
  arrays(): NamedArrays {
    const asArray = (rows: Uint32Array) => ({shape: [rows.length], data: Float32Array.from(rows)});
    return new Map([...this.#removed].map(([epoch, rows]) => [`${prefix}${epoch}`, asArray(rows)]));
  }

  async close(): Promise<void> {
    await this.#open?.close();
    this.#open = undefined;
  }

  #feedFrom(epoch: number): Feed {
    const {context, learner, batch, stepsPerEpoch} = this.#training;
    const {augment, distributionAugmentation: copies = [], plugins, rng} = context;
    const latest = [...this.#removed.values()].at(-1);
    const images = latest ? without(context.images, latest) : context.images;
    return openFeed({
      images,
      learner,
      augment,
      copies,
      plugins,
      stream: batchStream(rng),
      batch: Math.min(batch, instancesOf(images, copies)),
      epochs: this.#epochs,
      startEpoch: epoch,
      dropLast: true,
      ...(stepsPerEpoch !== undefined && {stepsPerEpoch}),
    });
  }

  /** Of all images, by the learner's own encoder. */
  async #features(layer: string, weights: Weights): Promise<Matrix> {
    const {context, learner} = this.#training;
    const {images, plugins, signal} = context;
    const encoder = plugins.create('learner', learner).encoder(await weightsToArrays(weights), plugins);
    try {
      const features = await encoder.embed(images, layer);
      signal.throwIfAborted();
      return features;
    } finally {
      encoder.dispose();
    }
  }
}

/** The images that are not among the `removed` ones, in memory that threads can share. */
function without({shape, count, pixels}: FitContext['images'], removed: Uint32Array): ImageSet {
  const gone = new Set(removed);
  const size = sizeOf(shape);
  const left = new Uint8Array(new SharedArrayBuffer((count - gone.size) * size));
  let to = 0;
  for (let i = 0; i < count; i++) {
    if (gone.has(i)) continue;
    left.set(pixels.subarray(i * size, (i + 1) * size), to);
    to += size;
  }
  return {shape, count: count - gone.size, pixels: left};
}

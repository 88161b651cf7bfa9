/**
 * The training batches of a learner: augmentation in worker threads that work in advance of the training step, so that the
 * accelerator does not wait. The content of a batch depends only on (stream, pass, instance), not on the number of
 * threads or the engine. A pass goes once over all instances, in a new order; an epoch is usually one pass.
 *
 * An instance counts as one image for a learner: an image, or a copy of it by distribution augmentation (paper 2.5).
 * Instance i is image i mod n in its copy floor(i / n); copy 0 is the original. Copies are made again when needed, not kept.
 */

import {availableParallelism} from 'node:os';
import {Worker} from 'node:worker_threads';
import {compiledUrl} from '../../../core/base/compiled.ts';
import {Rng} from '../../../core/base/random.ts';
import type {FloatImage, ImageSet} from '../../../core/contracts/data.ts';
import type {PluginRef} from '../../../core/contracts/definition.ts';
import type {CopyRef, PluginFactory} from '../../../core/contracts/learner.ts';
import {floatImage} from '../../../core/images/float-image.ts';
import type {ModuleRef} from '../../../core/plugin/code.ts';
import {compose} from '../../transforms/compose.ts';

export interface FeedOptions {
  readonly images: ImageSet;
  /** The learner whose `views` make the network inputs; options resolved. */
  readonly learner: PluginRef;
  /** The spec's augmentation; options resolved. */
  readonly augment: readonly PluginRef[];
  /** Of distribution augmentation; default: none. */
  readonly copies?: readonly CopyRef[];
  /** Its `modules` are imported by the threads: compiled JavaScript. */
  readonly plugins: PluginFactory;
  /** `rng.path`: the source of all randomness. */
  readonly stream: string;
  /** Instances in each step; the network gets `views` inputs of each. */
  readonly batch: number;
  readonly epochs: number;
  /** First epoch to make, counted from 0: where a resumed training continues. */
  readonly startEpoch: number;
  /** true: the last instances of a pass are left out if they do not fill a batch. */
  readonly dropLast: boolean;
  /** Batches of an epoch; passes over the instances may then continue in the next epoch. Default: an epoch is one pass. */
  readonly stepsPerEpoch?: number;
  /** Default: one core is left to the training step, at most 4 threads. */
  readonly threads?: number;
}

export interface FeedBatch {
  readonly epoch: number;
  readonly step: number;
  /** Instances in this batch: `batch`, or fewer at the end of an epoch. */
  readonly count: number;
  readonly views: number;
  /** (views · count, height, width, 3): view 0 of every instance, then view 1 … Valid until the next `next()`. */
  readonly images: Float32Array;
}

export interface Feed {
  readonly views: number;
  readonly height: number;
  readonly width: number;
  readonly stepsPerEpoch: number;
  /** The next batch in order; undefined after the last. One call at a time. Rejects when a thread failed. */
  next(): Promise<FeedBatch | undefined>;
  /** Ends the threads; a pending `next()` rejects. */
  close(): Promise<void>;
}

/** The first message to a thread. */
export interface FeedSetup {
  readonly modules: readonly ModuleRef[];
  readonly images: ImageSet;
  readonly learner: PluginRef;
  readonly augment: readonly PluginRef[];
  readonly copies: readonly CopyRef[];
  readonly stream: string;
  readonly views: number;
  readonly height: number;
  readonly width: number;
  readonly slots: readonly SharedArrayBuffer[];
}

/** A batch to make in a slot; the thread answers with the slot's number. */
export interface FeedJob {
  readonly slot: number;
  readonly pass: number;
  readonly indices: Uint32Array;
}

export const instancesOf = (images: ImageSet, copies: readonly CopyRef[]): number => images.count * (1 + copies.length);

/** Makes instances by number: as if the training set had been expanded before, the same in every epoch. */
export function instanceMaker(
  images: ImageSet,
  copies: readonly CopyRef[],
  plugins: PluginFactory,
  stream: string,
): (index: number) => FloatImage {
  const transforms = copies.map((copy) => compose(copy, plugins));
  return (index) => {
    const image = floatImage(images, index % images.count);
    const transform = transforms[Math.floor(index / images.count) - 1];
    return transform ? transform(image, new Rng(`${stream}/copy/${index}`)) : image;
  };
}

/** The source of all randomness in a training's batches. */
export const batchStream = (rng: Rng): string => rng.fork('batches').path;

export type ViewOptions = Pick<FeedOptions, 'images' | 'learner' | 'augment' | 'copies' | 'plugins' | 'stream'>;

export interface ViewMaker {
  instance(index: number): FloatImage;
  /** The network's inputs from one instance in one pass. */
  views(pass: number, index: number): readonly FloatImage[];
}

/** The only way from training images to network inputs: for training, and for the contact sheet. */
export function viewMaker({images, learner: ref, augment, copies = [], plugins, stream}: ViewOptions): ViewMaker {
  const learner = plugins.create('learner', ref);
  if (!learner.views) throw new Error(`learner "${ref.type}" makes no views, because it does not train`);
  const draw = compose(augment, plugins);
  const instance = instanceMaker(images, copies, plugins, stream);
  const others = instancesOf(images, copies) - 1;
  const another = (index: number, rng: Rng): FloatImage =>
    instance(others === 0 ? index : (index + 1 + rng.integer(others)) % (others + 1));
  return {
    instance,
    views: (pass, index) =>
      learner.views!(instance(index), draw, instanceRng(stream, pass, index), (rng) => another(index, rng)),
  };
}

/** Names the stream of one instance in one pass. */
const instanceRng = (stream: string, pass: number, index: number): Rng => new Rng(`${stream}/image/${pass}/${index}`);

export function openFeed(options: FeedOptions): Feed {
  const {images, learner, augment, copies = [], plugins, stream, batch, epochs, startEpoch, dropLast} = options;
  const instances = instancesOf(images, copies);
  const stepsPerPass = dropLast ? Math.floor(instances / batch) : Math.ceil(instances / batch);
  const stepsPerEpoch = options.stepsPerEpoch ?? stepsPerPass;
  if (stepsPerPass === 0)
    throw new Error(
      `${instances} training images do not fill a batch of ${batch}; lower "batch" or use more images ("limit.train")`,
    );
  const {views, height, width} = probe(options);

  const threads = options.threads ?? Math.max(1, Math.min(4, availableParallelism() - 1));
  // The caller holds one slot, each thread fills one, and one is ready.
  const slots = Array.from(
    {length: threads + 2},
    () => new SharedArrayBuffer(views * batch * height * width * 3 * Float32Array.BYTES_PER_ELEMENT),
  );
  const setup: FeedSetup = {
    modules: plugins.modules,
    images: shared(images),
    learner,
    augment,
    copies,
    stream,
    views,
    height,
    width,
    slots,
  };

  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const ready = new Set<number>(); // slots that are filled
  const fail = (error: Error): void => {
    failure ??= error;
    wake?.();
  };
  const workers = Array.from({length: threads}, () => {
    const worker = new Worker(new URL('./feed-thread.js', compiledUrl(import.meta.url)), {workerData: setup});
    worker.on('message', (slot: number) => {
      ready.add(slot);
      wake?.();
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`an augmentation thread ended early (exit code ${code})`)));
    return worker;
  });

  const total = Math.max(0, epochs - startEpoch) * stepsPerEpoch;
  /** Where batch number `at` of this feed stands in the whole training. */
  const placeOf = (at: number) => {
    const step = startEpoch * stepsPerEpoch + at;
    return {
      epoch: Math.floor(step / stepsPerEpoch),
      step: step % stepsPerEpoch,
      pass: Math.floor(step / stepsPerPass),
      inPass: step % stepsPerPass,
    };
  };
  let order: Uint32Array | undefined;
  let sent = 0;
  let taken = 0;
  /** Batch number `sent` goes into slot `sent % slots` and to thread `sent % threads`: all batches cost the same. */
  const send = (): void => {
    if (sent >= total) return;
    const {pass, inPass} = placeOf(sent);
    if (inPass === 0 || !order) order = new Rng(`${stream}/order/${pass}`).permutation(instances);
    const indices = order.slice(inPass * batch, (inPass + 1) * batch);
    const job: FeedJob = {slot: sent % slots.length, pass, indices};
    workers[sent % threads]!.postMessage(job);
    sent++;
  };
  for (let i = 0; i < slots.length; i++) send();

  return {
    views,
    height,
    width,
    stepsPerEpoch,
    async next() {
      if (wake) throw new Error('Internal error: two calls of next() at once on one feed');
      if (failure) throw failure;
      // The last batch is finished: its slot is used for the batch that comes `slots` later.
      if (taken > 0) send();
      if (taken >= total) return undefined;
      const slot = taken % slots.length;
      while (!ready.has(slot) && !failure)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      wake = undefined;
      if (failure) throw failure;
      ready.delete(slot);
      const {epoch, step, inPass} = placeOf(taken);
      const count = Math.min(batch, instances - inPass * batch);
      taken++;
      return {epoch, step, count, views, images: new Float32Array(slots[slot]!, 0, views * count * height * width * 3)};
    },
    async close() {
      fail(new Error('the feed is closed'));
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Number and size of the inputs that the learner makes from an image, found by making those of the first. */
function probe(options: FeedOptions) {
  const views = viewMaker(options).views(0, 0);
  const first = views[0];
  if (!first) throw new Error(`learner "${options.learner.type}" makes no views, because it does not train`);
  return {views: views.length, height: first.height, width: first.width};
}

/** The images in memory that all threads read; copied once unless they are there already. */
function shared(images: ImageSet): ImageSet {
  if (images.pixels.buffer instanceof SharedArrayBuffer) return images;
  const pixels = new Uint8Array(new SharedArrayBuffer(images.pixels.length));
  pixels.set(images.pixels);
  return {shape: images.shape, count: images.count, pixels};
}

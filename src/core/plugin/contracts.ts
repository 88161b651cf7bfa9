/**
 * What the six kinds of plug-in promise. Every sentence here is held by `test/contract/`.
 *
 * Conventions, everywhere: higher score = more anomalous; label 1 = anomalous, 0 = normal; rates and AUC in [0, 1];
 * images are uint8 NHWC where stored and float32 [0, 1] NHWC (no mean or deviation taken out) where learnt from.
 */

import type {Rng} from '../base/random.ts';
import type {Result} from '../base/result.ts';
import type {Tensor2D, Tensor4D} from '../engine/engine.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import type {Picture} from '../images/picture.ts';
import type {ParameterSpec, Weights} from '../nn/layers.ts';
import type {PluginRef, Plugins} from './registry.ts';

/** Row-major (rows, columns). */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** What is saved of a fitted thing: name → shape and values. Order of insertion is kept. */
export type NamedArrays = ReadonlyMap<string, {readonly shape: readonly number[]; readonly data: Float32Array}>;

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1 = grey: copied to three channels when it becomes float (paper protocol for Fashion-MNIST). */
  readonly channels: 1 | 3;
}

/** `count` images, uint8 NHWC; the buffer may be shared between threads. */
export interface ImageSet {
  readonly shape: ImageShape;
  readonly count: number;
  readonly pixels: Uint8Array;
}

/** One image, float32 HWC; nominally [0, 1] but colour jitter does not clip. */
export interface FloatImage {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array;
}

// ---------------------------------------------------------------------------------------------------------- dataset

export type Split = 'train' | 'test';

/** A file that a dataset (or a learner's option) is read from; its content digest is part of the cache key, its path is not. */
export interface SourceFile {
  /** Stable name, such as `train-images-idx3-ubyte.gz`. */
  readonly name: string;
  readonly path: string;
}

/** Where datasets may lie, best first: `--data`, `./data`, the system's folders; and whether fetching is allowed. */
export interface DataRoots {
  readonly folders: readonly string[];
  readonly fetchInto?: string;
  report?(message: string): void;
}

/** A dataset, or a file that a learner's option names, that can't be had: what was looked for, where, what to do. */
export interface DatasetProblem {
  readonly message: string;
  readonly hint: string;
}

export interface ImageBatch extends ImageSet {
  /** Index into `Dataset.classes`, one an image. */
  readonly classes: Int32Array;
  /** 1 = this pixel is defective, 0 = it is not; (count, height, width). Of the test images of a dataset that has `masks`. */
  readonly masks?: Uint8Array;
}

export interface Dataset {
  /** Names of the one-class problems, in the papers' order. Each is a task of its own. */
  readonly inliers: readonly string[];
  /** Class names; the stored class of an image is an index into them. */
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  /** true: the images differ between inliers (MVTec's categories), and are read once an inlier; false: read once for all. */
  readonly perInlier: boolean;
  /** Training images of the normal class, as published; absent (or undefined): known only once they are read. */
  trainImages?(inlier: string): number | undefined;
  /** true: its test images come with masks, the truth for every pixel. */
  readonly masks?: boolean;
  /** Whether all images of this inlier show one object in one pose, so that a place in one is the same place in all. Absent: no. */
  aligned?(inlier: string): boolean;
  /** The class that is normal when `inlier` is: itself in one-vs-rest, `good` for MVTec. All other classes are anomalous. */
  normalClass(inlier: string): string;
  /** Finds (or fetches) and lists every file that `read` will open. */
  locate(roots: DataRoots, inlier: string): Promise<Result<readonly SourceFile[], DatasetProblem>>;
  /**
   * A picture from elsewhere as one of its own: as large as `shape` says (colours become grey later, where it has one channel).
   * One that is as large already stays as it is. Throws, naming `path`, for one that it does not take. Absent: it is stretched.
   */
  prepare?(picture: Picture, path: string): Picture;
  /** Streams the split in the published order; memory does not grow with the dataset. Throws `DatasetError` naming a broken file. */
  read(files: readonly SourceFile[], split: Split, inlier: string): AsyncIterable<ImageBatch>;
}

// -------------------------------------------------------------------------------------------------------- transform

export interface Transform {
  /** A new image of the same channels; never changes its argument; all chance from `rng`. */
  apply(image: FloatImage, rng: Rng): FloatImage;
}

// ---------------------------------------------------------------------------------------------------------- network

/** An encoder f: images → features. Pure description: its weights are passed to every call. */
export interface Network {
  /** Columns of the pooled feature. */
  readonly features: number;
  /** Widths of the projection head g asked for in the spec, input side first; empty = no head. */
  readonly head: readonly number[];
  /** For square inputs of this many pixels a side, which choose the stem. Throws for a side that it is not made for. */
  parameters(side: number): readonly ParameterSpec[];
  /** Multiply-accumulates of one image of that side, forward, without the head: for estimates. Absent: not known. */
  macs?(side: number): number;
  /** x (n, h, w, 3) → the last map (n, h', w', features), whose mean over places is the pooled feature; in inference. Absent: none. */
  map?(weights: Weights, x: Tensor4D): Tensor4D;
  /** x (n, h, w, 3) → pooled feature (n, features). `training` uses and updates batch statistics. */
  pool(weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor2D;
  /** `pool` in inference as ONNX nodes: x float32 (n, 3, h, w) → (n, features). Absent: it can't be exported. */
  graph?(builder: GraphBuilder, weights: NamedArrays, x: Value): Value;
  /** Features from within the encoder, by name: every learner that trains the network has them as layers. Absent: none. */
  readonly levels?: {readonly [name: string]: Level};
  /** What torchvision calls a parameter in the state dict of this network, whose weights fit. Absent: it has no such network. */
  torchName?(parameter: string): string;
}

/** A feature from within an encoder, in inference. */
export interface Level {
  /** x (n, h, w, 3) → (n, d). */
  pool(weights: Weights, x: Tensor4D): Tensor2D;
  /** The same as ONNX nodes: x float32 (n, 3, h, w) → (n, d). */
  graph(builder: GraphBuilder, weights: NamedArrays, x: Value): Value;
}

// ---------------------------------------------------------------------------------------------------------- learner

export interface LearnProgress {
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Of this epoch, from 0; the report comes after it. */
  readonly step: number;
  /** Of one epoch. */
  readonly steps: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly learningRate: number;
  /** Network inputs a second. */
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

export interface CurvePoint {
  /** From 0. */
  readonly epoch: number;
  /** Mean over the epoch's steps. */
  readonly loss: number;
  readonly accuracy?: number;
  /** Of the epoch's first step. */
  readonly learningRate: number;
}

/** Where a training leaves its state, so that a killed run resumes with the result of an uninterrupted one. */
export interface Checkpoints {
  load(): Promise<{readonly arrays: NamedArrays; readonly meta: {readonly [key: string]: unknown}} | undefined>;
  save(arrays: NamedArrays, meta: {readonly [key: string]: unknown}): Promise<void>;
  /** True when the last checkpoint is old enough (a few minutes) to write another at the end of this epoch. */
  due(): boolean;
}

/**
 * One copy of the training set: transforms applied first to last, at least one. Every copied image is an instance of its
 * own, the same in every epoch; the originals are instances, too.
 */
export type CopyRef = readonly PluginRef[];

export interface FitContext {
  /** Training images of the normal class alone. */
  readonly images: ImageSet;
  /** The spec's augmentation, options resolved. */
  readonly augment: readonly PluginRef[];
  /** The spec's distribution augmentation, options resolved; absent when it has none. */
  readonly distributionAugmentation?: readonly CopyRef[];
  readonly rng: Rng;
  readonly signal: AbortSignal;
  readonly checkpoints: Checkpoints;
  readonly plugins: Plugins;
  /** Leave out what comes before the part that most of the training is: its speed is to be measured. */
  readonly mainPart?: boolean;
  report(progress: LearnProgress): void;
  warn(message: string): void;
}

export interface FitResult {
  readonly weights: NamedArrays;
  /** One point an epoch; empty for a learner that does not train. */
  readonly curve: readonly CurvePoint[];
}

/** A value for each place of the network's last map, of each image: (count, height, width). */
export interface ActivationMaps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** At least 0; higher = speaks more for an anomaly. */
  readonly data: Float32Array;
}

/** A learner's result, ready to compute features. BN in inference mode; a row does not depend on its batch. */
export interface Encoder {
  /** Uint8 images → (n, d) of the named layer; `view`: of what it makes of each float image and its index instead. */
  embed(images: ImageSet, layer: string, view?: (image: FloatImage, index: number) => FloatImage): Promise<Matrix>;
  /** GradCAM of the learner's own score of anomaly; absent: it has none, or its network no map. */
  cam?(images: ImageSet): Promise<ActivationMaps>;
  dispose(): void;
}

/** How much a training computes. */
export interface Work {
  readonly steps: number;
  /** Network inputs a step: images, and views of each. */
  readonly inputs: number;
  /** Multiply-accumulates of one input, forward, head included. */
  readonly macs: number;
}

export interface Learner {
  /** The work of training on so many images of that side and `copies` of each by distribution augmentation. Absent: not known. */
  work?(of: {
    readonly images: number;
    readonly copies: number;
    readonly side: number;
    readonly plugins: Plugins;
  }): Work | undefined;
  fit(context: FitContext): Promise<FitResult>;
  /** Rebuilds the encoder from saved weights alone (and the learner's options, with the files that they name). */
  encoder(weights: NamedArrays, plugins: Plugins): Encoder;
  /**
   * One layer of the encoder as ONNX nodes: images float32 (n, h, w, 3) in [0, 1] → (n, d). Undefined where its network gives
   * none. Absent: it can't be exported.
   */
  graph?(
    builder: GraphBuilder,
    images: Value,
    layer: string,
    weights: NamedArrays,
    plugins: Plugins,
  ): Value | undefined;
  /**
   * The network inputs made of one training image, all of one shape; called in worker threads. Absent: does not train.
   * `augment` is one fresh draw of the spec's augmentation.
   */
  views?(image: FloatImage, augment: (image: FloatImage, rng: Rng) => FloatImage, rng: Rng): readonly FloatImage[];
}

// ------------------------------------------------------------------------------------------------------- classifier

export interface Classifier {
  /** Fit on features of normal data only; `features` is (n, d), n >= 1. Deterministic for a given `rng`. */
  fit(features: Matrix, rng: Rng): Scorer;
  /**
   * Fits as `fit` does with this `rng`, and scores the rows that it was fitted on as rows that it has not seen: each by what the
   * others say of it. They are what new normal rows are to be compared with. Needs two rows. Absent: a row
   * weighs too little in its own score to matter.
   */
  heldOut?(features: Matrix, rng: Rng): Float64Array;
  /** From `Scorer.save()`: the same scores. */
  restore(saved: NamedArrays): Scorer;
}

export interface Scorer {
  /** One score a row; finite for finite input; does not depend on the order or the batching of rows. */
  score(features: Matrix): Float64Array;
  save(): NamedArrays;
  /**
   * `score` as ONNX nodes: features float32 (n, d) → float64 (n). Equal to a ten-thousandth of the range of scores. Absent: it
   * can't be exported.
   */
  graph?(builder: GraphBuilder, features: Value): Value;
}

// ----------------------------------------------------------------------------------------------------------- metric

export interface Metric {
  /** `labels` 1 = anomalous. NaN when undefined (one class only). Ties exact. */
  compute(scores: Float64Array, labels: Uint8Array): number;
}

/** What a metric of features is given: the frozen features of one layer. All chance from `rng`. */
export interface FeatureSample {
  /** Of all test images (n, d). */
  readonly features: Matrix;
  /** One a row, 1 = anomalous. */
  readonly labels: Uint8Array;
  /** Two draws of the spec's augmentation of each normal test image, row by row; only where the definition asks (`views`) and there is one. */
  readonly views?: readonly [Matrix, Matrix];
  readonly rng: Rng;
}

export interface FeatureMetric {
  /** NaN when undefined (too few images). Deterministic for a given `rng`; changes nothing of its argument. */
  measure(sample: FeatureSample): number;
}

/** What a metric of pixels is given: score and truth of every pixel of the test images, (count, height, width). */
export interface PixelSample {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Higher = more anomalous. */
  readonly maps: Float32Array;
  /** 1 = anomalous. */
  readonly masks: Uint8Array;
}

export interface PixelMetric {
  /** NaN when undefined (no anomalous or no normal pixel). Ties exact. Changes nothing of its argument. */
  measurePixels(sample: PixelSample): number;
}

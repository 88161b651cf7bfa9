/** Learners: self-supervision, and the encoder that results from it. */
import type {Rng} from '../base/random.ts';
import type {Result} from '../base/result.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import type {ModuleRef} from '../plugin/code.ts';
import type {Static, TObject} from '../plugin/type.ts';
import type {FeatureMaps, FloatImage, ImageSet, Matrix, NamedArrays} from './data.ts';
import type {DatasetProblem, SourceFile} from './dataset.ts';
import type {Definition, PluginRef} from './definition.ts';
import type {PretextSample} from './metric.ts';
import type {Network} from './network.ts';
import type {Transform} from './transform.ts';

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
  /** Absent: not known yet. */
  readonly secondsLeft?: number;
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

/** Where a training saves its state, so that a killed run resumes with the result of an uninterrupted one. */
export interface Checkpoints {
  load(): Promise<{readonly arrays: NamedArrays; readonly meta: {readonly [key: string]: unknown}} | undefined>;
  save(arrays: NamedArrays, meta: {readonly [key: string]: unknown}): Promise<void>;
  /** True if the last checkpoint is old enough (a few minutes) to write another at the end of this epoch. */
  due(): boolean;
}

/**
 * One copy of the training set: at least one transform, applied first to last. Every copied image is a separate instance, the same
 * in every epoch; the originals are instances as well.
 */
export type CopyRef = readonly PluginRef[];

/** Builds the plug-ins that a learner is made of; options resolved. */
export interface PluginFactory {
  /** Modules to import to get the same plug-ins in another thread or process. */
  readonly modules: readonly ModuleRef[];
  create(kind: 'network', ref: PluginRef): Network;
  create(kind: 'transform', ref: PluginRef): Transform;
  create(kind: 'learner', ref: PluginRef): Learner;
}

/** Finds the training images that are probably anomalies, by the features that the training has reached. */
export interface TrainingRefinement {
  /** The layer of the learner that it judges by. */
  readonly layer: string;
  /** Whether it judges after so many epochs. */
  isDue(epochs: number): boolean;
  /** Features (n, d) of all training images after so many epochs → numbers of those to leave out until it judges again, ascending. */
  remove(features: Matrix, epochs: number): Uint32Array;
}

export interface FitContext {
  /** Only training images of the normal class. */
  readonly images: ImageSet;
  /** The spec's augmentation, options resolved. */
  readonly augment: readonly PluginRef[];
  /** The spec's distribution augmentation, options resolved; absent if it has none. */
  readonly distributionAugmentation?: readonly CopyRef[];
  readonly rng: Rng;
  readonly signal: AbortSignal;
  readonly checkpoints: Checkpoints;
  /**
   * Epochs of the main part after which the training ends, although its schedule is that of all epochs; it saves its last state as a
   * checkpoint. Absent: it does not end early. A learner that does not know this trains to its end.
   */
  readonly until?: number;
  /** Leaves images out of the training, anew after some of its epochs. Absent, or a learner that does not know it: all stay. */
  readonly refinement?: TrainingRefinement;
  readonly plugins: PluginFactory;
  /** Skip the phases before the main one, whose speed is to be measured. */
  readonly mainPart?: boolean;
  report(progress: LearnProgress): void;
  warn(message: string): void;
}

export interface FitResult {
  readonly weights: NamedArrays;
  /** One point for each epoch; empty for a learner that does not train. */
  readonly curve: readonly CurvePoint[];
  /** Epochs → numbers of the images that were left out from then on; absent: nothing was refined. */
  readonly removed?: ReadonlyMap<number, Uint32Array>;
}

/** The score that an image's places are asked about: the learner's own, or one of a layer's features, by its slopes in them. */
export type Explained =
  | 'own'
  | {
      readonly layer: string;
      /** Features (n, d) → the slope of each row's score, (n, d). */
      slopes(features: Matrix): Matrix;
    };

/**
 * How much each place has to do with a score. `gradcam`: the last map's channels, weighted by the score's mean slope in each (Selvaraju
 * et al. 2017). `gradient`: the largest slope of a pixel's colours, without its sign (Simonyan et al. 2014). `integrated-gradients`: what
 * a pixel adds on the straight way from a baseline image to this one (Sundararajan et al. 2017), in so many steps.
 */
export type Attribution =
  | {readonly by: 'gradcam' | 'gradient'}
  | {readonly by: 'integrated-gradients'; readonly steps: number; readonly baseline: FloatImage};

/** A value for each place of each image, (count, height, width): of the network's last map, or of the image. */
export interface RelevanceMaps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** At least 0; higher = stronger evidence of an anomaly. */
  readonly data: Float32Array;
}

/** The network or the learner has nothing by which a score could be explained so. */
export class NotExplainable extends Error {
  override readonly name = 'NotExplainable';
}

/** The network has no map of that name; the message says which there are. */
export class NoSuchMap extends Error {
  override readonly name = 'NoSuchMap';
}

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A map (n, channels, height, width) of an ONNX graph. */
export interface MapOfGraph extends Size {
  readonly value: Value;
  readonly channels: number;
}

/** What is embedded instead of each float image, by its index; of the same size. */
export type View = (image: FloatImage, index: number) => FloatImage;

/** A trained learner, ready to compute features. Batch normalisation is in inference mode; a row does not depend on its batch. */
export interface Encoder {
  /** Uint8 images → (n, d) of the named layer; `view`: of its results instead. */
  embed(images: ImageSet, layer: string, view?: View): Promise<Matrix>;
  /**
   * Uint8 images → the maps of these layers, in their order: features of places, which `localize` of type `places` scores. Throws
   * `NoSuchMap`. Absent: it has no maps.
   */
  maps?(images: ImageSet, layers: readonly string[], view?: View): Promise<readonly FeatureMaps[]>;
  /**
   * What raises a score, place by place. Throws `NotExplainable` where it has no such score, layer or map. Absent: it is no network of
   * ours, and has no slopes.
   */
  explain?(images: ImageSet, score: Explained, by: Attribution): Promise<RelevanceMaps>;
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

export interface PretextContext
  extends Pick<FitContext, 'augment' | 'distributionAugmentation' | 'rng' | 'signal' | 'plugins'> {
  /** Normal images that it was not trained on. */
  readonly images: ImageSet;
  readonly weights: NamedArrays;
  /** Passes over the images; each draws the augmentation anew. */
  readonly passes: number;
}

export interface Learner {
  /** The work of training on so many images of that side and `copies` of each by distribution augmentation. Absent: not known. */
  work?(of: {
    readonly images: number;
    readonly copies: number;
    readonly side: number;
    readonly plugins: PluginFactory;
  }): Work | undefined;
  fit(context: FitContext): Promise<FitResult>;
  /**
   * Its loss and accuracy at its own task, with inputs made as in training, batch normalisation in inference mode, and no update.
   * Deterministic for a given `rng`. Absent: it has no such task.
   */
  pretext?(context: PretextContext): Promise<PretextSample>;
  /** Rebuilds the encoder from saved weights and the learner's options, with the files that they name. */
  encoder(weights: NamedArrays, plugins: PluginFactory): Encoder;
  /**
   * One layer of the encoder as ONNX nodes: images float32 (n, h, w, 3) in [0, 1] → (n, d). Undefined if its network has no graph, or its options need more than one.
   * Absent: it cannot be exported.
   */
  graph?(
    builder: GraphBuilder,
    images: Value,
    layer: string,
    weights: NamedArrays,
    plugins: PluginFactory,
  ): Value | undefined;
  /** Its own anomaly score as ONNX nodes: images float32 (n, h, w, 3) in [0, 1] → (n). Absent: maps of it cannot be exported. */
  ownScoreGraph?(builder: GraphBuilder, images: Value, weights: NamedArrays, plugins: PluginFactory): Value | undefined;
  /**
   * For a learner whose network is not one of ours: the pooled feature, or the named maps, of images of that size as ONNX nodes: float32
   * (n, h, w, 3) in [0, 1] → (n, d), or maps (n, c, h', w'). Throws `ModelError` where the file does not allow it.
   */
  readonly foreignGraph?: {
    pool(builder: GraphBuilder, images: Value, size: Size): Promise<Value>;
    maps(builder: GraphBuilder, images: Value, size: Size, layers: readonly string[]): Promise<readonly MapOfGraph[]>;
  };
  /**
   * The network inputs made of one training image, all of one shape; called in worker threads. Absent: does not train.
   * `augment` is one fresh draw of the spec's augmentation; `another` a random training image that is not this one, if there is one.
   */
  views?(
    image: FloatImage,
    augment: (image: FloatImage, rng: Rng) => FloatImage,
    rng: Rng,
    another?: (rng: Rng) => FloatImage,
  ): readonly FloatImage[];
}

export interface LearnerDefinition<O extends TObject = TObject> extends Definition<'learner', O, Learner> {
  /** Layers that `Encoder.embed` knows; the first is the default. */
  readonly layers: readonly string[];
  /** false: its weights depend only on the seed, and one stage serves every normal class. */
  readonly trains: boolean;
  /** The paper's copies for the spec's `distribution_augmentation`, which has no default; absent: it takes none. */
  readonly distributionAugmentation?: readonly CopyRef[];
  /** true: its encoders have `explain`. */
  readonly explains?: boolean;
  /**
   * Of `layers`, those that are functions of the pooled feature alone: GradCAM explains scores of no others. Absent: not known before it
   * runs.
   */
  readonly ofPooled?: readonly string[];
  /** true: it has its own anomaly score, which they explain as well. */
  readonly ownScore?: boolean;
  /**
   * Names of the transforms that its own task is made of: anomalies that are made by them are no fair validation of it. Absent: none.
   */
  pretextTransforms?(options: Static<O>): readonly string[];
  /** Augmentation when the spec has none: the paper's recipe. */
  readonly augment: readonly PluginRef[];
  /**
   * Finds every file that its `pathOption`s name, and the files that belong to it. The file that an option names has the name of
   * the option: in stages the option gets that file's path. Absent: it has no such options.
   */
  files?(options: Static<O>): Result<readonly SourceFile[], DatasetProblem>;
  /** The paper's options for this setting, as far as they differ from the defaults. Absent: they do not differ. */
  paperOptions?(options: Static<O>): {readonly [option: string]: unknown};
  /** The method's id in the papers' tables (`data/baselines`), such as `rotation`; `copies`: of distribution augmentation. */
  row(options: Static<O>, spec: {readonly copies: number}): string;
}

/** Infers the option type from the schema, so that `create` is typed without a cast. Without `row` its name is its id. */
export const defineLearner = <const O extends TObject>(
  d: Omit<LearnerDefinition<O>, 'kind' | 'row'> & Partial<Pick<LearnerDefinition<O>, 'row'>>,
) => ({kind: 'learner', row: () => d.name, ...d}) as LearnerDefinition<O>;

/**
 * The data that plug-ins exchange.
 *
 * Conventions: higher score = more anomalous; label 1 = anomalous, 0 = normal; rates and AUC in [0, 1];
 * images are uint8 NHWC in files and float32 [0, 1] NHWC (neither centred nor scaled) in learners.
 */

/** Row-major (rows, columns). */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** Saved arrays of a fitted learner or classifier: name → shape and values. Order of insertion is kept. */
export type NamedArrays = ReadonlyMap<string, {readonly shape: readonly number[]; readonly data: Float32Array}>;

/** Features of the places of images: (count, height, width, channels), row-major. */
export interface FeatureMaps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array;
}

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

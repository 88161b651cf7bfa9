/** Datasets: one-class problems, and the images of each. */
import type {Result} from '../base/result.ts';
import type {Step} from '../images/preparation.ts';
import type {TObject} from '../plugin/type.ts';
import type {ImageSet, ImageShape} from './data.ts';
import type {Definition} from './definition.ts';

export type Split = 'train' | 'test';

/** A file that a dataset or a learner reads; the digest of its content is part of the cache key, its path is not. */
export interface SourceFile {
  /** Stable name, such as `train-images-idx3-ubyte.gz`. */
  readonly name: string;
  readonly path: string;
}

/** Where datasets may be, best first: `--data`, `./data`, the system's folders; and whether fetching is allowed. */
export interface DataRoots {
  readonly folders: readonly string[];
  readonly fetchInto?: string;
  report?(message: string): void;
}

/** A dataset, or a file that a learner's option names, that is not available: what was looked for, where, and what to do. */
export interface DatasetProblem {
  readonly message: string;
  readonly hint: string;
}

/** A defect that counts as one, wherever its parts lie: the truth for sPRO (Bergmann et al. 2022). */
export interface Region {
  /** Indices of its pixels in the image (height, width), ascending; at least one. */
  readonly pixels: Int32Array;
  /** The share of them, in (0, 1], that is enough to have found it: one missing screw may be missing in any of two places. */
  readonly enough: number;
}

export interface ImageBatch extends ImageSet {
  /** Index into `Dataset.classes`, one for each image. */
  readonly classes: Int32Array;
  /** 1 = this pixel is defective, 0 = it is not; (count, height, width). Only for the test images of a dataset that has `masks`. */
  readonly masks?: Uint8Array;
  /** The regions of each image, none for a normal one. Only for the test images of a dataset that has `regions`. */
  readonly regions?: readonly (readonly Region[])[];
}

export interface Dataset {
  /** Names of the one-class problems, in the papers' order. Each is a separate task. */
  readonly inliers: readonly string[];
  /** Class names; the stored class of an image is an index into them. */
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  /**
   * true: the images differ between the problems (MVTec's categories), and are read once for each problem; false: they are read
   * once for all.
   */
  readonly perInlier: boolean;
  /**
   * Training images of the normal class, as published, or as many as there are in the files that `locate` found; undefined: not known
   * before they are read.
   */
  trainImages?(inlier: string, files?: readonly SourceFile[]): number | undefined;
  /** true: its test images come with masks, the truth for every pixel. */
  readonly masks?: boolean;
  /** true: besides, it says which pixels are one defect, and how many of them are enough (`Region`). */
  readonly regions?: boolean;
  /**
   * Whether all images of this problem show one object in one pose, so that the same position shows the same part of it. Absent:
   * no.
   */
  aligned?(inlier: string): boolean;
  /** The normal class of the problem `inlier`: itself in one-vs-rest, `good` for MVTec. All other classes are anomalous. */
  normalClass(inlier: string): string;
  /** Finds (or fetches) and lists every file that `read` will open. */
  locate(roots: DataRoots, inlier: string): Promise<Result<readonly SourceFile[], DatasetProblem>>;
  /**
   * How a picture becomes one of its own, as large as `shape` says: for pictures from elsewhere, and the page beside an exported model
   * says it in Python. One that is as large already stays as it is; colours become grey afterwards, where `shape` has one channel.
   * Absent: it is stretched.
   */
  readonly preparation?: readonly Step[];
  /** Streams the split in the published order; memory does not grow with the dataset. Throws `DatasetError` naming a broken file. */
  read(files: readonly SourceFile[], split: Split, inlier: string): AsyncIterable<ImageBatch>;
}

export interface DatasetDefinition<O extends TObject = TObject> extends Definition<'dataset', O, Dataset> {}

// An identity function: it infers the option type from the schema, so that `create` is typed without a cast.
export const defineDataset = <const O extends TObject>(d: Omit<DatasetDefinition<O>, 'kind'>) =>
  ({kind: 'dataset', ...d}) as DatasetDefinition<O>;

/** A spec after reading, validation and filling of defaults; and the tasks it expands to. */

import type {PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import type {Precision} from '../../core/engine/contract.ts';

/** Heat maps of the test images. */
export type Localize = Patches | PlacesOfMaps | Explanation;

/** What raises the score of a whole image, place by place. */
export type Explanation = (
  | {readonly type: 'gradcam'}
  | {readonly type: 'gradient'; readonly sigma: 'auto' | number}
  | {readonly type: 'integrated-gradients'; readonly sigma: 'auto' | number; readonly steps: number}
) & {
  /** Absent, in records of earlier versions: the learner's. */
  readonly score?: 'classifier' | 'learner';
};

/** From the scores of all windows of an image. */
export interface Patches {
  readonly type: 'patches';
  readonly patch: number;
  readonly stride: number;
  readonly density: 'auto' | 'shared' | 'per-location';
  readonly sigma: 'auto' | number;
  readonly blend: 'mean' | 'sum';
  /** Absent: a classifier for all places is fitted on some of the windows where they are many. */
  readonly windows?: 'all';
}

/** From the scores of all places of the network's maps. */
export interface PlacesOfMaps {
  readonly type: 'places';
  readonly layers: readonly string[];
  readonly neighbourhood: number;
  readonly channels?: readonly number[] | {readonly random: number};
  readonly turns: number;
  readonly foreground?: number;
  /** Places are compared with those of so many training images; absent: of all. */
  readonly similar?: number;
  readonly image: 'largest' | {readonly top: number};
  readonly density: 'auto' | 'shared' | 'per-location';
  readonly sigma: 'auto' | number;
}

/** Whether parts of images are scored, and not whole ones. */
export const scoresParts = (localize: Localize | undefined): localize is Patches | PlacesOfMaps =>
  localize?.type === 'patches' || localize?.type === 'places';

/** Images that are held out of training, and evaluated on beside the test images. */
export type Validation = {
  /** Share of the normal training images. */
  readonly fraction: number;
  /** Chooses the images, whatever the seed of the training. */
  readonly seed: number;
} & (
  | {readonly type: 'held-out'}
  /** Each item makes one anomaly of every held-out image. */
  | {readonly type: 'synthetic'; readonly transforms: readonly CopyRef[]}
);

/** How likely anomalies are removed from the training images. */
export interface Refinement {
  /** Share of the images that each classifier of the ensemble calls anomalous, more than 0. */
  readonly ratio: number;
  readonly parts: number;
  readonly classifier: PluginRef;
  /** Epochs after which the training goes on with what is left; absent: it has all images. */
  readonly epochs?: 'paper' | readonly number[];
}

export interface Spec {
  readonly name: string;
  readonly description?: string;
  readonly dataset: PluginRef & {
    readonly normal_classes: 'all' | readonly string[];
    readonly limit?: {readonly train?: number; readonly test?: number};
    readonly validation?: Validation;
    readonly contaminate?: number;
  };
  readonly learner: PluginRef;
  /** Absent: the learner's own default. */
  readonly augment?: readonly PluginRef[];
  /** An item that was a transform is a list of one. */
  readonly distribution_augmentation?: readonly CopyRef[];
  readonly map_copies?: readonly CopyRef[];
  readonly localize?: Localize;
  readonly refine?: Refinement;
  readonly classifiers: readonly PluginRef[];
  readonly metrics: readonly PluginRef[];
  readonly seeds: readonly number[];
  readonly ensemble?: Ensemble;
  readonly precision?: LowerPrecision;
  readonly compare?: {readonly table?: string; readonly row?: string};
}

/** About so many normal test images are embedded under each of `map_copies`. */
export const copiedImages = 200;

/** How the scores of the seeds are combined: their mean, or the mean of each seed's standardised scores. */
export type Ensemble = 'seeds' | 'standardised-seeds';

/** In which networks are computed; float32 is written as none. */
export type LowerPrecision = Exclude<Precision, 'float32'>;

/** One one-class problem: one normal class of one dataset, one seed, one point of the matrix. All options resolved. */
export interface Task {
  /** Unique in a run and readable: `fmnist-rotation/bag/rotation/seed=0`. */
  readonly id: string;
  /** `name` of the spec it came from. */
  readonly spec: string;
  readonly dataset: PluginRef;
  readonly limit: {readonly train?: number; readonly test?: number};
  /** Absent: no image is held out. */
  readonly validation?: Validation;
  /** Share of the training images that are anomalies, more than 0; absent: none of them. */
  readonly contaminate?: number;
  readonly inlier: string;
  /** One-class problems that the dataset has: a mean over all of them is the dataset's. Absent in records of older versions. */
  readonly problems?: number;
  readonly learner: PluginRef;
  readonly augment: readonly PluginRef[];
  readonly distributionAugmentation: readonly CopyRef[];
  /** Copies of test images that only the report's map of features shows; absent: none. */
  readonly mapCopies?: readonly CopyRef[];
  readonly localize?: Localize;
  /** Absent: classifiers are fitted on all training images. */
  readonly refine?: Refinement;
  readonly classifiers: readonly PluginRef[];
  readonly metrics: readonly PluginRef[];
  readonly seed: number;
  /** Epochs after which its training ends early, on the schedule of the whole training; absent: it does not. */
  readonly until?: number;
  /** Of a search: a cheap estimate, of features of about so many images of each split; absent: of all. */
  readonly glance?: {readonly images: number};
  /** Of a search: from which trial it is. */
  readonly trial?: TrialRef;
  /** The scores of all seeds are also combined and evaluated as one; absent: they are not. */
  readonly ensemble?: Ensemble;
  /** Absent: float32. */
  readonly precision?: LowerPrecision;
  /** The matrix point: dotted path → value as written; empty without a matrix. */
  readonly point: {readonly [path: string]: unknown};
  /** Row and table of the paper to set it beside. */
  readonly compare: {readonly table?: string; readonly row: string};
}

/** The metric by which configurations are compared: the one that their spec names first. */
export const headMetric = (tasks: readonly Pick<Task, 'metrics'>[]): string | undefined => tasks[0]?.metrics[0]?.type;

/** A trial, and one of the settings of stage two that are tried under its training; both count from 0. */
export interface TrialRef {
  readonly number: number;
  readonly setting: number;
  /** Name of the classifier whose numbers count. */
  readonly classifier: string;
}

/** A spec file or suite, read, validated and expanded. */
export interface Plan {
  readonly name: string;
  readonly description?: string;
  /** Text of the file as it was read, kept with the run. */
  readonly source: string;
  readonly tasks: readonly Task[];
  /** Plug-in modules of the spec (`plugins: ./my-plugins.js`), absolute file URLs. */
  readonly pluginUrls: readonly string[];
}

/**
 * What stands in `StageNode.recipe` of each kind: written by `plan/graph.ts`, read by the stages beside this file. Plain JSON,
 * options resolved (defaults filled). A plug-in's `version` stands beside its reference: it is part of the key, and a stage
 * refuses to run when the installed plug-in has another.
 */

import type {PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import type {Blend, Windows} from '../../core/images/windows.ts';

export interface DataRecipe {
  readonly dataset: PluginRef;
  readonly version: number;
  /** Only where the dataset is read once an inlier (`Dataset.perInlier`). */
  readonly inlier?: string;
  /** `train`: training images a class; `test`: test images in all, stratified by class. */
  readonly limit?: {readonly train?: number; readonly test?: number};
}

/** The learner as `learn` and `embed` need it. `versions`: kind and name (`learner cutpaste`; a transform is called so, too) → version of every plug-in used, its own included. */
interface LearnerPart {
  readonly learner: PluginRef;
  readonly versions: {readonly [plugin: string]: number};
}

export interface LearnRecipe extends LearnerPart {
  readonly augment: readonly PluginRef[];
  /** Each makes a copy of the training images that is an instance of its own; absent when there is none. */
  readonly distribution_augmentation?: readonly CopyRef[];
  readonly seed: number;
  /** Name of the normal class; absent for a learner that does not train: its weights depend on the seed alone. */
  readonly normal?: string;
}

export interface EmbedRecipe extends LearnerPart {
  readonly layer: string;
  /** Of every window instead of the whole image: a row a window, image by image, row by row. */
  readonly windows?: Windows;
  /** Only this class's images (the training split); absent: all images. */
  readonly normal?: string;
  /** Of a seeded draw of the augmentation instead of the image itself; `versions` name its transforms, too. */
  readonly view?: {readonly augment: readonly PluginRef[]; readonly seed: number; readonly draw: number};
}

/** The learner's features of all windows of an image are scored, spread over its pixels, and the largest is the image's. */
export interface LocalizeRecipe {
  readonly classifier: PluginRef;
  readonly version: number;
  readonly seed: number;
  readonly windows: Windows;
  /** true: a classifier of its own at every place. */
  readonly per_location: boolean;
  /** Name of the normal class, for the pictures. */
  readonly normal: string;
  /** Of the Gaussian, in pixels. */
  readonly sigma: number;
  readonly blend: Blend;
}

/** The learner's own score of each test image, explained by GradCAM. */
export interface ExplainRecipe extends LearnerPart {
  /** Name of the normal class, for the pictures. */
  readonly normal: string;
}

export interface ScoreRecipe {
  readonly classifier: PluginRef;
  readonly version: number;
  readonly seed: number;
}

export interface EvaluateRecipe {
  readonly metrics: readonly PluginRef[];
  /** `metric auc` → version. */
  readonly versions: {readonly [metric: string]: number};
  /** Every other class is anomalous. */
  readonly normal: string;
}

/** Scores of several seeds into one: their mean, as they are or each standardised over the test images first. */
export interface EnsembleRecipe {
  readonly combine: 'mean' | 'standardised-mean';
}

/** A metric of features: one a stage, for they cost more than those of scores. */
export interface MeasureRecipe {
  readonly metric: PluginRef;
  readonly version: number;
  /** Every other class is anomalous. */
  readonly normal: string;
  readonly seed: number;
}

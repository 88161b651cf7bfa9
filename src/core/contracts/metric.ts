/** Metrics: of scores, of the features themselves, of the scores of pixels, of a learner's own task, of the seeds' agreement, and of refinement. */
import type {Rng} from '../base/random.ts';
import type {TObject} from '../plugin/type.ts';
import type {Matrix} from './data.ts';
import type {Region} from './dataset.ts';
import type {Definition} from './definition.ts';

/** Judges the order of scores. In [0, 1]; the best value, for a perfect order, is 1, or 0 where lower is better. */
export interface Metric {
  /**
   * `labels` 1 = anomalous. Scores may be infinite, and equal: ties exact. NaN when undefined (one class only). Throws where a score is
   * NaN. Changes nothing of its arguments.
   */
  compute(scores: Float64Array, labels: Uint8Array): number;
}

/** The input of a metric of features: the frozen features of one layer. All randomness comes from `rng`. */
export interface FeatureSample {
  /** Of all test images (n, d). */
  readonly features: Matrix;
  /** One for each row, 1 = anomalous. */
  readonly labels: Uint8Array;
  /**
   * Two draws of the spec's augmentation of each normal test image, row by row; only if the definition asks for it (`views`) and
   * there is an augmentation.
   */
  readonly views?: readonly [Matrix, Matrix];
  readonly rng: Rng;
}

export interface FeatureMetric {
  /** NaN when undefined (too few images). Deterministic for a given `rng`; does not change its argument. */
  measure(sample: FeatureSample): number;
}

/** The input of a metric of pixels: score and truth of every pixel of the test images, (count, height, width). */
export interface PixelSample {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Higher = more anomalous. */
  readonly maps: Float32Array;
  /** 1 = anomalous. */
  readonly masks: Uint8Array;
  /** The defects of each image; only of a dataset that says which pixels are one defect. */
  readonly regions?: readonly (readonly Region[])[];
}

export interface PixelMetric {
  /** NaN when undefined (no anomalous or no normal pixel). Ties are exact. Does not change its argument. */
  measurePixels(sample: PixelSample): number;
}

/** How well a learner does its own task on images that it has not seen. */
export interface PretextSample {
  /** In the learner's own units; 0 or more. */
  readonly loss: number;
  /** In [0, 1]; absent: the learner's task has no right and wrong answers. */
  readonly accuracy?: number;
}

export interface LearnerMetric {
  /** NaN when undefined for this learner. */
  measurePretext(sample: PretextSample): number;
}

export interface AgreementMetric {
  /** `scores`: of the same normal images, one array for each of at least two seeds. NaN when undefined. Does not change its argument. */
  measureAgreement(scores: readonly Float64Array[]): number;
}

/** What was removed from a training set, image by image: 1 = it was removed, and 1 = it is an anomaly. */
export interface RefinementSample {
  readonly removed: Uint8Array;
  readonly anomalous: Uint8Array;
}

export interface RefinementMetric {
  /** NaN when undefined (nothing was removed). Does not change its argument. */
  measureRefinement(sample: RefinementSample): number;
}

/** The direction in which a search looks for configurations. */
interface Directed {
  readonly better: 'higher' | 'lower';
}

interface MetricBase<O extends TObject, M> extends Definition<'metric', O, M> {
  /** `rate` (default): in [0, 1], printed × 100. `number`: printed unchanged. */
  readonly scale?: 'rate' | 'number';
  /** How it uses the test labels beyond evaluation: its values are marked wherever they are printed. */
  readonly testLabels?: string;
}

/** A metric of scores. */
export interface MetricDefinition<O extends TObject = TObject> extends MetricBase<O, Metric>, Directed {
  readonly of?: 'scores';
}

/** A metric of the features themselves: computed once for each layer, not for each classifier. Without `better`, no search can use it. */
export interface FeatureMetricDefinition<O extends TObject = TObject>
  extends MetricBase<O, FeatureMetric>,
    Partial<Directed> {
  readonly of: 'features';
  /** true: it compares two draws of the spec's augmentation of the normal test images. */
  readonly views?: boolean;
}

/** A metric of the scores of pixels, against masks: of tasks that `localize`. */
export interface PixelMetricDefinition<O extends TObject = TObject> extends MetricBase<O, PixelMetric>, Directed {
  readonly of: 'pixels';
}

/** A metric of a learner's own task on the normal validation images: computed once for each training. */
export interface LearnerMetricDefinition<O extends TObject = TObject> extends MetricBase<O, LearnerMetric>, Directed {
  readonly of: 'learner';
}

/** A metric of the scores that the seeds of one configuration give to the normal validation images. */
export interface AgreementMetricDefinition<O extends TObject = TObject>
  extends MetricBase<O, AgreementMetric>,
    Directed {
  readonly of: 'agreement';
}

/** A metric of what `refine` has removed from contaminated training images: computed once for each training. */
export interface RefinementMetricDefinition<O extends TObject = TObject>
  extends MetricBase<O, RefinementMetric>,
    Directed {
  readonly of: 'refinement';
}

export type AnyMetric = Metric | FeatureMetric | PixelMetric | LearnerMetric | AgreementMetric | RefinementMetric;
export type AnyMetricDefinition<O extends TObject = TObject> =
  | MetricDefinition<O>
  | FeatureMetricDefinition<O>
  | PixelMetricDefinition<O>
  | LearnerMetricDefinition<O>
  | AgreementMetricDefinition<O>
  | RefinementMetricDefinition<O>;

// Identity functions: they infer the option type from the schema, so that `create` is typed without a cast.
export const defineMetric = <const O extends TObject>(d: Omit<MetricDefinition<O>, 'kind'>) =>
  ({kind: 'metric', ...d}) as MetricDefinition<O>;
export const defineFeatureMetric = <const O extends TObject>(d: Omit<FeatureMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'features', ...d}) as FeatureMetricDefinition<O>;
export const definePixelMetric = <const O extends TObject>(d: Omit<PixelMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'pixels', ...d}) as PixelMetricDefinition<O>;
export const defineLearnerMetric = <const O extends TObject>(d: Omit<LearnerMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'learner', ...d}) as LearnerMetricDefinition<O>;
export const defineAgreementMetric = <const O extends TObject>(d: Omit<AgreementMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'agreement', ...d}) as AgreementMetricDefinition<O>;
export const defineRefinementMetric = <const O extends TObject>(
  d: Omit<RefinementMetricDefinition<O>, 'kind' | 'of'>,
) => ({kind: 'metric', of: 'refinement', ...d}) as RefinementMetricDefinition<O>;

/** Metrics: of scores, of the features themselves, and of the scores of pixels. */
import type {Rng} from '../base/random.ts';
import type {TObject} from '../plugin/type.ts';
import type {Matrix} from './data.ts';
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
}

export interface PixelMetric {
  /** NaN when undefined (no anomalous or no normal pixel). Ties are exact. Does not change its argument. */
  measurePixels(sample: PixelSample): number;
}

interface AnyMetricDefinition<O extends TObject, M> extends Definition<'metric', O, M> {
  /** `rate` (default): in [0, 1], printed × 100. `number`: printed unchanged. */
  readonly scale?: 'rate' | 'number';
  /** How it uses the test labels beyond evaluation: its values are marked wherever they are printed. */
  readonly testLabels?: string;
}

/** A metric of scores. */
export interface MetricDefinition<O extends TObject = TObject> extends AnyMetricDefinition<O, Metric> {
  readonly of?: 'scores';
  readonly better: 'higher' | 'lower';
}

/** A metric of the features themselves: computed once for each layer, not for each classifier. */
export interface FeatureMetricDefinition<O extends TObject = TObject> extends AnyMetricDefinition<O, FeatureMetric> {
  readonly of: 'features';
  /** true: it compares two draws of the spec's augmentation of the normal test images. */
  readonly views?: boolean;
}

/** A metric of the scores of pixels, against masks: of tasks that `localize`. */
export interface PixelMetricDefinition<O extends TObject = TObject> extends AnyMetricDefinition<O, PixelMetric> {
  readonly of: 'pixels';
  readonly better: 'higher' | 'lower';
}

// Identity functions: they infer the option type from the schema, so that `create` is typed without a cast.
export const defineMetric = <const O extends TObject>(d: Omit<MetricDefinition<O>, 'kind'>) =>
  ({kind: 'metric', ...d}) as MetricDefinition<O>;
export const defineFeatureMetric = <const O extends TObject>(d: Omit<FeatureMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'features', ...d}) as FeatureMetricDefinition<O>;
export const definePixelMetric = <const O extends TObject>(d: Omit<PixelMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'pixels', ...d}) as PixelMetricDefinition<O>;

import type {Result} from '../base/result.ts';
import type {
  Classifier,
  CopyRef,
  Dataset,
  DatasetProblem,
  FeatureMetric,
  Learner,
  Metric,
  Network,
  PixelMetric,
  SourceFile,
  Transform,
} from './contracts.ts';
import type {PluginRef} from './registry.ts';
import type {Static, TObject} from './type.ts';

/** What every plug-in says of itself; validation, defaults, schema, docs, cache key and contract tests come from it. */
export interface Definition<K extends Kind, O extends TObject, C> {
  readonly kind: K;
  /** As written in YAML; by hand, never derived. */
  readonly name: string;
  /** Bump when the same options give another result: part of the cache key. */
  readonly version: number;
  /** One sentence for `pipeline plugins`. */
  readonly summary: string;
  readonly paper?: string;
  readonly options: O;
  create(options: Static<O>): C;
}

export type Kind = 'dataset' | 'transform' | 'network' | 'learner' | 'classifier' | 'metric';

export interface DatasetDefinition<O extends TObject = TObject> extends Definition<'dataset', O, Dataset> {}

export interface TransformDefinition<O extends TObject = TObject> extends Definition<'transform', O, Transform> {}

export interface NetworkDefinition<O extends TObject = TObject> extends Definition<'network', O, Network> {}

export interface LearnerDefinition<O extends TObject = TObject> extends Definition<'learner', O, Learner> {
  /** Layers that `Encoder.embed` knows; the first is the default. */
  readonly layers: readonly string[];
  /** false: its weights depend on the seed alone, and one stage serves every inlier. */
  readonly trains: boolean;
  /** The paper's copies for the spec's `distribution_augmentation`, which has no default; absent: it takes none. */
  readonly distributionAugmentation?: readonly CopyRef[];
  /** true: it has a score of anomaly of its own, which its encoders explain (`cam`). */
  readonly gradcam?: boolean;
  /** Augmentation when the spec has none: the paper's recipe. */
  readonly augment: readonly PluginRef[];
  /**
   * Finds every file that its `pathOption`s name, and those beside it. The one that an option names is called as the option
   * is: in stages the option is filled with that file's path. Absent: it has no such options.
   */
  files?(options: Static<O>): Result<readonly SourceFile[], DatasetProblem>;
  /** What the paper sets otherwise than the defaults in the setting that these options are of. Absent: nothing. */
  paperOptions?(options: Static<O>): {readonly [option: string]: unknown};
  /** The method's id in the papers' tables (`data/baselines`), such as `rotation`; `copies`: of distribution augmentation. */
  row(options: Static<O>, spec: {readonly copies: number}): string;
}

export interface ClassifierDefinition<O extends TObject = TObject> extends Definition<'classifier', O, Classifier> {
  /** The layer it reads; undefined: the learner's first, or its own `layer` option. */
  readonly layer?: string;
  /** The classifier's id in the papers' tables, such as `oc-svm-rbf`. */
  row(options: Static<O>): string;
}

interface AnyMetricDefinition<O extends TObject, M> extends Definition<'metric', O, M> {
  /** `rate` (default): lies in [0, 1], printed × 100. `number`: printed as it is. */
  readonly scale?: 'rate' | 'number';
  /** What it takes from the test labels beyond being judged by them: every print of its values is marked with it. */
  readonly testLabels?: string;
}

/** A metric of scores. */
export interface MetricDefinition<O extends TObject = TObject> extends AnyMetricDefinition<O, Metric> {
  readonly of?: 'scores';
  readonly better: 'higher' | 'lower';
}

/** A metric of the features themselves: computed once a layer, not once a classifier. */
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
export const defineDataset = <const O extends TObject>(d: Omit<DatasetDefinition<O>, 'kind'>) =>
  ({kind: 'dataset', ...d}) as DatasetDefinition<O>;
export const defineTransform = <const O extends TObject>(d: Omit<TransformDefinition<O>, 'kind'>) =>
  ({kind: 'transform', ...d}) as TransformDefinition<O>;
export const defineNetwork = <const O extends TObject>(d: Omit<NetworkDefinition<O>, 'kind'>) =>
  ({kind: 'network', ...d}) as NetworkDefinition<O>;
export const defineLearner = <const O extends TObject>(d: Omit<LearnerDefinition<O>, 'kind'>) =>
  ({kind: 'learner', ...d}) as LearnerDefinition<O>;
export const defineClassifier = <const O extends TObject>(d: Omit<ClassifierDefinition<O>, 'kind'>) =>
  ({kind: 'classifier', ...d}) as ClassifierDefinition<O>;
export const defineMetric = <const O extends TObject>(d: Omit<MetricDefinition<O>, 'kind'>) =>
  ({kind: 'metric', ...d}) as MetricDefinition<O>;
export const defineFeatureMetric = <const O extends TObject>(d: Omit<FeatureMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'features', ...d}) as FeatureMetricDefinition<O>;
export const definePixelMetric = <const O extends TObject>(d: Omit<PixelMetricDefinition<O>, 'kind' | 'of'>) =>
  ({kind: 'metric', of: 'pixels', ...d}) as PixelMetricDefinition<O>;

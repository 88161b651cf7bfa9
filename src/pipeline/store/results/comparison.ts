/** Our numbers beside the papers' numbers, as the results database returns them. */
import type {Json} from '../../../core/base/canonical.ts';
import type {Verdict} from './verdict.ts';

/** Which values to compare; without any field: the latest of every configuration. */
export interface ComparisonFilter {
  /** Ids of runs. */
  readonly runs?: readonly string[];
  /** Name of a spec or of a run. */
  readonly spec?: string;
  /** The paper's table to compare with, instead of those that the specs name. */
  readonly table?: string;
}

/** One number: of a configuration, inlier (`mean`: over all classes), classifier and metric. Rates are in [0, 1]. */
export interface ComparisonRow {
  /** Digest of the resolved options without seed and inlier. Values with different digests are never averaged. */
  readonly config: string;
  readonly definition: string;
  readonly spec: string;
  readonly dataset: string;
  readonly inlier: string;
  readonly learner: string;
  readonly paperRow: string;
  /** The paper's table that the spec (or the filter) names. */
  readonly specTable: string | null;
  readonly classifier: string;
  readonly paperClassifier: string;
  readonly metric: string;
  /** A `rate` is printed × 100; null: not known (an older version filed the results). */
  readonly scale: 'rate' | 'number' | null;
  /** A sentence on how the metric uses the test labels, besides judging the scores; null: nothing. */
  readonly testLabels: string | null;
  /** The number of seeds whose scores are combined into this one number; null: no ensemble. */
  readonly ensemble: number | null;
  /** The options that `config` digests: dataset, limit, learner, augment, distribution_augmentation, localize, versions. */
  readonly options: {readonly [key: string]: Json};
  readonly classifierOptions: Json;
  /** Classifier, layer and metric with their versions and options; null: not known (an older version filed the results). */
  readonly definitionOptions: Json;
  readonly point: {readonly [path: string]: Json};
  /** On the test images. Mean over seeds; in a `mean` row, the mean of the classes' means. null: undefined, or not computed. May be infinite. */
  readonly ours: number | null;
  /** Standard error of `ours` over seeds; for one seed, the error that random scores of as many test images have. null: not known. */
  readonly error: number | null;
  /** Why some of its values are undefined, infinite or not computed. */
  readonly reasons: readonly string[];
  /** false: some of its values are only in the run's record, without a manifest in the cache; null: not known. */
  readonly vouched: boolean | null;
  /** Standard deviation over seeds (n − 1); in a `mean` row, the mean of the classes' deviations, as in the ICLR paper. null: one seed. */
  readonly sd: number | null;
  /** Number of seeds with a value; in a `mean` row, the lowest (`n`) and the highest (`nMost`) number of any class. */
  readonly n: number;
  readonly nMost: number;
  /**
   * Mean over seeds of the value on the validation images, its deviation and the number of seeds, as for `ours`; null: the
   * configuration holds no image out, or there is no value.
   */
  readonly validation: number | null;
  readonly validationSd: number | null;
  readonly validationN: number | null;
  /** Number of seeds that the runs' plans have. */
  readonly planned: number;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
  /** The engines that computed it and the stages before it, such as `wasm`; empty: not recorded (older versions). */
  readonly engines: readonly string[];
  /** Sentences about values that another engine computed than the run asked for, each different sentence once. */
  readonly otherEngines: readonly string[];
  readonly paper: number | null;
  readonly paperSpread: number | null;
  readonly paperSpreadKind: 'sd' | 'se' | null;
  readonly paperTable: string | null;
  readonly paperSource: string | null;
  readonly difference: number | null;
  /** null: nothing to compare with. */
  readonly verdict: Verdict | null;
}

/** Converts a row of the views `comparison` and `comparison_mean` (`schema.ts`). */
export function comparisonRow(columns: readonly {readonly name: string}[], cells: readonly unknown[]): ComparisonRow {
  const row = Object.fromEntries(columns.map(({name}, at) => [name, cells[at]]));
  return {
    config: row['config'],
    definition: row['definition'],
    spec: row['spec'],
    dataset: row['dataset'],
    inlier: row['inlier'],
    learner: row['learner'],
    paperRow: row['paper_row'],
    specTable: row['paper_table'],
    classifier: row['classifier'],
    paperClassifier: row['paper_classifier'],
    metric: row['metric'],
    scale: row['scale'],
    testLabels: row['test_labels'],
    ensemble: (row['ensemble'] as readonly number[] | null)?.length ?? null,
    options: JSON.parse(row['options'] as string),
    classifierOptions: JSON.parse(row['classifier_options'] as string),
    definitionOptions: JSON.parse((row['definition_options'] as string | null) ?? 'null'),
    point: JSON.parse(row['point'] as string),
    ours: Number.isNaN(row['ours']) ? null : row['ours'], // the mean of +∞ and −∞
    error: row['error'],
    reasons: row['reasons'] ?? [],
    vouched: row['vouched'],
    sd: row['sd'],
    n: row['n'],
    nMost: row['n_most'],
    validation: Number.isNaN(row['validation']) ? null : row['validation'],
    validationSd: row['validation_sd'],
    validationN: row['validation_n'],
    planned: row['planned'],
    seeds: row['seeds'],
    runs: row['runs'],
    engines: row['engines'] ?? [],
    otherEngines: row['other_engines'] ?? [],
    paper: row['paper'],
    paperSpread: row['paper_spread'],
    paperSpreadKind: row['paper_spread_kind'],
    paperTable: row['paper_source_table'],
    paperSource: row['paper_source'],
    difference: row['difference'],
    verdict: row['verdict'],
  } as ComparisonRow;
}
